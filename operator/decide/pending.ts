/** How many sealed generations wait at the source for a sink, from what the runs of a policy have on record. */
import type { BackupRun } from "../api/kinds.ts";
import { resultOf } from "./job-state.ts";
import { isOver, resultsOf } from "./step.ts";

/**
 * The newest count that a mover has made at the store; and on top of it each generation that was sealed since by a run that
 * ended without counting, as it does when a sink is not the one that the policy knows. @returns undefined without any of both.
 */
export function countPending(runs: readonly BackupRun[]): number | undefined {
  const counts = runs
    .flatMap((run) => run.status?.steps ?? [])
    .flatMap((step) => {
      const results = resultsOf(step);
      const count =
        resultOf(results, "preflight")?.pending ??
        (step.name === "Prune/source" ? resultOf(results, "prune")?.pending : undefined);
      return count === undefined ? [] : [{ at: step.finishedAt ?? "", count }];
    })
    .toSorted((a, b) => (a.at < b.at ? 1 : -1));
  const newest = counts[0];
  const uncounted = runs.filter(({ status }) => {
    const sealedAt = status?.generation?.sealedAt;
    const prune = status?.steps?.find((step) => step.name === "Prune/source");
    return sealedAt !== undefined && sealedAt > (newest?.at ?? "") && isOver(prune);
  }).length;
  return newest === undefined && uncounted === 0 ? undefined : (newest?.count ?? 0) + uncounted;
}
