/**
 * A backup run: from what is recorded and what is seen, one move of each step that can move.
 *
 *   Preflight -> Warm -> Quiesce -> Capture ----(done)----> Seal -> Transport/x -> Verify/x -> Prune/source -> Prune/x
 *                           |          |
 *                           |      (released, failed, too late, cancelled)
 *                           +----------+--> GiveBack            the app comes back while packing goes on
 *
 * A failure before the seal ends the run after the app was given back. A failure after it costs a copy, not the generation.
 */
import { reasonOf } from "../api/codes.ts";
import { isFinished } from "../api/conditions.ts";
import { type BackupRun, type PolicySpec, type RunStatus } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import { holdsVolumes } from "../domain/generation.ts";
import type { Instant } from "../domain/instant.ts";
import { acceptedStep, refusedStep, workloadsToHold } from "./acceptance.ts";
import { baseEvents } from "./base.ts";
import { checkCandidate } from "./checks.ts";
import { addCopy, decideAdopted, isAdopted } from "./adopted-run.ts";
import { updateCopies } from "./copies.ts";
import { type DomainEvent, earliest } from "./decision.ts";
import { holdBack, isHeldBack, letGo } from "./finalizers.ts";
import { trackerEvents, warnOfTrackers } from "./gitops.ts";
import type { RunDecision, RunDraft, RunObservation } from "./run-observation.ts";
import { advanceRunStep, mayFollow } from "./run-steps.ts";
import { conditionOf, summariseRun } from "./run-summary.ts";
import { type Teller, stepEvents } from "./step-events.ts";
import { type StepRecord, isAllOver, isOver, skip } from "./step.ts";

const plannedSteps = (run: BackupRun, policy: PolicySpec, sinks: readonly string[]): readonly string[] => {
  const stops = stopsApp(run, policy);
  return [
    "Preflight",
    ...(holdsVolumes(run.spec.type) && (policy.volumes ?? []).length > 0 ? ["Warm"] : []),
    ...(stops ? ["Quiesce"] : []),
    "Capture",
    ...(stops ? ["GiveBack"] : []),
    "Seal",
    ...sinks.map((name) => `Transport/${name}`),
    ...sinks.map((name) => `Verify/${name}`),
    "Prune/source",
    ...sinks.map((name) => `Prune/${name}`),
  ];
};

const stopsApp = (run: BackupRun, policy: PolicySpec | undefined): boolean =>
  holdsVolumes(run.spec.type) && policy?.app.quiesce === "ScaleToZero";

/** What may spoil the run although nothing stands against it. */
const warningsFor = ({ run, policy, app }: RunObservation): readonly string[] =>
  policy !== undefined && stopsApp(run, policy.spec) ? warnOfTrackers(app, policy.spec) : [];

function accept(seen: RunObservation, now: Instant): RunStatus {
  const { run, policy } = seen;
  const stops = stopsApp(run, policy?.spec);
  const refusal = checkCandidate({
    uid: run.metadata.uid,
    created: run.metadata.creationTimestamp ?? "",
    policyName: run.spec.policyName,
    policy,
    app: seen.app,
    runs: seen.siblings,
    restores: seen.restores,
    stops,
    sinks: run.spec.sinks,
    type: run.spec.type,
  });
  if (refusal !== undefined || policy === undefined) return { steps: [refusedStep(now, refusal)] };
  const wanted = policy.spec.sinks.filter((sink) => run.spec.sinks.length === 0 || run.spec.sinks.includes(sink.name));
  const steps = plannedSteps(
    run,
    policy.spec,
    wanted.map((sink) => sink.name),
  );
  return {
    policy: policy.spec,
    policyUID: policy.metadata.uid,
    workloads: stops ? workloadsToHold(seen.app, policy.spec) : [],
    copies: [
      { location: "source", state: "Missing", required: true },
      ...wanted.map((sink) => ({ location: sink.name, state: "Missing" as const, required: sink.required })),
    ],
    steps: [
      acceptedStep(now, policy, warningsFor(seen)),
      ...steps.map((name): StepRecord => ({ name, state: "Pending" })),
    ],
  };
}

