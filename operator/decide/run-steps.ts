/** How each step of a backup run moves: what has to be true before it starts, and what its end means for the others. */
import type { HeldWorkload, PolicySpec, RunStatus } from "../api/kinds.ts";
import type { ErrorCode } from "../api/codes.ts";
import { labels } from "../api/names.ts";
import { parseResult } from "../contract/result.ts";
import { type Instant, formatInstant, parseInstant } from "../domain/instant.ts";
import { damagedAtSource } from "./copies.ts";
import {
  type HoldContext,
  advanceGiveBack,
  advanceQuiesce,
  applyHold,
  budgetOf,
  isOverBudget,
  startedSince,
} from "./hold-steps.ts";
import { brokenPart, resultOf } from "./job-state.ts";
import { volumeClaims } from "./locations.ts";
import type { RunDraft, RunObservation } from "./run-observation.ts";
import { followPlan, recordPlan, removePlanner } from "./prune-rounds.ts";
import { tellUnreadable } from "./prune-task.ts";
import { type RunJobContext, buildRunJob, identitiesOf } from "./run-jobs.ts";
import { describe } from "./run-reports.ts";
import { takeResults } from "./run-results.ts";
import { type StepMove, type StepRecord, advanceStep, fail, isOver, resultsOf } from "./step.ts";
import { doubtOf } from "./stopping.ts";

export interface StepContext {
  readonly seen: RunObservation;
  readonly draft: RunDraft;
  readonly now: Instant;
  readonly cancelled: boolean;
  readonly hasFinalizer: boolean;
}

/** Attempts in all. A capture is tried once: another try would stop the app again. */
const attempts: Readonly<Record<string, number>> = {
  Preflight: 3,
  Warm: 3,
  Capture: 1,
  Seal: 3,
  Transport: 4,
  Verify: 3,
  Prune: 3,
};

const policyOf = (context: StepContext): PolicySpec => {
  const { policy } = context.draft.status;
  // Acceptance records it together with the steps.
  if (policy === undefined) throw new Error("steps without a policy on record");
  return policy;
};
const stateOf = (context: StepContext, name: string): StepRecord["state"] | undefined =>
  context.draft.steps.get(name)?.state;
const isDoneOrAbsent = (context: StepContext, name: string): boolean =>
  [undefined, "Done"].includes(stateOf(context, name));
const setTimes = (context: StepContext, times: NonNullable<RunStatus["times"]>): void => {
  context.draft.status = { ...context.draft.status, times: { ...context.draft.status.times, ...times } };
};
const heldOf = (context: StepContext): readonly HeldWorkload[] => context.draft.status.workloads ?? [];

/**
 * Whether the next step at a sink is worth doing. A sink that is too full for another copy is checked and pruned all the same: else
 * it would stay full for ever, even when the policy keeps fewer. And one damaged generation at the source, which every transport trips over,
 * must not keep the others from ever being verified.
 */
export const mayFollow = (step: StepRecord | undefined): boolean =>
  step?.state === "Done" || (step?.state === "Failed" && ["HO-C902", damagedAtSource].includes(step.code ?? ""));

function isReady(name: string, context: StepContext): boolean {
  const [base = "", sink = ""] = name.split("/");
  switch (base) {
    case "Preflight":
      return true;
    case "Warm":
      return stateOf(context, "Preflight") === "Done";
    case "Quiesce":
      return context.hasFinalizer && stateOf(context, "Preflight") === "Done" && isDoneOrAbsent(context, "Warm");
    case "Capture":
      return (
        stateOf(context, "Preflight") === "Done" &&
        isDoneOrAbsent(context, "Warm") &&
        isDoneOrAbsent(context, "Quiesce")
      );
    case "Seal":
      return stateOf(context, "Capture") === "Done";
    case "Transport":
      // Where nothing was made, what is there is brought to where it is still lacking (run-results.ts).
      return stateOf(context, "Seal") === "Done" || context.draft.status.unchanged !== undefined;
    case "Verify":
      return mayFollow(context.draft.steps.get(`Transport/${sink}`));
    case "Prune":
      return (
        stateOf(context, "Seal") === "Done" &&
        (sink === "source"
          ? [...context.draft.steps.values()].every((step) => !step.name.startsWith("Verify/") || isOver(step))
          : // The source looks at the sink while it settles: nothing may go from under its eyes.
            isOver(context.draft.steps.get("Prune/source")) && mayFollow(context.draft.steps.get(`Verify/${sink}`)))
      );
    default:
      return false;
  }
}

