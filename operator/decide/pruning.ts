/** Whether retention of a policy is carried out, or waits for somebody: from what its newest runs have on record. */
import { explain } from "../api/codes.ts";
import type { NewCondition } from "../api/conditions.ts";
import type { BackupPolicy, BackupRun, RunStatus } from "../api/kinds.ts";
import { isTimeZone } from "../domain/buckets.ts";
import { count } from "../domain/quantities.ts";
import { newestFirst } from "./protection.ts";
import { shortDigest, waitingPlans } from "./prune-rounds.ts";
import { acknowledgedIn } from "./prune-task.ts";

type PlanRecord = NonNullable<RunStatus["retention"]>[number];

/** The newest plan of each place. */
function newestPlans(policy: BackupPolicy, runs: readonly BackupRun[]): readonly PlanRecord[] {
  const all = newestFirst(runs).flatMap(({ status }) => status?.retention ?? []);
  const places = ["source", ...policy.spec.sinks.map(({ name }) => name)];
  return places.flatMap((place) => all.find(({ location }) => location === place) ?? []);
}

export function judgePruning(policy: BackupPolicy, runs: readonly BackupRun[]): NewCondition {
  const plans = newestPlans(policy, runs);
  const waiting = plans.filter(({ state }) => state === "Waiting");
  const { namespace, name } = policy.metadata;
  const open = waiting.filter(({ digest }) => !isAcknowledged(policy, digest ?? ""));
  if (waiting.length > 0 && open.length === 0)
    return {
      type: "Pruning",
      status: "False",
      reason: "Acknowledged",
      message: `the next run prunes at ${waiting.map(({ location }) => location).join(", ")} as it was acknowledged`,
    };
  if (open.length > 0) {
    const plan = waitingPlans({ retention: [...waiting] });
    const { reason, next } = explain("HO-K701", { namespace, policy: name, run: "", plan });
    const texts = open.map(
      ({ location, removes, digest }) =>
        `${location}: ${count(removes ?? 0, "generation")} would go at once, plan ${shortDigest(digest ?? "")}`,
    );
    return {
      type: "Pruning",
      status: "False",
      reason,
      message: `an acknowledgement is waited for. ${texts.join("; ")}. Next: ${next}`,
    };
  }
  const frozen = plans.filter(({ state }) => state === "Refused");
  if (frozen.length > 0) {
    const { reason, next } = explain("HO-K702", { namespace, policy: name, run: "" });
    const places = frozen.map(({ location }) => location).join(", ");
    return { type: "Pruning", status: "False", reason, message: `nothing is removed at ${places}. Next: ${next}` };
  }
  return plans.length === 0
    ? { type: "Pruning", status: "Unknown", reason: "Pending", message: "nothing was pruned yet" }
    : { type: "Pruning", status: "True", reason: "Done", message: "" };
}

const isAcknowledged = ({ metadata: { annotations } }: BackupPolicy, digest: string): boolean =>
  acknowledgedIn(annotations ?? {}).some((start) => digest.startsWith(start));

/** What is wrong with the time zone of retention; undefined when nothing is. */
export function checkRetentionZone({ spec: { retention } }: BackupPolicy): string | undefined {
  const { timeZone }: { readonly timeZone?: string } = retention;
  return timeZone === undefined || isTimeZone(timeZone)
    ? undefined
    : `retention: time zone ${timeZone} is unknown, so nothing is pruned`;
}
