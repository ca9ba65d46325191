/** Tasks of prunes, and a prune in its two rounds as the controller carries it out. */
import type { ResultOf } from "../../operator/contract/result.ts";
import type { TaskOf } from "../../operator/contract/task.ts";
import type { MoverContext } from "../../operator/mover/context.ts";
import { prune } from "../../operator/mover/steps/prune.ts";
import { common } from "./generations.ts";

export type PruneTask = TaskOf<"prune">;

/** After every generation that the tests build, so that no clock is behind. */
export const noon = Date.UTC(2027, 0, 1, 12);

export const pruneTask = (changes: Partial<PruneTask> = {}): PruneTask => ({
  ...common,
  step: "prune",
  location: { name: "vault", uuid: "vault-uuid" },
  keep: { last: 2, minVerified: 1 },
  verify: "Full",
  requiredSinks: [],
  acknowledged: [],
  timeZone: "UTC",
  trashMillis: 0,
  holds: [],
  known: { since: 1, ranges: "" },
  ...changes,
});

/** Plans, and acts on that very plan. @returns the last answer */
export async function pruneThrough(task: PruneTask, context: MoverContext, now = noon): Promise<ResultOf<"prune">> {
  const planned = await prune(task, context, now);
  if (planned.plan === undefined || planned.refused !== undefined) return planned;
  if (planned.removed.length > 0) throw new Error("removed before it was approved");
  const acted = await prune({ ...task, approved: planned.plan.digest }, context, now);
  return { ...acted, settled: [...planned.settled, ...acted.settled] };
}

/** As an administrator who acknowledges whatever is asked. */
export async function pruneAcknowledged(
  task: PruneTask,
  context: MoverContext,
  now = noon,
): Promise<ResultOf<"prune">> {
  const { plan } = await prune(task, context, now);
  const acknowledged = plan === undefined ? [] : [plan.digest.slice(0, 12)];
  return await pruneThrough({ ...task, acknowledged }, context, now);
}
