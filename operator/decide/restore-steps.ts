/** How each step of a restore moves. */
import type { PolicySpec, RestoreStatus } from "../api/kinds.ts";
import { labels } from "../api/names.ts";
import type { MoverSuccess } from "../contract/result.ts";
import type { Instant } from "../domain/instant.ts";
import { formatBytes } from "../domain/quantities.ts";
import { type HoldContext, type HoldMove, advanceGiveBack, advanceQuiesce } from "./hold-steps.ts";
import { judgeJob, resultOf } from "./job-state.ts";
import { type RestoreJobContext, buildRestoreJob } from "./restore-jobs.ts";
import type { RestoreDraft, RestoreObservation } from "./restore-observation.ts";
import { type StepRecord, advanceStep, fail, isOver, resultsOf } from "./step.ts";

export interface RestoreContext {
  readonly seen: RestoreObservation;
  readonly draft: RestoreDraft;
  readonly now: Instant;
  readonly cancelled: boolean;
  readonly hasFinalizer: boolean;
}

const attempts: Readonly<Record<string, number>> = { Plan: 3, Stage: 2, Swap: 5, Cleanup: 3 };
/** A hold of a restore does not end by itself: inside the exchange the app must not start. */
const restoreBudget = 7 * 86_400_000;

const stateOf = (context: RestoreContext, name: string): StepRecord["state"] | undefined =>
  context.draft.steps.get(name)?.state;
const policyOf = (context: RestoreContext): PolicySpec => {
  const { policy } = context.draft.status;
  // Acceptance records it together with the steps.
  if (policy === undefined) throw new Error("steps without a policy on record");
  return policy;
};
const heldOf = (context: RestoreContext): NonNullable<RestoreStatus["workloads"]> =>
  context.draft.status.workloads ?? [];

/** The exchange has begun and is not over: neither old nor new can be relied on. */
const swapIsOpen = (context: RestoreContext): boolean =>
  ["Running", "Waiting"].includes(stateOf(context, "Swap") ?? "");

/**
 * Whether a failed exchange may have done a part of its work. One that was refused, or cancelled before it began, has changed
 * nothing; of any other failure that is not known.
 */
export const mayBeHalf = (swap: StepRecord | undefined): boolean =>
  swap?.state === "Failed" && swap.code !== "HO-R807" && swap.code !== "HO-X003";

/** Whether a Job of an earlier step may still write: one that was ended takes a while. */
const isBusy = ({ seen, draft, now }: RestoreContext): boolean =>
  ["Stage", "Swap"].some((name) => {
    const job = draft.steps.get(name)?.job;
    if (job === undefined) return false;
    return ["running", "ending"].includes(judgeJob(job, seen.jobs.get(job), seen.app.pods, now).is);
  });

export function advanceRestoreStep(name: string, context: RestoreContext): void {
  const step = context.draft.steps.get(name);
  if (step === undefined) return;
  if (name === "GiveBack") return giveBack(step, context);
  const needed = name === "Cleanup" || name === "Swap";
  if (context.cancelled && !isOver(step) && !needed) return cancel(step, context);
  if (context.cancelled && name === "Swap" && step.state === "Pending") return cancel(step, context);
  if (step.state === "Pending" && !isReady(name, context)) return;
  if (step.state === "Pending" && name === "Cleanup" && isBusy(context)) {
    context.draft.waits.push(1_000);
    return;
  }
  if (name === "Quiesce") return isOver(step) ? undefined : applyHold(advanceQuiesce(step, holdOf(context)), context);
  advanceJob(step, context);
}

function isReady(name: string, context: RestoreContext): boolean {
  switch (name) {
    case "Plan":
      return true;
    case "Stage":
      return stateOf(context, "Plan") === "Done" && !context.seen.request.spec.planOnly && context.hasFinalizer;
    case "Quiesce":
      return stateOf(context, "Stage") === "Done";
    case "Swap":
      return stateOf(context, "Quiesce") === "Done";
    case "Cleanup": {
      const staged = (context.draft.steps.get("Stage")?.attempt ?? 0) > 0;
      const failed = ["Stage", "Quiesce", "Swap"].some((before) => stateOf(context, before) === "Failed");
      const settled = ["Done", "Failed", "Skipped"].includes(stateOf(context, "GiveBack") ?? "");
      // What was replaced goes only when the app runs on what replaced it.
      return (
        staged &&
        ((stateOf(context, "Swap") === "Done" && stateOf(context, "GiveBack") === "Done") ||
          (failed && stateOf(context, "Swap") !== "Done" && (settled || stateOf(context, "Quiesce") === "Pending")))
      );
    }
    default:
      return false;
  }
}

