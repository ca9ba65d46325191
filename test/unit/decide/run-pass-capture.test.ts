/** One pass over a run with its app down: when a capture ends, and when the app is given back. */
import { describe, expect, test } from "@jest/globals";
import type { Pod, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { RunDecision } from "../../../operator/decide/run-observation.ts";
import { app, down, holder, stopped, zero } from "../../support/app-states.ts";
import { aJob, aPod, aRun, aWorkload } from "../../support/builders.ts";
import { type Steps, stepsOf } from "./recorded-steps.ts";
import { type Story, pass, stateOf, begun } from "./run-passes.ts";

describe("the app is given back", () => {
  const base: Steps = { Accept: "Done", Preflight: "Done", Warm: "Done", Quiesce: "Done" };
  const capture: Omit<StepRecord, "name"> = {
    state: "Running",
    attempt: 1,
    job: "job",
    startedAt: "2026-11-21T01:00:00Z",
  };
  const held: RunStatus = {
    workloads: stopped,
    times: { stopAt: "2026-11-21T00:59:00Z", goneAt: "2026-11-21T00:59:30Z" },
  };
  const late = { ...holder, uid: "shop-1-uid", deadline: "2026-11-21T23:00:00Z" };
  const seen = down({ holders: [late] });
  const jobs = [aJob("job").build()];
  const released = { ...held, times: { ...held.times, releasedAt: "2026-11-21T00:59:50Z" } };
  test.each<[string, Steps, Story, boolean]>([
    ["not while it is captured", { ...base, Capture: capture }, { status: held }, false],
    ["when the source is released", { ...base, Capture: capture }, { status: released }, true],
    ["when the capture is over", { ...base, Capture: "Done" }, { status: held }, true],
    [
      "when the capture failed",
      { ...base, Capture: { state: "Failed", code: "HO-X001", message: "x" } },
      { status: held },
      true,
    ],
    [
      "when the stop failed",
      { ...base, Quiesce: { state: "Failed", code: "HO-S207", message: "x" } },
      { status: held },
      true,
    ],
    ["when it is cancelled", { ...base, Capture: capture }, { status: held, run: aRun().holding().cancelled() }, true],
    [
      "not while it is stopped",
      { ...base, Quiesce: { state: "Running", startedAt: "2026-11-21T00:59:00Z" } },
      { status: held },
      false,
    ],
    [
      "not when it was not stopped",
      { Accept: "Done", Preflight: { state: "Failed", code: "HO-X001", message: "x" } },
      {},
      false,
    ],
    ["not twice", { ...base, Capture: "Done", GiveBack: "Done" }, { status: held }, false],
  ])("%s", (_what, states, story, is) => {
    const decision = pass(stepsOf(states), { seen, jobs, ...story });
    expect(stateOf(decision, "GiveBack") === "Running").toBe(is);
  });

  const podOfJob = (...ends: readonly { name: string; exitCode: number; message?: string }[]): Pod =>
    aPod("pod")
      .ofJob("job", "shop-1-uid", "job-uid")
      .ended(...ends)
      .build();
  const runningPod = aPod("pod").ofJob("job", "shop-1-uid", "job-uid").build();
  const releasedAt = (time: string): string =>
    JSON.stringify({ version: 1, ok: true, step: "release", releasedAt: time });
  const watch = (story: Story, state: Partial<StepRecord> = {}): RunDecision =>
    pass(stepsOf({ ...base, Capture: { ...capture, ...state } }), { status: held, seen, jobs, ...story });

  test("a capture that goes on is looked at twice a second, and its pod remembered", () => {
    const decision = watch({ seen: { ...seen, pods: [runningPod] } });
    expect(stateOf(decision, "Capture")).toBe("Running");
    expect(decision.status.capturePodUID).toBe("pod-uid");
    expect(decision.wakeAfter).toBe(500);
    expect(
      watch({ status: { ...held, capturePodUID: "first" }, seen: { ...seen, pods: [runningPod] } }).status
        .capturePodUID,
    ).toBe("first");
  });
  test.each<[string, Story, StepRecord["code"], string]>([
    ["the budget is spent", { now: "01:09" }, "HO-S208", "the downtime reached 10m before the source was released"],
    [
      "another has a doubt",
      { seen: down({ holders: [late], doubt: "it may write on" }) },
      "HO-S213",
      "it may write on",
    ],
    [
      "somebody started the app",
      { seen: app(aWorkload().replicas(3).meta({ generation: 3 }).build(), { holders: [late] }) },
      "HO-S209",
      "Deployment shop was scaled to 3",
    ],
    ["the record is gone", { seen: app(zero.build()) }, "HO-S209", "the quiesce record of Deployment shop was deleted"],
  ])("a capture ends when %s, with its Job", (_what, story, code, message) => {
    const decision = watch(story);
    expect(decision.status.steps?.find(({ name }) => name === "Capture")).toMatchObject({
      state: "Failed",
      code,
      message,
    });
    expect(decision.actions).toContainEqual({ do: "deleteJob", name: "job", uid: "job-uid" });
  });
  test("not before the budget is spent", () => {
    expect(stateOf(watch({ now: "01:08:59", seen: { ...seen, pods: [runningPod] } }), "Capture")).toBe("Running");
  });
  test("once the source is released, nothing of that ends it", () => {
    const decision = watch({
      status: released,
      now: "05:00",
      seen: app(aWorkload().replicas(3).build(), undefined, [runningPod]),
    });
    expect(stateOf(decision, "Capture")).toBe("Running");
  });
  test.each<[string, string, string]>([
    ["what the mover tells", "2026-11-21T00:59:45Z", "2026-11-21T00:59:45.000Z"],
    ["not before the app was gone", "2026-11-21T00:50:00Z", "2026-11-21T00:59:30.000Z"],
    ["not after now", "2026-11-21T03:00:00Z", "2026-11-21T01:00:00.000Z"],
  ])("the source is released at %s", (_what, told, expected) => {
    const pod = podOfJob({ name: "release", exitCode: 0, message: releasedAt(told) });
    const both: Pod = {
      ...pod,
      spec: { containers: [{ name: "archive" }, { name: "release" }] },
      status: {
        phase: "Running",
        containerStatuses: [{ name: "archive", state: { running: {} } }, ...(pod.status?.containerStatuses ?? [])],
      },
    };
    const decision = watch({ seen: { ...seen, pods: [both] } });
    expect(decision.status.times?.releasedAt).toBe(expected);
    expect(stateOf(decision, "GiveBack")).toBe("Running");
  });
  test("no capture begins while a process of the app runs", () => {
    const quiesces: Omit<StepRecord, "name"> = { state: "Running", startedAt: "2026-11-21T00:59:00Z" };
    const steps = stepsOf({ ...base, Quiesce: quiesces });
    expect(begun(pass(steps, { status: held, seen: { ...seen, pods: [aPod().build()] } }), steps)).toEqual([]);
    expect(begun(pass(steps, { status: held, seen }), steps)).toEqual(["Capture"]);
  });
});
