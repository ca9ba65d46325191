/**
 * A restore: a plan, then everything that can be done beside the running app, then a short stop for the exchange.
 *
 *   Plan -> (planOnly is false) -> Stage -> Quiesce -> Swap -> GiveBack -> Cleanup
 *
 * Until Swap nothing of the app is changed. Swap rolls forward when it is repeated; while it is neither done nor known to have
 * changed nothing, the app is not started, because it would start on a mixture of old and new.
 */
import { isFinished, isTrue } from "../api/conditions.ts";
import type { RestoreStatus, StepRecord } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import type { Instant } from "../domain/instant.ts";
import { acceptedStep, refusedStep, workloadsToHold } from "./acceptance.ts";
import { checkCandidate } from "./checks.ts";
import { type Decision, earliest } from "./decision.ts";
import { holdBack, isHeldBack, letGo } from "./finalizers.ts";
import { trackerEvents, warnOfTrackers } from "./gitops.ts";
import type { RestoreDraft, RestoreObservation } from "./restore-observation.ts";
import { mayBeHalf } from "./exchange.ts";
import { advanceRestoreStep } from "./restore-steps.ts";
import { restoreSteps, conditionOf, summariseRestore } from "./restore-summary.ts";
import { type Teller, stepEvents } from "./step-events.ts";
import { fail, isAllOver, skip } from "./step.ts";

function accept(seen: RestoreObservation, now: Instant): RestoreStatus {
  const { request, policy } = seen;
  const stops = policy?.spec.app.quiesce === "ScaleToZero" || (policy?.spec.app.workloads.length ?? 0) > 0;
  const asked = request.spec.include;
  const unknown = [
    ...(asked?.databases ?? []).filter(
      (name) => policy?.spec.databases?.some((database) => database.name === name) !== true,
    ),
    ...(asked?.volumes ?? []).filter((name) => policy?.spec.volumes?.some((volume) => volume.name === name) !== true),
  ];
  const refusal =
    checkCandidate({
      uid: request.metadata.uid,
      created: request.metadata.creationTimestamp ?? "",
      policyName: request.spec.policyName,
      policy,
      app: seen.app,
      runs: seen.runs,
      restores: seen.siblings,
      stops,
      sinks:
        request.spec.from.location === undefined || request.spec.from.location === "source"
          ? []
          : [request.spec.from.location],
      type: "Restore",
      asked: request.spec,
    }) ??
    (unknown.length > 0 ? { code: "HO-R805" as const, message: `the policy has no ${unknown.join(", ")}` } : undefined);
  if (refusal !== undefined || policy === undefined) return { steps: [refusedStep(now, refusal)] };
  return {
    policy: policy.spec,
    policyUID: policy.metadata.uid,
    workloads: workloadsToHold(seen.app, policy.spec),
    steps: [
      acceptedStep(now, policy, warnOfTrackers(seen.app, policy.spec)),
      ...restoreSteps.map((name): StepRecord => ({ name, state: "Pending" })),
    ],
  };
}

export function decideRestore(seen: RestoreObservation, now: Instant): Decision<RestoreStatus> {
  const { request } = seen;
  const before = request.status ?? {};
  const hasFinalizer = isHeldBack(request.metadata);
  if (isFinished(request))
    return { status: before, actions: hasFinalizer ? [letGo(request.metadata)] : [], events: [] };

  const accepted = before.steps === undefined ? { ...before, ...accept(seen, now) } : before;
  const draft: RestoreDraft = {
    status: accepted,
    steps: new Map(accepted.steps?.map((step) => [step.name, step])),
    actions: [],
    waits: [],
  };
  const cancelled =
    request.metadata.deletionTimestamp !== undefined || request.metadata.annotations?.[annotations.cancel] === "true";
  if (draft.steps.get("Accept")?.state === "Done") {
    if (!hasFinalizer && request.metadata.deletionTimestamp === undefined)
      draft.actions.push(holdBack(request.metadata));
    refuseWhileOthersWork(seen, draft, now);
    for (const name of restoreSteps) advanceRestoreStep(name, { seen, draft, now, cancelled, hasFinalizer });
    skipHopeless(draft.steps);
  }
  const steps = [...draft.steps.values()];
  const over = isAllOver(steps, seen.jobs, draft.actions);
  const status = summariseRestore(seen, { ...draft.status, steps }, over, now);
  if (over && hasFinalizer) draft.actions.push(letGo(request.metadata));
  return {
    status,
    actions: draft.actions,
    events: [
      ...(before.steps === undefined && draft.steps.get("Accept")?.state === "Done" && seen.policy !== undefined
        ? trackerEvents(warnOfTrackers(seen.app, seen.policy.spec))
        : []),
      ...stepEvents(teller, before, status),
    ],
    wakeAfter: over ? undefined : earliest(...draft.waits),
  };
}

const teller: Teller = { kind: "Restore", conditionOf, complete: "the restored state is in place" };

/** A plan may have waited for a person for days; what was free at its beginning may be taken when it is approved. */
function refuseWhileOthersWork(seen: RestoreObservation, draft: RestoreDraft, now: Instant): void {
  const stage = draft.steps.get("Stage");
  if (stage?.state !== "Pending" || seen.request.spec.planOnly || draft.steps.get("Plan")?.state !== "Done") return;
  const run = seen.runs.find((other) => !isFinished(other) && isTrue(other.status?.conditions, "Accepted"));
  const restore = seen.siblings.find(
    (other) =>
      !isFinished(other) &&
      !other.spec.planOnly &&
      isTrue(other.status?.conditions, "Accepted") &&
      other.metadata.uid < seen.request.metadata.uid,
  );
  const name = run?.metadata.name ?? restore?.metadata.name;
  if (name !== undefined) draft.steps.set("Stage", fail(stage, now, "HO-R806", `${name} of this policy is active`));
}

function skipHopeless(steps: Map<string, StepRecord>): void {
  const stateOf = (name: string): StepRecord["state"] | undefined => steps.get(name)?.state;
  const swap = steps.get("Swap");
  const cleanup = steps.get("Cleanup");
  const keep = (why: string): void => {
    if (cleanup?.state === "Pending") steps.set("Cleanup", skip(cleanup, `what was replaced is kept, because ${why}`));
  };
  if (swap?.state === "Done" && stateOf("GiveBack") === "Failed") keep("the app is not ready on the restored state");
  if (swap?.state === "Done" && swap.code !== undefined) keep("the app ran during the exchange");
  if (mayBeHalf(swap)) keep("the exchange is not known to be complete");
  // After an exchange that failed nothing is left to skip: the app is given back, and what was staged is removed.
  const dead = ["Plan", "Stage", "Quiesce"].find((name) => stateOf(name) === "Failed");
  if (dead === undefined) return;
  const untouched = stateOf("Quiesce") === "Pending" || stateOf("Quiesce") === "Skipped";
  for (const [name, step] of steps) {
    if (step.state !== "Pending") continue;
    if (name === "GiveBack" && !untouched) continue;
    // What was staged in vain is removed, once there is something.
    if (name === "Cleanup" && (steps.get("Stage")?.attempt ?? 0) > 0) continue;
    steps.set(name, skip(step, `not done, because ${dead} failed`));
  }
}
