/** How each step of a restore moves. */
import type { PolicySpec, RestoreStatus } from "../api/kinds.ts";
import { labels } from "../api/names.ts";
import type { MoverSuccess, ResultOf } from "../contract/result.ts";
import { count, formatBytes } from "../domain/quantities.ts";
import { isAbandoned, isBusy, isOpen, mayBeHalf, mayExchange, noteDisturbance } from "./exchange.ts";
import { type HoldContext, advanceGiveBack, advanceQuiesce, applyHold, budgetOf } from "./hold-steps.ts";
import { resultOf } from "./job-state.ts";
import { volumeClaims } from "./locations.ts";
import { type RestoreJobContext, buildRestoreJob } from "./restore-jobs.ts";
import type { RestoreContext } from "./restore-observation.ts";
import { type StepRecord, advanceStep, fail, isOver, resultsOf } from "./step.ts";

const attempts: Readonly<Record<string, number>> = { Plan: 3, Stage: 2, Swap: 5, Cleanup: 3 };

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

export function advanceRestoreStep(name: string, context: RestoreContext): void {
  const step = context.draft.steps.get(name);
  if (step === undefined) return;
  if (name === "GiveBack") return giveBack(step, context);
  const needed = (name === "Cleanup" || name === "Swap") && !isAbandoned(context);
  if (context.cancelled && !isOver(step) && !needed) return cancel(step, context);
  if (context.cancelled && name === "Swap" && step.state === "Pending") return cancel(step, context);
  if (step.state === "Pending" && !isReady(name, context)) return;
  if (step.state === "Pending" && name === "Cleanup" && isBusy(context)) {
    context.draft.waits.push(1_000);
    return;
  }
  if (name === "Swap" && step.state === "Pending" && !mayExchange(step, holdOf(context), context)) return;
  if (name === "Swap" && step.state === "Running") return advanceJob(noteDisturbance(step, holdOf(context)), context);
  if (name === "Quiesce")
    return isOver(step) ? undefined : applyHold(advanceQuiesce(step, holdOf(context)), context.draft);
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

const holdOf = (context: RestoreContext): HoldContext => {
  const { name, uid, namespace } = context.seen.request.metadata;
  const policy = policyOf(context);
  return {
    holder: { kind: "RestoreRequest", name, uid },
    namespace,
    app: context.seen.app,
    held: heldOf(context),
    pods: context.draft.status.pods ?? [],
    needed: [],
    claims: volumeClaims(policy),
    stopTimeout: policy.app.stopTimeout,
    // Until the exchange begins; inside it no clock counts.
    budget: budgetOf(policy),
    times: context.draft.status.times ?? {},
    quiescedAt: context.draft.steps.get("Quiesce")?.startedAt,
    leaving: context.seen.request.metadata.deletionTimestamp !== undefined,
    now: context.now,
  };
};

function giveBack(step: StepRecord, context: RestoreContext): void {
  const quiesce = stateOf(context, "Quiesce");
  const swap = context.draft.steps.get("Swap");
  if (isOver(step) || quiesce === undefined || quiesce === "Pending" || quiesce === "Skipped" || isOpen(swap)) return;
  // Half exchanged and given up: the app stays at zero, and the request stays unfinished, because a finished one holds nothing.
  if (mayBeHalf(swap) && !context.cancelled) {
    const message =
      "the app is kept stopped, because it would start on a mixture of old and new; deleting this request starts it as it is";
    context.draft.steps.set(step.name, { ...step, state: "Waiting", code: "HO-R804", message });
    return;
  }
  if (step.code === "HO-R804") {
    const { code: _code, ...rest } = step;
    return applyHold(advanceGiveBack({ ...rest, state: "Running" }, holdOf(context)), context.draft);
  }
  // A Job that was ended before it began takes a while to go.
  if (swap?.state === "Failed" && isBusy(context)) return void context.draft.waits.push(1_000);
  if (isOver(swap) || quiesce === "Failed" || context.cancelled)
    applyHold(advanceGiveBack(step, holdOf(context)), context.draft);
}

function describe(results: readonly MoverSuccess[]): string {
  const texts = results.map((result): string => {
    switch (result.step) {
      case "plan":
        return `${result.id} from ${result.location}, ${formatBytes(result.bytes)}`;
      case "stage":
        return `${result.files} files and ${result.rows} rows restored and verified, ${formatBytes(result.bytes)}`;
      case "swap":
        return `${count(result.databases, "database")} and ${count(result.volumes, "volume")} exchanged`;
      case "cleanup":
        return "leftovers removed";
      default:
        return "";
    }
  });
  return texts.join("; ");
}

/** A place can be whole in itself and hold something else than was captured: of that, the run that made it is the witness. */
function otherThanMade(
  { id, location, manifestSHA256 }: ResultOf<"plan">,
  runs: RestoreContext["seen"]["runs"],
): string | undefined {
  for (const { status, metadata } of runs) {
    const { id: made, manifestSHA256: recorded } = status?.generation ?? {};
    if (made !== id || recorded === undefined || recorded === manifestSHA256) continue;
    const [there, then] = [manifestSHA256, recorded].map((digest) => digest.slice(0, 12));
    return `generation ${id} at ${location} is not what run ${metadata.name} has made: its manifest is ${there}, on record is ${then}`;
  }
  return undefined;
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
  // Once, when the exchange ends: what is Done is looked at many times.
  const disturbed = step.state !== "Done" && move.step.state === "Done" && move.step.code !== undefined;
  const message = disturbed ? `${move.step.message}, but ${step.message}` : move.step.message;
  draft.steps.set(step.name, { ...move.step, ...(message === undefined ? {} : { message }) });
  draft.actions.push(...move.actions);
  draft.waits.push(move.wakeAfter);
  // Looks whether the app stays down.
  if (step.name === "Swap" && move.step.state === "Running") draft.waits.push(500);
  if (step.state === "Done" || move.step.state !== "Done") return;
  draft.waits.push(0);
  const plan = resultOf(move.job.is === "succeeded" ? move.job.results : [], "plan");
  const other = plan === undefined ? undefined : otherThanMade(plan, seen.runs);
  if (other !== undefined) draft.steps.set(step.name, fail(move.step, now, "HO-R802", other));
  else if (plan !== undefined) {
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
