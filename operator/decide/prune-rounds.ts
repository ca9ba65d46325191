/**
 * A prune in two rounds: its first Job settles and plans, the plan goes on record, and the next Job acts upon the plan that is on record
 * and on no other. What changed in between makes another plan and another round. A prune that has nothing to remove needs one Job.
 */
import type { RunStatus } from "../api/kinds.ts";
import type { ResultOf } from "../contract/result.ts";
import { count } from "../domain/quantities.ts";
import { type Instant, formatInstant } from "../domain/instant.ts";
import type { Action } from "./decision.ts";
import { resultOf } from "./job-state.ts";
import { type StepMove, type StepRecord, type StepWorld, baseOf, fail, isOver } from "./step.ts";

type PlanRecord = NonNullable<RunStatus["retention"]>[number];

/** Nobody but people changes what lies at a place while its prune is under way. */
const mostRounds = 4;

/** More than all rounds with their attempts: a cluster whose kinds are older than this release forgets how many there were. */
const mostAttempts = 8;

/** What people type to acknowledge a plan. */
export const shortDigest = (digest: string): string => digest.slice(0, 12);

/** Whether something may be deleted soon: by the preflight or by a prune. What people hold in other runs matters then. */
export const mindsHolds = ({ steps = [] }: RunStatus = {}): boolean => {
  const isSealed = steps.some(({ name, state }) => name === "Seal" && state === "Done");
  return steps.some((step) => !isOver(step) && (step.name === "Preflight" || (isSealed && baseOf(step) === "Prune")));
};

/** Whether the step waits for nothing but the end of the Job that has planned. */
const hasPlanned = (step: StepRecord): boolean =>
  step.state === "Waiting" && step.approved !== undefined && step.code === undefined;

/** The Job whose plan is on record goes before the next one comes; undefined when it is gone. */
export function removePlanner(step: StepRecord, { jobs }: Pick<StepWorld, "jobs">): Action | undefined {
  const job = hasPlanned(step) && step.job !== undefined ? jobs.get(step.job) : undefined;
  if (job === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
  return { do: "deleteJob", name: job.metadata.name, uid: job.metadata.uid };
}

/** Turns the end of a Job that has only planned into the beginning of the next round. */
export function followPlan(before: StepRecord, move: StepMove, now: Instant): StepMove {
  const result = before.state !== "Done" && move.step.state === "Done" ? pruneIn(move) : undefined;
  if (result?.plan === undefined || result.refused !== undefined) return move;
  const { digest, removes } = result.plan;
  const rounds = (before.rounds ?? 0) + 1;
  const { finishedAt: _finishedAt, result: _result, ...rest } = move.step;
  if (rounds > mostRounds || (before.attempt ?? 1) > mostAttempts)
    return { ...move, step: fail(rest, now, "HO-K704", `${rounds} plans were made, and none could be acted upon`) };
  const message = `${count(removes, "generation")} to be removed, plan ${shortDigest(digest)}`;
  return {
    ...move,
    step: { ...rest, state: "Waiting", approved: digest, rounds, retryAt: formatInstant(now), message },
    wakeAfter: 0,
  };
}

const pruneIn = (move: StepMove): ResultOf<"prune"> | undefined =>
  move.job.is === "succeeded" ? resultOf(move.job.results, "prune") : undefined;

/** What goes on record of a plan, with the end of the Job that has made it or acted upon it. */
export function recordPlan(status: RunStatus, before: StepRecord, move: StepMove, now: Instant): RunStatus {
  const result = before.state === "Running" && move.step.state !== "Running" ? pruneIn(move) : undefined;
  if (result === undefined) return status;
  const { name: location } = result.location;
  const known = status.retention?.find((one) => one.location === location);
  const tookBack = [...new Set([...(known?.tookBack ?? []), ...(result.tookBack ?? [])])].slice(-20);
  const record: PlanRecord = {
    location,
    state: stateOf(result),
    ...planOf(result, known, now),
    kept: result.kept.map(({ why, since, ranges }) => ({ why, sequences: ranges, ...(since > 1 ? { since } : {}) })),
    ...(tookBack.length === 0 ? {} : { tookBack }),
  };
  const others = (status.retention ?? []).filter((one) => one.location !== location);
  return { ...status, retention: [...others, record] };
}

function stateOf({ plan, refused }: ResultOf<"prune">): PlanRecord["state"] {
  if (refused === undefined) return plan === undefined ? "Done" : "Planned";
  return plan === undefined ? "Refused" : "Waiting";
}

/** Once it is carried out, what is told is the plan that was: there is nothing to go any more. */
function planOf(
  { plan, remove, removed, refused }: ResultOf<"prune">,
  known: PlanRecord | undefined,
  now: Instant,
): Partial<PlanRecord> {
  if (plan === undefined && refused === undefined && removed.length > 0 && known?.state === "Planned") {
    const { plannedAt, digest, removes, remove: names } = known;
    return {
      ...(plannedAt === undefined ? {} : { plannedAt }),
      ...(digest === undefined ? {} : { digest }),
      ...(removes === undefined ? {} : { removes }),
      ...(names === undefined ? {} : { remove: names }),
    };
  }
  return {
    plannedAt: formatInstant(now),
    removes: plan?.removes ?? 0,
    ...(plan === undefined ? {} : { digest: plan.digest }),
    remove: (remove ?? []).map(({ id, why }) => ({ id, why })),
  };
}

/** Digests of all plans of a run that wait for an acknowledgement, as the annotation wants them; undefined when none does. */
export function waitingPlans({ retention = [] }: RunStatus): string | undefined {
  const digests = retention.flatMap(({ state, digest }) =>
    state === "Waiting" && digest !== undefined ? [shortDigest(digest)] : [],
  );
  return digests.length === 0 ? undefined : [...new Set(digests)].join(",");
}