function cancel(step: StepRecord, context: RestoreContext): void {
  const { draft, seen, now } = context;
  const job = step.job === undefined ? undefined : seen.jobs.get(step.job);
  if (job !== undefined && job.metadata.deletionTimestamp === undefined)
    draft.actions.push({ do: "deleteJob", name: job.metadata.name, uid: job.metadata.uid });
  const told = [...draft.steps.values()].some((other) => other.code === "HO-X003");
  draft.steps.set(
    step.name,
    told
      ? { ...step, state: "Skipped", message: "cancelled" }
      : fail(step, now, "HO-X003", "cancelled, nothing of the app was exchanged"),
  );
}

function applyHold(move: HoldMove, context: RestoreContext): void {
  const { draft } = context;
  draft.steps.set(move.step.name, move.step);
  draft.actions.push(...move.actions);
  draft.waits.push(move.wakeAfter);
  if (move.held !== undefined) draft.status = { ...draft.status, workloads: move.held };
  if (move.times !== undefined) draft.status = { ...draft.status, times: { ...draft.status.times, ...move.times } };
}

const holdOf = (context: RestoreContext): HoldContext => {
  const { name, uid, namespace } = context.seen.request.metadata;
  const policy = policyOf(context);
  return {
    holder: { kind: "RestoreRequest", name, uid },
    namespace,
    app: context.seen.app,
    held: heldOf(context),
    claims: new Set((policy.volumes ?? []).map((volume) => volume.claimName)),
    stopTimeout: policy.app.stopTimeout,
    budget: restoreBudget,
    times: context.draft.status.times ?? {},
    quiescedAt: context.draft.steps.get("Quiesce")?.startedAt,
    now: context.now,
  };
};

function giveBack(step: StepRecord, context: RestoreContext): void {
  const quiesce = stateOf(context, "Quiesce");
  if (isOver(step) || quiesce === undefined || quiesce === "Pending" || quiesce === "Skipped" || swapIsOpen(context))
    return;
  const swap = context.draft.steps.get("Swap");
  // Half exchanged and given up: the app stays at zero, and the request stays unfinished, because a finished one holds nothing.
  if (mayBeHalf(swap) && !context.cancelled) {
    const message =
      "the app is kept stopped, because it would start on a mixture of old and new; deleting this request starts it as it is";
    context.draft.steps.set(step.name, { ...step, state: "Waiting", code: "HO-R804", message });
    return;
  }
  if (step.code === "HO-R804") {
    const { code: _code, ...rest } = step;
    return applyHold(advanceGiveBack({ ...rest, state: "Running" }, holdOf(context)), context);
  }
  if (isOver(swap) || quiesce === "Failed" || context.cancelled)
    applyHold(advanceGiveBack(step, holdOf(context)), context);
}

function describe(results: readonly MoverSuccess[]): string {
  const texts = results.map((result): string => {
    switch (result.step) {
      case "plan":
        return `${result.id} from ${result.location}, ${formatBytes(result.bytes)}`;
      case "stage":
        return `${result.files} files and ${result.rows} rows restored and verified, ${formatBytes(result.bytes)}`;
      case "swap":
        return `${result.databases} databases and ${result.volumes} volumes exchanged`;
      case "cleanup":
        return "leftovers removed";
      default:
        return "";
    }
  });
  return texts.join("; ");
}

const jobContextOf = (context: RestoreContext): RestoreJobContext => ({
  seen: context.seen,
  policy: policyOf(context),
  policyUID: context.draft.status.policyUID ?? "",
  plan: resultOf(resultsOf(context.draft.steps.get("Plan")), "plan"),
  swapped: stateOf(context, "Swap") === "Done",
});

function advanceJob(step: StepRecord, context: RestoreContext): void {
  const { seen, draft, now } = context;
  const { uid, name } = seen.request.metadata;
  const move = advanceStep(
    step,
    {
      attempts: attempts[step.name] ?? 1,
      build: (job) => buildRestoreJob(step.name, job, jobContextOf(context)),
      describe,
    },
    {
      ownerName: name,
      ownerUID: uid,
      jobs: seen.jobs,
      pods: seen.app.pods.filter((pod) => pod.metadata.labels?.[labels.owner] === uid),
      now,
    },
  );
  draft.steps.set(step.name, move.step);
  draft.actions.push(...move.actions);
  draft.waits.push(move.wakeAfter);
  if (step.state === "Done" || move.step.state !== "Done") return;
  draft.waits.push(0);
  const plan = resultOf(move.job.is === "succeeded" ? move.job.results : [], "plan");
  if (plan !== undefined) {
    draft.status = {
      ...draft.status,
      plan: {
        generation: plan.id,
        from: plan.location,
        sealedAt: plan.sealedAt,
        replaces: [...plan.replaces],
        bytes: plan.bytes,
        warnings: [...plan.warnings],
      },
    };
  }
}
