/** From recorded steps to what people and tools read: result, app, conditions, columns, events. Nothing here is remembered. */
import { reasonOf } from "../api/codes.ts";
import { discarded, nothing } from "../api/codes/entry.ts";
import { type NewCondition, isFinished, isTrue, setConditions } from "../api/conditions.ts";
import type { BackupRun, RunStatus } from "../api/kinds.ts";
import { type Instant, elapsed, formatInstant } from "../domain/instant.ts";
import { holdsDatabases, holdsVolumes } from "../domain/generation.ts";
import { count, formatBytes, formatDuration } from "../domain/quantities.ts";
import { type AppState, appGivenBack, hasStopped, isBecauseOfAnother, judgeApp, seeApp } from "./app-state.ts";
import { advise } from "./advice.ts";
import { tellFull } from "./base.ts";
import { capturedVolumes } from "./capture-scope.ts";
import { chainBroken, counts, damagedAtSource, updateCopies } from "./copies.ts";
import { budgetOf } from "./hold-steps.ts";
import { waitingPlans } from "./prune-rounds.ts";
import type { RunObservation } from "./run-observation.ts";
import { type StepRecord, baseOf, isOver, isTrouble } from "./step.ts";
import { clip } from "../domain/text.ts";

/** The condition that a step stands for; a step per sink counts with its siblings. */
export const conditionOf: Readonly<Record<string, string>> = {
  Accept: "Accepted",
  Quiesce: "Quiesced",
  Capture: "Captured",
  GiveBack: "AppRestored",
  Seal: "Sealed",
  Transport: "Transported",
  Verify: "Verified",
  Prune: "Pruned",
};

/** Of a run of type Config: each key is a file as well. */
const holdsFiles = ({ policy }: RunStatus): boolean =>
  policy !== undefined && capturedVolumes("Config", policy).length > 0;

export const tellUnchanged = (id: string): string => `no change since ${id}`;

function resultAt(status: RunStatus, siblings: readonly BackupRun[], over: boolean): NonNullable<RunStatus["result"]> {
  if (!over) return "";
  if (status.unchanged !== undefined) return resultOfLook(status, siblings);
  if (status.generation === undefined) return "Failed";
  return isComplete(status) ? "Complete" : "AtRisk";
}
const isComplete = (status: RunStatus): boolean =>
  status.copies?.every((copy) => !copy.required || counts(copy, status)) === true;

/** Of a configuration that has not changed, the newest generation still is what there is; a sink may still lack it, until a later run brings it. */
function resultOfLook(
  { steps = [], policy, unchanged }: RunStatus,
  siblings: readonly BackupRun[],
): "Complete" | "AtRisk" | "Failed" {
  const troubles = steps.filter(isTrouble);
  const isLate = (step: StepRecord): boolean => ["Transport", "Verify"].includes(baseOf(step));
  if (!troubles.every(isLate)) return "Failed";
  const late = policy?.sinks.filter(
    ({ name, required }) => required && troubles.some((step) => step.name.endsWith(`/${name}`)),
  );
  if (late === undefined || late.length === 0) return "Complete";
  // The run that made it may not have been told yet.
  const maker = siblings.find(({ status }) => status?.generation?.id === unchanged);
  const others = siblings.filter((run) => run !== maker);
  const made = updateCopies(maker?.status ?? {}, others);
  // It may also be of a policy that did not require the sink.
  const hasCome = ({ name }: { readonly name: string }): boolean =>
    made.copies?.some((copy) => copy.location === name && counts(copy, made)) === true;
  return isComplete(made) && late.every(hasCome) ? "Complete" : "AtRisk";
}

function appAt(seen: RunObservation, status: RunStatus, now: Instant): AppState {
  // The app of a finished run is not looked at any more: what is on record is from when it was.
  if (isFinished(seen.run) && status.app !== undefined) return status.app;
  const steps = new Map(status.steps?.map((step) => [step.name, step]));
  const giveBack = steps.get("GiveBack")?.state;
  if (giveBack === "Failed") return "Down";
  if (giveBack === "Done") return appGivenBack(seen.app, status);
  if (hasStopped(status)) {
    const down = elapsed(status.times?.stopAt, formatInstant(now)) ?? 0;
    return status.policy !== undefined && down > budgetOf(status.policy) + 120_000 ? "Down" : "Stopped";
  }
  if (isBecauseOfAnother(steps.get("Accept")?.code)) return "Unknown";
  return giveBack === undefined
    ? seeApp(seen.app, status.policy ?? seen.policy?.spec)
    : judgeApp(seen.app, status.workloads ?? []);
}

