/** What a pass over a restore sees, and what it changes. */
import type { BackupPolicy, BackupRun, Job, RestoreRequest, RestoreStatus } from "../api/kinds.ts";
import type { Instant } from "../domain/instant.ts";
import type { Draft, Settings } from "./decision.ts";
import type { AppObservation } from "./app.ts";

export interface RestoreObservation {
  readonly request: RestoreRequest;
  readonly policy: BackupPolicy | undefined;
  readonly runs: readonly BackupRun[];
  /** Other restores of the policy. */
  readonly siblings: readonly RestoreRequest[];
  readonly app: AppObservation;
  readonly jobs: ReadonlyMap<string, Job>;
  readonly settings: Settings;
}

/** One pass over one restore. */
export interface RestoreContext {
  readonly seen: RestoreObservation;
  readonly draft: RestoreDraft;
  readonly now: Instant;
  readonly cancelled: boolean;
  readonly hasFinalizer: boolean;
}

export type RestoreDraft = Draft<RestoreStatus>;
