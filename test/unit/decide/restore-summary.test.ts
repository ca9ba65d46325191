/** What people read of a restore, from its recorded steps: result, app, phase, conditions, advice. */
import { describe, expect, test } from "@jest/globals";
import type { RestoreStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { restoreSteps, summariseRestore } from "../../../operator/decide/restore-summary.ts";
import { aRestore, aWorkload, anApp, at, settings } from "../../support/builders.ts";

type State = StepRecord["state"];
type Steps = Readonly<Record<string, State | Omit<StepRecord, "name">>>;
interface Story {
  readonly over?: boolean;
  readonly planOnly?: boolean;
  readonly status?: RestoreStatus;
  readonly replicas?: number;
}

/** The steps in their order; whoever is not named is Pending. */
const stepsOf = (states: Steps): readonly StepRecord[] =>
  ["Accept", ...restoreSteps].map((name) => {
    const state = states[name] ?? "Pending";
    return { name, ...(typeof state === "string" ? { state } : state) };
  });
function summarise(
  steps: readonly StepRecord[] | undefined,
  { over = false, planOnly = false, status = {}, replicas = 1 }: Story = {},
): RestoreStatus {
  const request = aRestore().spec({ planOnly }).build();
  const app = anApp({ workloads: [aWorkload().replicas(replicas).build()] });
  const seen = { request, policy: undefined, runs: [], siblings: [], app, jobs: new Map(), settings };
  const before = steps === undefined ? status : { ...status, steps: [...steps] };
  return summariseRestore(seen, before, over, at("01:30"));
}
/** Of each condition its status, its reason and its message. */
const conditionsOf = ({ conditions = [] }: RestoreStatus): Readonly<Record<string, string>> =>
  Object.fromEntries(
    conditions.map(({ type, status, reason, message }) => [type, `${status} ${reason} ${message}`.trim()]),
  );

const upTo = (last: string, state: State | Omit<StepRecord, "name">): Steps => ({
  ...Object.fromEntries(
    ["Accept", ...restoreSteps].slice(0, restoreSteps.indexOf(last) + 1).map((name) => [name, "Done" as const]),
  ),
  [last]: state,
});
const allDone = stepsOf(upTo("Cleanup", "Done"));
const failedAt = (last: string, code: StepRecord["code"], more: Partial<StepRecord> = {}): readonly StepRecord[] => {
  const states = upTo(last, { state: "Failed", code: code!, message: "no way", ...more });
  return stepsOf(states).map((step) => (step.state === "Pending" ? { ...step, state: "Skipped" as const } : step));
};
const held = {
  workloads: [
    { kind: "Deployment" as const, name: "shop", uid: "shop-uid", replicas: 1, heldAt: "2026-11-21T01:00:00Z" },
  ],
  times: { stopAt: "2026-11-21T01:00:00Z" },
};

describe("on its way", () => {
  test("accepted: everything is ahead", () => {
    const status = summarise(stepsOf({ Accept: "Done" }));
    expect(status).toMatchObject({
      observedGeneration: 1,
      phase: "Accept",
      result: "",
      app: "Up",
      code: "",
      advice: "",
      display: { message: "" },
    });
    expect(status).not.toHaveProperty("downtime");
    expect(conditionsOf(status)).toEqual({
      Accepted: "True Done",
      Planned: "Unknown Pending",
      Staged: "Unknown Pending",
      Restored: "Unknown Pending",
      AppRestored: "Unknown Pending",
      Approved: "True Approved",
      Succeeded: "Unknown InProgress",
      Finished: "False InProgress",
      Reconciling: "True InProgress",
      Stalled: "False Fine",
    });
  });
  test("without steps there is nothing to tell of steps", () => {
    for (const steps of [undefined, []])
      expect(conditionsOf(summarise(steps))).toEqual({
        Approved: "True Approved",
        Succeeded: "Unknown InProgress",
        Finished: "False InProgress",
        Reconciling: "True InProgress",
        Stalled: "False Fine",
      });
  });
  test.each([
    { name: "Plan", state: "Running" as const, phase: "Plan 1/6" },
    { name: "Stage", state: "Waiting" as const, phase: "Stage 2/6" },
    { name: "Cleanup", state: "Running" as const, phase: "Cleanup 6/6" },
  ])("in $name, $state", ({ name, state, phase }) => {
    const status = summarise(stepsOf(upTo(name, { state, message: "half of it" })));
    expect(status).toMatchObject({ phase, display: { message: "half of it" }, result: "" });
  });
  test("a step that works is in progress, with its message; one that is done says so", () => {
    const status = summarise(stepsOf({ Plan: { state: "Done", message: "found" }, Stage: "Running", Swap: "Waiting" }));
    expect(conditionsOf(status)).toMatchObject({
      Planned: "True Done found",
      Staged: "Unknown InProgress",
      Restored: "Unknown InProgress",
    });
  });
  test("a message is cut short", () => {
    const message = "x".repeat(300);
    expect(summarise(stepsOf({ Plan: { state: "Running", message } })).display?.message).toHaveLength(200);
  });
  test("what is on record stays, and a condition that has not changed keeps its time", () => {
    const lastTransitionTime = "2026-11-20T00:00:00Z";
    const condition = { type: "Stalled", status: "False" as const, reason: "Fine", message: "", lastTransitionTime };
    const status = summarise(allDone, { status: { conditions: [condition], times: held.times } });
    expect(status.times).toEqual(held.times);
    expect(status.conditions?.find(({ type }) => type === "Stalled")).toMatchObject({ lastTransitionTime });
    expect(status.conditions?.find(({ type }) => type === "Finished")).toMatchObject({
      lastTransitionTime: "2026-11-21T01:30:00.000Z",
      observedGeneration: 1,
    });
  });
});

describe("a plan that is to be read first", () => {
  const planned = stepsOf({ Accept: "Done", Plan: { state: "Done", message: "found" } });
  test("waits, and says how it goes on", () => {
    const status = summarise(planned, { planOnly: true });
    const advice =
      "Nothing has been changed. Read status.plan, then: " +
      `kubectl -n shop patch rreq back --type merge -p '{"spec":{"planOnly":false}}'`;
    expect(status).toMatchObject({
      phase: "Planned",
      advice,
      display: { message: "nothing changed yet; waits for planOnly: false" },
    });
    expect(conditionsOf(status)).toMatchObject({
      Approved: `False PlanOnly ${advice}`,
      Succeeded: `Unknown InProgress ${advice}`,
      Reconciling: "False WaitingForApproval",
      Stalled: "False Fine",
    });
  });
  test.each<[string, readonly StepRecord[], boolean]>([
    ["that is allowed", planned, false],
    ["that is not made yet", stepsOf({ Accept: "Done", Plan: "Running" }), true],
    ["after which staging has begun", stepsOf({ Plan: "Done", Stage: "Running" }), true],
  ])("one %s does not wait", (_what, steps, planOnly) => {
    const status = summarise(steps, { planOnly });
    expect(status).toMatchObject({ advice: "" });
    expect(conditionsOf(status)).toMatchObject({
      Approved: planOnly ? "False PlanOnly" : "True Approved",
      Reconciling: "True InProgress",
    });
  });
});

describe("the app", () => {
  const gone = { Quiesce: "Done" as const, Swap: "Running" as const };
  test.each<[string, readonly StepRecord[], Story, RestoreStatus["app"]]>([
    ["that was not touched is seen", stepsOf({ Stage: "Running" }), {}, "Up"],
    ["that was stopped", stepsOf(gone), { status: held, replicas: 0 }, "Stopped"],
    [
      "that is to be stopped",
      stepsOf({}),
      { status: { workloads: [{ ...held.workloads[0]!, heldAt: undefined as never }] } },
      "Up",
    ],
    [
      "that was parked before",
      stepsOf({}),
      { replicas: 0, status: { workloads: [{ ...held.workloads[0]!, heldAt: undefined as never }] } },
      "Parked",
    ],
    ["that could not be given back", failedAt("GiveBack", "HO-S210"), { over: true, status: held }, "Down"],
    ["that was given back", allDone, { over: true, status: held }, "Up"],
    [
      "that was given back and is not seen",
      allDone,
      { over: true, status: { ...held, workloads: [{ ...held.workloads[0]!, name: "other" }] } },
      "Unknown",
    ],
    [
      "of a restore that was refused for another",
      [{ name: "Accept", state: "Failed", code: "HO-R806", message: "x" }],
      { over: true },
      "Unknown",
    ],
    [
      "of a restore that was refused without a policy",
      [{ name: "Accept", state: "Failed", code: "HO-P101", message: "x" }],
      { over: true },
      "Unknown",
    ],
  ])("%s", (_what, steps, story, app) => {
    expect(summarise(steps, story).app).toBe(app);
  });
});

describe("the end", () => {
  test("complete", () => {
    const steps = allDone.map((step) => ({ ...step, message: `${step.name} was good` }));
    const times = { stopAt: "2026-11-21T01:00:00Z", readyAt: "2026-11-21T01:02:03Z" };
    const status = summarise(steps, { over: true, status: { ...held, times } });
    expect(status).toMatchObject({
      phase: "Done",
      result: "Complete",
      app: "Up",
      code: "",
      advice: "",
      downtime: "2m3s",
      display: { message: "Stage was good" },
    });
    expect(conditionsOf(status)).toEqual({
      Accepted: "True Done Accept was good",
      Planned: "True Done Plan was good",
      Staged: "True Done Stage was good",
      Restored: "True Done Swap was good",
      AppRestored: "True Done GiveBack was good",
      Approved: "True Approved",
      Succeeded: "True Complete",
      Finished: "True Complete",
      Reconciling: "False Done",
      Stalled: "False Fine",
    });
  });
  test("refused: of the app that it was not stopped, of the rest nothing", () => {
    const steps: readonly StepRecord[] = [
      { name: "Accept", state: "Failed", code: "HO-R806", message: "run x is active" },
    ];
    const status = summarise(steps, { over: true });
    const advice =
      "HO-R806 run x is active. App: unknown; nothing was done to it. Data: nothing was changed. Next: kubectl -n shop get brun,rreq";
    expect(status).toMatchObject({
      result: "Failed",
      code: "HO-R806",
      advice,
      display: { message: "HO-R806 run x is active" },
    });
    expect(conditionsOf(status)).toEqual({
      Accepted: "False RestoreActive HO-R806 run x is active",
      AppRestored: "True NotStopped the restore was refused",
      Approved: "True Approved",
      Succeeded: `False Failed ${advice}`,
      Finished: "True Failed",
      Reconciling: "False Done",
      Stalled: `True RestoreActive ${advice}`,
    });
  });
  test("failed before the app was stopped", () => {
    const status = summarise(failedAt("Stage", "HO-R803", { job: "back-stage-2" }), { over: true });
    expect(status.advice).toBe(
      "HO-R803 no way. App: not stopped, running on its present state. Data: nothing was changed. " +
        "Next: kubectl -n shop logs job/back-stage-2 --all-containers",
    );
    expect(conditionsOf(status)).toMatchObject({
      Planned: "True Done",
      Staged: "False StageFailed HO-R803 no way",
      Restored: "False Skipped",
      AppRestored: "True NotStopped the app was not stopped",
    });
  });
  test.each<[string, readonly StepRecord[], string, string]>([
    [
      "the app did not come back on the restored state",
      failedAt("GiveBack", "HO-S210"),
      "DOWN",
      "the restored state is in place",
    ],
    ["refused before the exchange", failedAt("Swap", "HO-R807"), "stopped, being given back", "nothing was changed"],
    [
      "in the midst of the exchange",
      failedAt("Swap", "HO-X001"),
      "stopped, being given back",
      "both states are still there",
    ],
    ["before there was one", failedAt("Quiesce", "HO-S208"), "stopped, being given back", "nothing was changed"],
  ])("failed, %s", (_what, steps, app, data) => {
    const status = summarise(steps, { over: true, status: held });
    expect(status.result).toBe("Failed");
    expect(status.advice).toContain(`App: ${app}. Data: ${data}. Next:`);
    expect(conditionsOf(status)["Succeeded"]).toContain("False Failed HO-");
  });
  test("an exchange under way is one between two states", () => {
    const steps = stepsOf({ ...upTo("Swap", { state: "Waiting", code: "HO-X001", message: "again" }) });
    expect(summarise(steps, { status: held }).advice).toContain("Data: both states are still there.");
  });
  test("disturbed: it is not complete, and what was replaced is kept", () => {
    const steps = allDone.map((step): StepRecord =>
      step.name === "Swap" ? { ...step, code: "HO-R808", message: "it was started" } : step,
    );
    const status = summarise(steps, { over: true, status: held });
    expect(status).toMatchObject({ result: "Failed", app: "Up", code: "HO-R808" });
    expect(status.advice).toContain("Data: what was replaced is kept");
    expect(conditionsOf(status)["Stalled"]).toContain("True ExchangeDisturbed HO-R808 it was started");
  });
  test("the same code at another step disturbs nothing", () => {
    const steps = allDone.map((step): StepRecord =>
      step.name === "Cleanup" ? { ...step, code: "HO-R808", message: "x" } : step,
    );
    expect(summarise(steps, { over: true, status: held }).result).toBe("Complete");
  });
  test("without an exchange it is not complete", () => {
    expect(summarise(stepsOf({ Accept: "Done", Plan: "Done" }), { over: true }).result).toBe("Failed");
  });
});

describe("held stopped, until a person decides", () => {
  const waits = { state: "Waiting" as const, code: "HO-R804" as const, message: "both are there" };
  const steps = stepsOf({
    ...upTo("Swap", { state: "Failed", code: "HO-X001", message: "it broke" }),
    GiveBack: waits,
  });
  test("the app is down, and what holds it is told rather than what came before", () => {
    const status = summarise(steps, { status: held });
    expect(status).toMatchObject({
      result: "",
      app: "Down",
      code: "HO-R804",
      display: { message: "HO-R804 both are there" },
    });
    expect(status.advice).toContain("HO-R804 both are there. App: DOWN. Data: both states are still there. Next:");
    expect(conditionsOf(status)).toMatchObject({
      Succeeded: `Unknown InProgress ${status.advice}`,
      Finished: "False InProgress",
      Reconciling: "False HeldStopped",
      Stalled: `True SwapFailed ${status.advice}`,
      Restored: expect.stringContaining("HO-X001 it broke"),
    });
  });
  test("over, it is held no more", () => {
    const status = summarise(steps, { over: true, status: held });
    expect(status).toMatchObject({ code: "HO-X001", app: "Stopped", result: "Failed" });
    expect(conditionsOf(status)).toMatchObject({ Reconciling: "False Done" });
  });
});
