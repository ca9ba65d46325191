/**
 * Whether what its runs have brought protects the app of a policy. Each type of run is judged by itself: an hourly dump that goes
 * well says nothing about the nightly full run.
 */
import { isFinished } from "../api/conditions.ts";
import type { BackupPolicy, BackupRun, PolicyStatus } from "../api/kinds.ts";
import { parseGenerationId } from "../domain/generation.ts";
import { isBecauseOfAnother } from "./app-state.ts";

export interface Protection {
  readonly state: "Protected" | "AtRisk" | "Unprotected";
  readonly message: string;
  readonly lastComplete: PolicyStatus["lastComplete"];
  /** The runs that the state rests on. */
  readonly basis: readonly BackupRun[];
}

export const newestFirst = (runs: readonly BackupRun[]): readonly BackupRun[] =>
  runs.toSorted((a, b) => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? 1 : -1));

const isComplete = (run: BackupRun): boolean => run.status?.result === "Complete";

/** The latest run of each type, the type that holds more first. */
function latestOfEachType(policy: BackupPolicy, runs: readonly BackupRun[]): readonly BackupRun[] {
  const finished = newestFirst(runs.filter((run) => isFinished(run) && !isBecauseOfAnother(run.status?.code)));
  const full = finished.find((run) => run.spec.type === "Full");
  const dump = finished.find((run) => run.spec.type === "Database");
  const scheduled = policy.spec.schedules?.some(({ type }) => type === "Database") === true;
  // A full run holds whatever a dump that nobody repeats would have held.
  const superseded = !scheduled && full !== undefined && full === finished[0] && isComplete(full);
  return [full, superseded ? undefined : dump].filter((run) => run !== undefined);
}

const seqOf = (id: string | undefined): number => parseGenerationId(id ?? "")?.seq ?? 0;

function lastCompleteOf(policy: BackupPolicy, runs: readonly BackupRun[]): PolicyStatus["lastComplete"] {
  const needsVolumes = (policy.spec.volumes ?? []).length > 0;
  const candidates = [
    // Remembered, because the run that made it may be gone.
    ...(policy.status?.lastComplete === undefined ? [] : [policy.status.lastComplete]),
    ...runs.filter(isComplete).flatMap(({ metadata, status }) => {
      const { id, sealedAt } = status?.generation ?? {};
      return id === undefined ? [] : [{ run: metadata.name, generation: id, time: sealedAt ?? "" }];
    }),
  ];
  return candidates
    .filter(({ generation }) => !needsVolumes || parseGenerationId(generation)?.type === "full")
    .toSorted((a, b) => seqOf(a.generation) - seqOf(b.generation))
    .at(-1);
}

export function judgeProtection(policy: BackupPolicy, runs: readonly BackupRun[]): Protection {
  const basis = latestOfEachType(policy, runs);
  const lastComplete = lastCompleteOf(policy, runs);
  const isThere = lastComplete !== undefined || runs.some((run) => run.status?.generation !== undefined);
  const troubles = basis
    .filter((run) => !isComplete(run))
    .map(({ metadata, status }) => `${metadata.name}: ${status?.display?.message ?? ""}`);
  const missing = isThere ? "no complete generation with the volumes yet" : "no complete generation yet";
  const good = lastComplete === undefined ? missing : `generation ${lastComplete.generation} is complete`;
  return {
    state: lastComplete !== undefined && troubles.length === 0 ? "Protected" : isThere ? "AtRisk" : "Unprotected",
    message: troubles.length > 0 ? troubles.join("; ") : good,
    lastComplete,
    basis,
  };
}
