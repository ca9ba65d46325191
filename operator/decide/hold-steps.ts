/**
 * The two steps that touch the app, the same for runs and restores: Quiesce brings it to zero and proves it, GiveBack brings it
 * back. The scaling itself is done by the records, so that the app comes back even when the run is gone.
 */
import type { ErrorCode } from "../api/codes.ts";
import type { HeldWorkload, PodRef, PolicySpec, RunStatus } from "../api/kinds.ts";
import { type Instant, elapsed, formatInstant, parseInstant } from "../domain/instant.ts";
import { formatDuration, parseDuration } from "../domain/quantities.ts";
import type { Action, Draft } from "./decision.ts";
import type { Holder } from "./record.ts";
import { type StepRecord, fail, finish } from "./step.ts";
import { describeLost, doubtOf, followPods, isOutOfReach, spreadDoubt } from "./stopping.ts";
import { type AppObservation, runningPods, workloadKey } from "./app.ts";
import { decideGiveBack, unreadyWorkloads } from "./giving-back.ts";
import { decideStop, recordOf, whatStartedIt } from "./workload.ts";

/** The budget of the downtime in milliseconds; the schema has checked the text. */
export const budgetOf = ({ app }: PolicySpec): number => parseDuration(app.maxDowntime) ?? 600_000;

export type StopTimes = NonNullable<RunStatus["times"]>;

export interface HoldContext {
  readonly holder: Omit<Holder, "deadline">;
  readonly namespace: string;
  readonly app: AppObservation;
  readonly held: readonly HeldWorkload[];
  /** Pods that were seen running and have not been seen to end. */
  readonly pods: readonly PodRef[];
  readonly claims: ReadonlySet<string>;
  /** Claims that are mounted while the app is down: without one of them it would be down for nothing. */
  readonly needed: readonly string[];
  readonly stopTimeout: string;
  /** Milliseconds; at their end the hold is void. */
  readonly budget: number;
  readonly times: StopTimes;
  /** When the step Quiesce was started. The budget counts from there for one who joins a hold, else from the stop. */
  readonly quiescedAt: string | undefined;
  /** The run or the restore is deleted, and goes when nothing is held any more: nobody will read how the app did after that. */
  readonly leaving: boolean;
  readonly now: Instant;
}

export interface HoldMove {
  readonly step: StepRecord;
  readonly actions: readonly Action[];
  readonly times?: StopTimes;
  /** The workloads, with what is known of them by now. */
  readonly held?: readonly HeldWorkload[];
  readonly pods?: readonly PodRef[];
  readonly wakeAfter?: number | undefined;
}

/** Takes over what came of stopping the app or of giving it back. */
export function applyHold<S extends Pick<RunStatus, "workloads" | "pods" | "times">>(
  { step, actions, held, pods, times, wakeAfter }: HoldMove,
  draft: Draft<S>,
): void {
  draft.steps.set(step.name, step);
  draft.actions.push(...actions);
  draft.waits.push(wakeAfter);
  if (held !== undefined) draft.status = { ...draft.status, workloads: held };
  if (pods !== undefined) draft.status = withPods(draft.status, pods);
  if (times !== undefined) draft.status = { ...draft.status, times: { ...draft.status.times, ...times } };
}

/** What a status remembers of the pods that have to end; nothing once they have. */
function withPods<S extends { readonly pods?: readonly PodRef[] }>(status: S, pods: readonly PodRef[]): S {
  if (pods.length > 0) return { ...status, pods };
  const { pods: _pods, ...rest } = status;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without an optional field it is still one of them
  return rest as S;
}

/** How long the app may take to become ready before it is called down. */
const readyBudget = 300_000;
/** Between looks at an app that is stopping or starting. */
const glance = 100;

/**
 * When the first of the workloads went down for this holder. The records know best; what is remembered of one that is gone tells when
 * it was to go down, and its generation whether it did.
 */
