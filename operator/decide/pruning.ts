/** Whether retention of a policy is carried out, or waits for somebody: from what its newest runs have on record. */
import { explain } from "../api/codes.ts";
import type { NewCondition } from "../api/conditions.ts";
import type { BackupPolicy, BackupRun, RunStatus } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import { isTimeZone } from "../domain/buckets.ts";
import { count } from "../domain/quantities.ts";
import { clip } from "../domain/text.ts";
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

const waitingIn = (
  policy: BackupPolicy,
  plans: readonly PlanRecord[],
): { readonly waiting: readonly PlanRecord[]; readonly open: readonly PlanRecord[] } => {
  const waiting = plans.filter(({ state }) => state === "Waiting");
  return { waiting, open: waiting.filter(({ digest }) => !isAcknowledged(policy, digest ?? "")) };
};

/** Of `acknowledge-prune`: what is no beginning of the digest of a plan that waits, as after a slip of the pen. */
function tellStray({ metadata: { annotations: own = {} } }: BackupPolicy, waiting: readonly PlanRecord[]): string {
  const known = acknowledgedIn(own);
  const stray = (own[annotations.acknowledgePrune] ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .filter((part) => !known.includes(part) || !waiting.some(({ digest = "" }) => digest.startsWith(part)));
  return stray.length === 0 ? "" : `acknowledge-prune=${clip(stray.join(","), 64)} matches no plan that waits`;
}

/** For one line: that somebody has to acknowledge a prune, and how; empty when nothing waits. */
export function tellWaiting(policy: BackupPolicy, runs: readonly BackupRun[]): string {
  const { waiting, open } = waitingIn(policy, newestPlans(policy, runs));
  if (open.length === 0) return "";
  const { namespace, name } = policy.metadata;
  const stray = tellStray(policy, waiting);
  const { next } = explain("HO-K701", {
    namespace,
    policy: name,
    run: "",
    plan: waitingPlans({ retention: [...waiting] }),
  });
  return `${stray === "" ? "" : `${stray}; `}a prune waits for an acknowledgement: ${next}`;
}

export function judgePruning(policy: BackupPolicy, runs: readonly BackupRun[]): NewCondition {
  const plans = newestPlans(policy, runs);
  const { waiting, open } = waitingIn(policy, plans);
  const { namespace, name } = policy.metadata;
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
    const stray = tellStray(policy, waiting);
    return {
      type: "Pruning",
      status: "False",
      reason,
      message: `an acknowledgement is waited for. ${[...texts, ...(stray === "" ? [] : [stray])].join("; ")}. Next: ${next}`,
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

const isAcknowledged = ({ metadata }: BackupPolicy, digest: string): boolean =>
  acknowledgedIn(metadata.annotations ?? {}).some((start) => digest.startsWith(start));

/** What is wrong with the time zone of retention; undefined when nothing is. */
export function checkRetentionZone({ spec: { retention } }: BackupPolicy): string | undefined {
  const { timeZone }: { readonly timeZone?: string } = retention;
  return timeZone === undefined || isTimeZone(timeZone)
    ? undefined
    : `retention: time zone ${timeZone} is unknown, so nothing is pruned`;
}
