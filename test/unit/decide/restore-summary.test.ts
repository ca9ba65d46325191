/** What people read of a restore on its way, from its recorded steps: phase, app, conditions, advice. */
import { describe, expect, test } from "@jest/globals";
import type { RestoreStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { type Story, stepsOf, summarise, conditionsOf, upTo, allDone, failedAt, held } from "./restore-told.ts";

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