export function advanceRunStep(name: string, context: StepContext): void {
  const step = context.draft.steps.get(name);
  if (step === undefined || name === "Accept") return;
  if (name === "GiveBack") return giveBack(step, context);
  if (context.cancelled && !isOver(step)) return cancel(step, context);
  if (step.state === "Pending" && !isReady(name, context)) return;
  if (name === "Quiesce")
    return isOver(step) ? undefined : applyHold(advanceQuiesce(step, holdOf(context)), context.draft);
  advanceJob(step, context);
}

/** Ends a step at once; its Job goes, too. */
function abort(step: StepRecord, context: StepContext, code: ErrorCode, message: string): void {
  const job = step.job === undefined ? undefined : context.seen.jobs.get(step.job);
  if (job !== undefined && job.metadata.deletionTimestamp === undefined)
    context.draft.actions.push({ do: "deleteJob", name: job.metadata.name, uid: job.metadata.uid });
  context.draft.steps.set(step.name, fail(step, context.now, code, message));
}

function cancel(step: StepRecord, context: StepContext): void {
  const message =
    context.seen.run.metadata.deletionTimestamp === undefined ? "cancelled by annotation" : "the run was deleted";
  if (step.state !== "Pending") return abort(step, context, "HO-X003", message);
  // The first step that has not begun carries the reason, unless one that had begun does.
  const told = [...context.draft.steps.values()].some((other) => other.code === "HO-X003" && other.state === "Failed");
  context.draft.steps.set(
    step.name,
    told ? { ...step, state: "Skipped", message } : fail(step, context.now, "HO-X003", message),
  );
}

const holdOf = (context: StepContext): HoldContext => {
  const { name, uid, namespace } = context.seen.run.metadata;
  const policy = policyOf(context);
  return {
    holder: { kind: "BackupRun", name, uid },
    namespace,
    app: context.seen.app,
    held: heldOf(context),
    pods: context.draft.status.pods ?? [],
    needed: [...volumeClaims(policy), policy.store.claimName],
    claims: volumeClaims(policy),
    stopTimeout: policy.app.stopTimeout,
    budget: budgetOf(policy),
    times: context.draft.status.times ?? {},
    quiescedAt: context.draft.steps.get("Quiesce")?.startedAt,
    leaving: context.seen.run.metadata.deletionTimestamp !== undefined,
    now: context.now,
  };
};

/** The app comes back as soon as the source is released, or the way there has failed; it waits for nothing else. */
function giveBack(step: StepRecord, context: StepContext): void {
  const { draft } = context;
  const quiesce = draft.steps.get("Quiesce");
  if (isOver(step) || quiesce === undefined || quiesce.state === "Pending" || quiesce.state === "Skipped") return;
  const due =
    draft.status.times?.releasedAt !== undefined ||
    isOver(draft.steps.get("Capture")) ||
    quiesce.state === "Failed" ||
    context.cancelled;
  if (due) applyHold(advanceGiveBack(step, holdOf(context)), draft);
}

/**
 * Which store and sinks to expect. What the preflight of the run has found goes before what the policy knows now: a policy that
 * was deleted or made again meanwhile must not let another place pass.
 */
function expectedIdentities({ seen, draft }: StepContext): ReadonlyMap<string, string> {
  const found = resultOf(resultsOf(draft.steps.get("Preflight")), "preflight")?.locations ?? [];
  return identitiesOf([...(seen.policy?.status?.locations ?? []), ...found]);
}