function phaseOf(steps: readonly StepRecord[], over: boolean): string {
  if (over) return "Done";
  const bases = [...new Set(steps.map(baseOf))];
  const current =
    steps.find((step) => (step.state === "Running" || step.state === "Waiting") && baseOf(step) !== "GiveBack") ??
    steps.find((step) => !isOver(step));
  if (current === undefined) return "Finish";
  return `${baseOf(current)} ${bases.indexOf(baseOf(current)) + 1}/${bases.length}`;
}

function conditionsOf(
  steps: readonly StepRecord[],
  result: NonNullable<RunStatus["result"]>,
  app: RunStatus["app"],
  advice: string,
  over: boolean,
): readonly NewCondition[] {
  const list: NewCondition[] = [];
  for (const [base, type] of Object.entries(conditionOf)) {
    const own = steps.filter((step) => baseOf(step) === base);
    if (own.length === 0) {
      // A run that does not stop the app, or was refused, has nothing to give back.
      if (type === "AppRestored" && steps.length > 0)
        list.push({ type, status: "True", reason: "NotStopped", message: "this run does not stop the app" });
      continue;
    }
    const failed = own.find(isTrouble);
    const message = clip(
      own
        .map((step) => step.message)
        .filter((text) => text !== undefined && text !== "")
        .join("; "),
      2_000,
    );
    if (failed !== undefined)
      list.push({
        type,
        status: "False",
        reason: reasonOf(failed.code),
        message: `${failed.code} ${failed.message}`,
      });
    else if (own.every((step) => step.state === "Done")) list.push({ type, status: "True", reason: "Done", message });
    // Whoever waits for the app must get an answer when the run failed before it stopped it, and none before it stopped it.
    else if (base === "GiveBack" && own.every(isOver))
      list.push({ type, status: "True", reason: "NotStopped", message: "the app was not stopped" });
    else if (own.every(isOver)) list.push({ type, status: "False", reason: "Skipped", message });
    else
      list.push({
        type,
        status: "Unknown",
        reason: own.some((step) => step.state !== "Pending") ? "InProgress" : "Pending",
        message,
      });
  }
  const succeeded = over ? (result === "Complete" ? "True" : "False") : "Unknown";
  list.push({
    type: "Succeeded",
    status: succeeded,
    reason: over ? result : "InProgress",
    message: advice,
  });
  list.push({
    type: "Finished",
    status: over ? "True" : "False",
    reason: over ? result : "InProgress",
    message: over ? `the run is over, the app is ${app}` : "the run goes on",
  });
  list.push({
    type: "Reconciling",
    status: over ? "False" : "True",
    reason: over ? "Done" : "InProgress",
    message: "",
  });
  list.push({
    type: "Stalled",
    status: over && result === "Failed" ? "True" : "False",
    reason: over && result === "Failed" ? "Failed" : "Fine",
    message: over && result === "Failed" ? advice : "",
  });
  return list;
}

/** @param words of the catalogue, which knows neither how far the run had come nor what it has left. */
function tellData(words: string, { generation }: RunStatus, result: RunStatus["result"], wasStopped: boolean): string {
  const isGeneral = words === nothing || words === discarded;
  if (generation === undefined) return isGeneral && wasStopped ? discarded : words;
  if (result !== "Complete") return `generation ${generation.id} is sealed at the source`;
  return isGeneral ? `generation ${generation.id} is verified at every required sink` : words;
}