function stopTimeOf({ app, held, holder, times }: HoldContext): StopTimes {
  if (times.stopAt !== undefined) return {};
  const [first] = held
    .flatMap((item) => {
      const record = recordOf(app, item.uid)?.record;
      const known = record?.holders.some(({ uid }) => uid === holder.uid) === true ? record : undefined;
      const generation = app.workloads.get(workloadKey(item))?.metadata.generation ?? 0;
      const wasScaled = generation >= (known?.downGeneration ?? item.downGeneration ?? Infinity);
      return wasScaled ? (known?.stopAt ?? item.heldAt ?? []) : [];
    })
    .toSorted();
  return first === undefined ? {} : { stopAt: first };
}

/** What has started the app since none of its processes ran, for whoever works on what it has left. */
export const startedSince = ({ app, held, claims, holder, times, now }: HoldContext): string | undefined =>
  whatStartedIt(app, held, claims, holder.uid, parseInstant(times.goneAt) ?? now);

/** The record's own deadline, the net under everything, comes a little later, so that the orderly way goes first. */
const deadlineGrace = 15_000;

/**
 * How long guards may take to be armed, and other holders to let go, before the app is touched. Longer than a watch that has gone
 * deaf takes to be noticed.
 */
const guardsWithin = 120_000;

/** How much of that a deadline allows for in advance; whoever has waited longer sets it anew as the app goes down. */
const usualWait = 60_000;

/** When the app went down, as far as this holder is concerned. */
function downSince({ quiescedAt, times }: Pick<HoldContext, "quiescedAt" | "times">): Instant | undefined {
  const stopped = parseInstant(times.stopAt);
  return stopped === undefined ? undefined : Math.max(stopped, parseInstant(quiescedAt) ?? stopped);
}

export function isOverBudget(context: HoldContext): boolean {
  const begun = downSince(context);
  return begun !== undefined && context.now >= begun + context.budget;
}

export function advanceQuiesce(step: StepRecord, context: HoldContext): HoldMove {
  const { app, now, held } = context;
  // The record of the run comes first: nothing is touched in the pass that says that it will be.
  if (step.state === "Pending") {
    return {
      step: { ...step, state: "Running", startedAt: formatInstant(now), message: "stopping the app" },
      actions: [],
      wakeAfter: 0,
    };
  }
  const startedAt = parseInstant(step.startedAt) ?? now;
  const times = stopTimeOf(context);
  const end = (code: ErrorCode, message: string): HoldMove => ({
    step: fail(step, now, code, message),
    actions: [],
    times,
    pods: [],
    wakeAfter: 0,
  });
  const { pods, lost } = followPods(app, held, context.claims, context.pods);
  const doubt = lost.length > 0 ? describeLost(lost) : doubtOf(app, held);
  if (doubt !== undefined) {
    const { actions } = spreadDoubt(app, held, context.holder.uid, doubt);
    return actions.length === 0 ? end("HO-S213", doubt) : { step, actions, pods, times, wakeAfter: 0 };
  }
  const begun = downSince({ ...context, times: { ...context.times, ...times } });
  const move = decideStop(
    app,
    context.namespace,
    held,
    { claims: context.claims, needed: context.needed },
    {
      ...context.holder,
      // The budget is that of the whole app: it begins with the first workload that goes down.
      deadline: formatInstant((begun ?? Math.max(startedAt + usualWait, now)) + context.budget + deadlineGrace),
    },
    now,
  );
  if (move.state === "reached")
    return {
      step: finish(step, now, move.message),
      actions: move.actions,
      times: { ...times, goneAt: formatInstant(now) },
      pods: [],
      wakeAfter: 0,
    };
  if (move.state === "lost") return end(move.code ?? "HO-S211", move.message);
  const stopTimeout = parseDuration(context.stopTimeout) ?? 120_000;
  if (move.unguarded === true && now - startedAt >= guardsWithin) return end("HO-S212", move.message);
  if (begun === undefined && now - startedAt >= Math.max(guardsWithin, stopTimeout))
    return end(move.code ?? "HO-S207", move.message);
  if (begun !== undefined && now - begun >= stopTimeout) {
    const silent = runningPods(app, held, context.claims).find(isOutOfReach);
    return silent === undefined
      ? end("HO-S207", `${move.message} after ${context.stopTimeout}`)
      : end("HO-S213", `the node of pod ${silent.metadata.name} does not answer`);
  }
  if (isOverBudget(context)) return end("HO-S208", "the budget of the downtime was reached while the app was stopping");
  const remembered =
    move.held === undefined ? {} : { held: held.map((item) => (item.uid === move.held?.uid ? move.held : item)) };
  return {
    step: { ...step, message: move.message },
    actions: move.actions,
    ...remembered,
    pods,
    times,
    wakeAfter: glance,
  };
}

