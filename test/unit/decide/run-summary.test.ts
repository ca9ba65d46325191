/** What people read of a run on its way, from its recorded steps: phase, app, conditions, columns. */
import { describe, expect, test } from "@jest/globals";
import type { RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { aRun } from "../../support/builders.ts";
import { type Steps, stepsOf } from "./recorded-steps.ts";
import {
  type Story,
  upTo,
  allDone,
  failedAt,
  workloads,
  before,
  stopped,
  sealed,
  summarise,
  conditionsOf,
} from "./run-told.ts";

describe("on its way", () => {
  test("accepted: everything is ahead", () => {
    const status = summarise(stepsOf({ Accept: "Done" }));
    expect(status).toMatchObject({
      observedGeneration: 1,
      phase: "Preflight 2/10",
      result: "",
      app: "Up",
      code: "",
      advice: "",
      display: { size: "", copies: "", message: "" },
    });
    expect(status).not.toHaveProperty("downtime");
    expect(status).not.toHaveProperty("freeze");
    expect(conditionsOf(status)).toEqual({
      Accepted: "True Done",
      Quiesced: "Unknown Pending",
      Captured: "Unknown Pending",
      AppRestored: "Unknown Pending",
      Sealed: "Unknown Pending",
      Transported: "Unknown Pending",
      Verified: "Unknown Pending",
      Pruned: "Unknown Pending",
      Succeeded: "Unknown InProgress",
      Finished: "False InProgress the run goes on",
      Reconciling: "True InProgress",
      Stalled: "False Fine",
    });
  });
  test("without steps there is nothing to tell of steps", () => {
    for (const steps of [undefined, []]) {
      const status = summarise(steps);
      expect(status.phase).toBe("Finish");
      expect(Object.keys(conditionsOf(status))).toEqual(["Finished", "Reconciling", "Stalled", "Succeeded"]);
    }
  });
  test("that does not stop the app: there is nothing to give back", () => {
    const steps = stepsOf({ Accept: "Done" }).filter(({ name }) => name !== "GiveBack" && name !== "Quiesce");
    expect(conditionsOf(summarise(steps))["AppRestored"]).toBe("True NotStopped this run does not stop the app");
    expect(conditionsOf(summarise(steps))).not.toHaveProperty("Quiesced");
  });
  test.each<[string, Steps, string]>([
    ["a step that runs", upTo("Warm", "Running"), "Warm 3/9"],
    ["a step that waits", upTo("Seal", "Waiting"), "Seal 7/9"],
    [
      "the capture, while the app is being given back",
      { ...upTo("Capture", "Running"), GiveBack: "Running" },
      "Capture 5/9",
    ],
    [
      "the capture, when the app is given back first",
      { ...upTo("Quiesce", "Done"), GiveBack: "Running", Capture: "Waiting" },
      "Capture 5/9",
    ],
    ["the seal, while the app is still coming up", { ...upTo("Seal", "Running"), GiveBack: "Waiting" }, "Seal 7/9"],
    [
      "a seal that waits, while the app is still coming up",
      { ...upTo("Seal", "Waiting"), GiveBack: "Waiting" },
      "Seal 7/9",
    ],
    ["the next one, when none is under way", upTo("Capture", "Done"), "GiveBack 6/9"],
    ["the giving back, when nothing else is", upTo("GiveBack", "Running"), "GiveBack 6/9"],
    ["one of several sinks", upTo("Transport/vault", "Running"), "Transport 8/9"],
    ["the end", upTo("Prune/vault", "Done"), "Finish"],
  ])("the phase is that of %s", (_what, states, phase) => {
    const bases = phase.replace("/9", "/10");
    expect(summarise(stepsOf(states)).phase).toBe(bases);
  });
  test("a condition stands for all sinks", () => {
    const of = (first: Partial<StepRecord>, second: Partial<StepRecord>): string | undefined =>
      conditionsOf(
        summarise([
          { name: "Transport/attic", state: "Pending", ...first },
          { name: "Transport/vault", state: "Pending", ...second },
        ]),
      )["Transported"];
    expect(of({ state: "Done", message: "a" }, { state: "Done", message: "b" })).toBe("True Done a; b");
    expect(of({ state: "Done", message: "" }, { state: "Done", message: "b" })).toBe("True Done b");
    expect(of({ state: "Done" }, { state: "Pending" })).toBe("Unknown InProgress");
    expect(of({ state: "Pending" }, { state: "Running", message: "half" })).toBe("Unknown InProgress half");
    expect(of({ state: "Done" }, { state: "Skipped" })).toBe("False Skipped");
    expect(of({ state: "Skipped" }, { state: "Pending" })).toBe("Unknown InProgress");
    expect(of({ state: "Done" }, { state: "Failed", code: "HO-T501", message: "gone" })).toBe(
      "False TransportFailed HO-T501 gone",
    );
    expect(of({ state: "Done", message: "x".repeat(3_000) }, {})).toHaveLength("Unknown InProgress ".length + 2_000);
  });
  test("what is under way is in the column, cut short", () => {
    expect(summarise(stepsOf({ Warm: { state: "Running", message: "half of it" } })).display?.message).toBe(
      "half of it",
    );
    expect(summarise(stepsOf({ Warm: { state: "Waiting", message: "later" } })).display?.message).toBe("later");
    const message = "x".repeat(300);
    expect(summarise(stepsOf({ Warm: { state: "Running", message } })).display?.message).toHaveLength(200);
  });
  test("a condition that has not changed keeps its time", () => {
    const lastTransitionTime = "2026-11-20T00:00:00Z";
    const condition = { type: "Stalled", status: "False" as const, reason: "Fine", message: "", lastTransitionTime };
    const status = summarise(stepsOf({}), { status: { conditions: [condition] } });
    expect(status.conditions?.find(({ type }) => type === "Stalled")).toMatchObject({ lastTransitionTime });
    expect(status.conditions?.find(({ type }) => type === "Finished")).toMatchObject({
      lastTransitionTime: "2026-11-21T01:05:00.000Z",
      observedGeneration: 1,
    });
  });
});

describe("the app", () => {
  const refusal = (code: StepRecord["code"]): readonly StepRecord[] => [
    { name: "Accept", state: "Failed", code: code!, message: "x" },
  ];
  const captures = stepsOf(upTo("Capture", "Running"));
  test.each<[string, readonly StepRecord[], Story, RunStatus["app"]]>([
    ["that is to be stopped", stepsOf({ Accept: "Done" }), { status: { workloads: before } }, "Up"],
    ["that was parked before", stepsOf({ Accept: "Done" }), { status: { workloads: before }, replicas: 0 }, "Parked"],
    ["that was stopped", captures, { status: stopped, replicas: 0 }, "Stopped"],
    [
      "that is down for its budget and two minutes",
      captures,
      { status: stopped, replicas: 0, now: "01:12" },
      "Stopped",
    ],
    ["that is down for longer", captures, { status: stopped, replicas: 0, now: "01:12:01" }, "Down"],
    ["that is down, of an unknown budget", captures, { status: { workloads }, replicas: 0, now: "05:00" }, "Stopped"],
    ["that could not be given back", failedAt("GiveBack", "HO-S210"), { over: true, status: stopped }, "Down"],
    ["that was given back", allDone, { over: true, status: sealed }, "Up"],
    ["that was given back and is not seen", allDone, { over: true, status: sealed, workload: "other" }, "Unknown"],
    ["of a run refused for another", refusal("HO-P109"), { over: true }, "Unknown"],
    ["of a run refused without a policy", refusal("HO-P101"), { over: true }, "Unknown"],
    ["of a run refused, with a policy", refusal("HO-P112"), { over: true, status: { policy: stopped.policy! } }, "Up"],
    [
      "of a run refused for another, with a policy",
      refusal("HO-P109"),
      { over: true, status: { policy: stopped.policy! } },
      "Unknown",
    ],
    [
      "of a finished run is what was known then",
      allDone,
      { over: true, status: { ...sealed, app: "Down" }, run: aRun().finished("Complete") },
      "Down",
    ],
    [
      "of a finished run of which nothing is known",
      allDone,
      { over: true, status: sealed, run: aRun().finished("Complete") },
      "Up",
    ],
    ["of a run that is not finished is looked at", allDone, { over: true, status: { ...sealed, app: "Down" } }, "Up"],
  ])("%s", (_what, steps, story, app) => {
    expect(summarise(steps, story).app).toBe(app);
  });
});
