/** What a pass over a backup run sees, and what it makes of it. */
import type { AdoptionRecord, BackupPolicy, BackupRun, Job, RestoreRequest, RunStatus } from "../api/kinds.ts";
import type { Decision, Draft, Settings } from "./decision.ts";
import type { AppObservation } from "./app.ts";

export interface RunObservation {
  readonly run: BackupRun;
  readonly policy: BackupPolicy | undefined;
  /** Other runs of the policy. */
  readonly siblings: readonly BackupRun[];
  readonly restores: readonly RestoreRequest[];
  readonly app: AppObservation;
  /** Jobs of this run, by name. */
  readonly jobs: ReadonlyMap<string, Job>;
  readonly settings: Settings;
  /** Of a finished run whose policy has a listing on record. */
  readonly adoption?: AdoptionRecord | undefined;
}

export type RunDecision = Decision<RunStatus>;

export type RunDraft = Draft<RunStatus>;