/** Of one that is being deleted. */
const givenBackOnly = "replicas given back; nobody waits for them to be ready, because this is being deleted";

/** Always. Never waits for packing, transport or health of anything but the app itself. */
export function advanceGiveBack(step: StepRecord, context: HoldContext): HoldMove {
  const { app, now, held, times } = context;
  if (step.state === "Pending") {
    // At once: the app waits. What is written of the step is on record before anything is done.
    const running: StepRecord = {
      ...step,
      state: "Running",
      startedAt: formatInstant(now),
      message: "giving the app back",
    };
    return advanceGiveBack(running, context);
  }
  if (step.state === "Running") {
    // Nobody may have looked since it went down.
    const stopped = stopTimeOf(context);
    const move = decideGiveBack(app, context.namespace, held, context.holder.uid);
    if (move.state !== "reached") {
      // Records are worked on at once, and other holders have deadlines of their own; of one that cannot be read a person has to know.
      const tried = now - (parseInstant(step.startedAt) ?? now);
      if (tried >= readyBudget && move.unreadable === true)
        return { step: fail(step, now, "HO-S210", move.message), actions: [], times: stopped, wakeAfter: 0 };
      const told = { ...step, message: move.message };
      return { step: told, actions: move.actions, times: stopped, wakeAfter: tried < 60_000 ? glance : 2_000 };
    }
    const givenBack = { actions: [], times: { ...stopped, givenBackAt: formatInstant(now) } };
    if (context.leaving) return { step: finish(step, now, givenBackOnly), ...givenBack, wakeAfter: 0 };
    const message = "replicas given back, waiting for them to be ready";
    return { step: { ...step, state: "Waiting", message }, ...givenBack, wakeAfter: glance };
  }
  if (context.leaving) return { step: finish(step, now, givenBackOnly), actions: [], wakeAfter: 0 };
  // Somebody who had waited for it has stopped it again before it was ready.
  const again = decideGiveBack(app, context.namespace, held, context.holder.uid);
  if (again.state !== "reached") {
    const running: StepRecord = { ...step, state: "Running", message: again.message };
    return { step: running, actions: again.actions, wakeAfter: glance };
  }
  const unready = unreadyWorkloads(app, held);
  if (unready.length === 0) {
    const readyAt = formatInstant(now);
    const downtime = elapsed(times.stopAt, readyAt);
    const message =
      downtime === undefined ? "the app was not stopped" : `the app is ready, downtime ${formatDuration(downtime)}`;
    return { step: finish(step, now, message), actions: [], times: { readyAt }, wakeAfter: 0 };
  }
  const waited = elapsed(times.givenBackAt, formatInstant(now)) ?? 0;
  if (waited >= readyBudget) {
    return {
      step: fail(
        step,
        now,
        "HO-S210",
        `${unready.join(", ")} not ready ${formatDuration(waited)} after the replicas were given back`,
      ),
      actions: [],
      wakeAfter: 0,
    };
  }
  return { step, actions: [], wakeAfter: waited < 60_000 ? glance * 2 : 2_000 };
}