function advanceJob(step: StepRecord, context: StepContext): void {
  const { seen, draft, now } = context;
  const { uid, name } = seen.run.metadata;
  const released = draft.status.times?.releasedAt !== undefined;
  const jobContext: RunJobContext = {
    run: { ...seen.run, status: { ...draft.status, steps: [...draft.steps.values()] } },
    policy: policyOf(context),
    policyUID: draft.status.policyUID ?? "",
    acknowledgements: seen.policy?.metadata.annotations ?? {},
    uuids: expectedIdentities(context),
    sinks: policyOf(context).sinks.filter((sink) => draft.steps.has(`Transport/${sink.name}`)),
    siblings: seen.siblings,
    settings: seen.settings,
  };
  const [base = ""] = step.name.split("/");
  const planner = removePlanner(step, seen);
  if (planner !== undefined) {
    draft.actions.push(planner);
    draft.waits.push(1_000);
    return;
  }
  const advanced = advanceStep(
    step,
    {
      attempts: (attempts[base] ?? 1) + (step.rounds ?? 0),
      build: (job) => buildRunJob(step.name, job, jobContext),
      describe,
      ...(base === "Capture" ? { lastWords: 10_000 } : {}),
      mayRecreate: !(base === "Capture" && (released || context.draft.status.capturePodUID !== undefined)),
    },
    {
      ownerName: name,
      ownerUID: uid,
      jobs: seen.jobs,
      pods: seen.app.pods.filter((pod) => pod.metadata.labels?.[labels.owner] === uid),
      now,
    },
  );
  const move = followPlan(step, base === "Prune" ? tellUnreadable(advanced, jobContext) : advanced, now);
  if (base === "Prune") draft.status = recordPlan(draft.status, step, move, now);
  if (base === "Capture" && watchCapture(step, move, context)) return;
  draft.steps.set(step.name, move.step);
  draft.actions.push(...move.actions);
  draft.waits.push(move.wakeAfter);
  if (step.state === "Done" || move.step.state !== "Done") return;
  takeResults(move.step, move.job.is === "succeeded" ? move.job.results : [], context);
  draft.waits.push(0);
}

/** @returns true when the capture was ended here, because the app did not stay down or has been down for too long. */
function watchCapture(step: StepRecord, move: StepMove, context: StepContext): boolean {
  const { seen, draft, now } = context;
  const pod = move.job.is === "running" || move.job.is === "succeeded" ? move.job.pod : undefined;
  // Of two pods of one Job, each has a staging of its own: what counts is the one that has ended well.
  if (pod !== undefined && (draft.status.capturePodUID === undefined || move.job.is === "succeeded"))
    draft.status = { ...draft.status, capturePodUID: pod.metadata.uid };
  if (stateOf(context, "Quiesce") === undefined || draft.status.times?.releasedAt !== undefined || isOver(step))
    return false;

  const policy = policyOf(context);
  if (isOverBudget(holdOf(context))) {
    abort(step, context, "HO-S208", `the downtime reached ${policy.app.maxDowntime} before the source was released`);
    return true;
  }
  const doubt = doubtOf(seen.app, heldOf(context));
  if (doubt !== undefined) {
    abort(step, context, "HO-S213", doubt);
    return true;
  }
  const started = startedSince(holdOf(context));
  if (started !== undefined) {
    abort(step, context, "HO-S209", started);
    return true;
  }
  const broken = brokenPart(move.job);
  if (broken !== undefined) {
    // Its Job is left alone for a while: what ends by itself keeps its log.
    draft.steps.set(step.name, fail(step, now, broken.code, broken.message));
    draft.waits.push(0);
    return true;
  }
  const release = pod?.status?.containerStatuses?.find((container) => container.name === "release")?.state?.terminated;
  if (move.job.is === "succeeded" || release?.exitCode === 0) {
    const reported = parseResult(release?.message);
    const told = reported?.ok === true && reported.step === "release" ? parseInstant(reported.releasedAt) : undefined;
    const gone = parseInstant(draft.status.times?.goneAt) ?? now;
    // The clock of the node says when; ours says what is possible.
    setTimes(context, { releasedAt: formatInstant(told === undefined ? now : Math.min(Math.max(told, gone), now)) });
    draft.waits.push(0);
  } else draft.waits.push(500);
  return false;
}