export function summariseRun(seen: RunObservation, status: RunStatus, over: boolean, now: Instant): RunStatus {
  const { run } = seen;
  const steps = status.steps ?? [];
  const result = resultAt(status, seen.siblings, over);
  const app = appAt(seen, status, now);
  const plan = waitingPlans(status);
  const names = { namespace: run.metadata.namespace, policy: run.spec.policyName, run: run.metadata.name, plan };
  const lacking =
    result === "AtRisk" ? status.copies?.find((copy) => copy.required === true && !counts(copy, status)) : undefined;
  // The first failure in order is the cause, but for a budget that ran out because the app could not be given back; what follows
  // from it is not, and pruning is no cause of a copy that is not there.
  // What a run that is complete may still have to say: the app is down, nothing was pruned, or another generation is damaged.
  const first =
    result === "Complete"
      ? steps.find(
          (step) => isTrouble(step) && (["GiveBack", "Prune"].includes(baseOf(step)) || step.code === damagedAtSource),
        )
      : steps.find((step) => step.code !== undefined && (lacking === undefined || baseOf(step) !== "Prune"));
  const lost = steps.find((step) => step.name === "GiveBack" && step.state === "Failed");
  const trouble = first?.code === "HO-S208" ? (lost ?? first) : first;
  const damaged = status.copies?.find((copy) => copy.state === "Damaged");
  const isBroken = lacking?.code === chainBroken;
  const code =
    trouble?.code ??
    (result === "AtRisk" && damaged !== undefined
      ? "HO-V601"
      : lacking === undefined
        ? ""
        : isBroken
          ? chainBroken
          : "HO-V602");
  const job = trouble?.job ?? steps.find((step) => step.name === `Verify/${lacking?.location}`)?.job;
  const what =
    trouble?.message ??
    (damaged !== undefined
      ? `the copy at ${damaged.location} is damaged`
      : isBroken
        ? `the copy at ${lacking.location} is based on one that is damaged or gone there`
        : isTrue(status.conditions, "Adopted")
          ? lacking?.state === "Stored"
            ? `the run was made of what lies in stores, and nobody has checked the copy at ${lacking.location} yet`
            : `the run was made of what lies elsewhere, and ${lacking?.location ?? "a sink"} was not looked at`
          : `the check at ${lacking?.location ?? "a sink"} did not find this generation`);
  const wasStopped = status.times?.stopAt !== undefined;
  const advice =
    code === ""
      ? ""
      : advise({
          code,
          what,
          step: trouble,
          app,
          wasStopped,
          names: { ...names, job },
          data: (entry) => tellData(entry.data, status, result, wasStopped),
        });
  const wanted = status.copies ?? [];
  const good = wanted.filter((copy) => counts(copy, status) && copy.state !== "Pruned").length;
  const generation = status.generation;
  const downtime = elapsed(status.times?.stopAt, status.times?.readyAt);
  const freeze = elapsed(status.times?.goneAt, status.times?.releasedAt);
  const current = steps.find((step) => step.state === "Running" || step.state === "Waiting");
  const summary =
    generation === undefined
      ? status.unchanged === undefined
        ? ""
        : tellUnchanged(status.unchanged)
      : [
          ...(holdsVolumes(run.spec.type) ? [count(generation.files ?? 0, "file")] : ["captured while the app ran"]),
          holdsDatabases(run.spec.type)
            ? count(generation.tables ?? 0, "table")
            : count(generation.files ?? 0, holdsFiles(status) ? "file" : "key"),
          ...(status.copies ?? [])
            .filter((copy) => !counts(copy, status))
            .map(({ location }) => `no checked copy at ${location}`),
        ].join(", ");
  const said = code === "" ? (over ? summary : (current?.message ?? "")) : `${code} ${what}`;
  const next: RunStatus = {
    ...status,
    observedGeneration: run.metadata.generation ?? 1,
    phase: phaseOf(steps, over),
    result,
    app,
    code,
    advice,
    display: {
      size: generation === undefined ? "" : formatBytes(generation.storedBytes ?? 0),
      copies: wanted.length === 0 ? "" : `${good}/${wanted.length}`,
      message: clip([said, tellFull({ spec: run.spec, status })].filter((text) => text !== "").join("; "), 200),
    },
    ...(downtime === undefined ? {} : { downtime: formatDuration(downtime) }),
    ...(freeze === undefined ? {} : { freeze: formatDuration(freeze) }),
  };
  return {
    ...next,
    conditions: [
      ...setConditions(
        status.conditions ?? [],
        conditionsOf(steps, result, app, advice, over),
        run.metadata.generation ?? 1,
        formatInstant(now),
      ),
    ],
  };
}