/** Steps whose failure leaves no generation. */
const fatal = ["Accept", "Preflight", "Warm", "Quiesce", "Capture", "Seal"];

/** After a failure, what can no longer be done is said to be skipped; giving back is never skipped once the app was touched. */
function skipHopeless({ steps }: RunDraft): void {
  const dead = fatal.find((name) => steps.get(name)?.state === "Failed");
  const quiesced = steps.get("Quiesce");
  for (const [name, step] of steps) {
    const [base = "", sink = ""] = name.split("/");
    if (step.state !== "Pending") continue;
    const untouched =
      base === "GiveBack" && (quiesced === undefined || quiesced.state === "Pending" || quiesced.state === "Skipped");
    if (dead !== undefined && (base !== "GiveBack" || untouched))
      steps.set(name, skip(step, `not done, because ${dead} failed`));
    // Nothing is brought to the source, so nothing there is before its prune.
    const before = { Verify: `Transport/${sink}`, Prune: `Verify/${sink}` }[base];
    const predecessor = before === undefined ? undefined : steps.get(before);
    if (isOver(predecessor) && !mayFollow(predecessor))
      steps.set(name, skip(step, `not done, because ${before} was not done`));
  }
}

export function decideRun(seen: RunObservation, now: Instant): RunDecision {
  const { run } = seen;
  const before = run.status ?? {};
  if (isFinished(run)) return decideFinished(seen, now);
  if (isAdopted(seen) && before.steps === undefined) return decideAdopted(seen, now);

  const accepted = before.steps === undefined ? { ...before, ...accept(seen, now) } : before;
  const draft: RunDraft = {
    status: accepted,
    steps: new Map(accepted.steps?.map((step) => [step.name, step])),
    actions: [],
    waits: [],
  };

  const cancelled =
    run.metadata.deletionTimestamp !== undefined || run.metadata.annotations?.[annotations.cancel] === "true";
  const mayStart = draft.steps.get("Accept")?.state === "Done";
  const hasFinalizer = isHeldBack(run.metadata);
  if (mayStart && !hasFinalizer && run.metadata.deletionTimestamp === undefined)
    draft.actions.push(holdBack(run.metadata));
  if (mayStart) {
    for (const name of draft.steps.keys()) advanceRunStep(name, { seen, draft, now, cancelled, hasFinalizer });
  }
  skipHopeless(draft);

  const steps = [...draft.steps.values()];
  const over = isAllOver(steps, seen.jobs, draft.actions);
  const status = summariseRun(seen, updateCopies({ ...draft.status, steps }), over, now);
  if (over && hasFinalizer) draft.actions.push(letGo(run.metadata));
  return {
    status,
    actions: draft.actions,
    events: [
      ...(before.steps === undefined && mayStart ? trackerEvents(warningsFor(seen)) : []),
      ...baseEvents(run, status),
      ...stepEvents(teller, before, status),
    ],
    wakeAfter: over ? undefined : earliest(...draft.waits),
  };
}

const teller: Teller = { kind: "Run", conditionOf, complete: "every required copy is verified" };

/** A finished run changes only in what is known of its copies: later runs bring late ones over and prune old ones, and a listing finds one. */
function decideFinished(seen: RunObservation, now: Instant): RunDecision {
  const { run } = seen;
  const before = run.status ?? {};
  const status = summariseRun(seen, updateCopies(addCopy(run, seen.adoption, now), seen.siblings), true, now);
  const actions = isHeldBack(run.metadata) ? [letGo(run.metadata)] : [];
  return { status, actions, events: tellTurn(before, status) };
}

/** A copy came late, or one that counted was found to count no more. */
function tellTurn(before: RunStatus, { result, code, advice = "" }: RunStatus): readonly DomainEvent[] {
  if (before.result === "AtRisk" && result === "Complete")
    return [{ type: "Normal", reason: "LateCopyArrived", message: "every required copy is verified now" }];
  if (before.result === "Complete" && result === "AtRisk" && code !== undefined && code !== "")
    return [{ type: "Warning", reason: reasonOf(code), message: advice }];
  return [];
}
