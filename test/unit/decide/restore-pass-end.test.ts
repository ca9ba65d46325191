/** One pass over a restore that is cancelled or has failed: what ends, what goes on, and when the app is given back. */
import { describe, expect, test } from "@jest/globals";
import { aJob, aRestore, anApp } from "../../support/builders.ts";
import {
  type State,
  type States,
  type Story,
  acts,
  failed,
  held,
  isDown,
  pass,
  staged,
  stepOf,
} from "./restore-passes.ts";

describe("cancelled", () => {
  const running: State = { state: "Running", attempt: 1, job: "job" };
  const told = (states: States, story: Story = {}): readonly string[] =>
    pass(states, { request: held(aRestore()).annotated("backup.handover.dev/cancel"), ...story })
      .status.steps?.slice(1)
      .map(({ name, state, code = "-" }) => `${name} ${state} ${code}`) ?? [];
  test("what runs ends, and its Job goes", () => {
    const request = held(aRestore()).annotated("backup.handover.dev/cancel");
    const decision = pass({ Accept: "Done", Plan: running }, { request, jobs: [aJob("job").build()] });
    expect(decision.actions).toEqual([{ do: "deleteJob", name: "job", uid: "job-uid" }]);
    expect(stepOf(decision, "Plan")?.message).toBe("cancelled, nothing of the app was exchanged");
    expect(stepOf(decision, "Stage")).toMatchObject({ state: "Skipped", message: "cancelled" });
    const late = pass({ Accept: "Done", Plan: running }, { request, jobs: [aJob("job").deleting().build()] });
    expect(acts(late)).not.toContain("deleteJob");
  });
  test("before the exchange nothing more is done than to clean up", () => {
    expect(told({ Accept: "Done", Plan: "Done", Stage: running })).toEqual([
      "Plan Done -",
      "Stage Failed HO-X003",
      "Quiesce Skipped -",
      "Swap Skipped -",
      "GiveBack Skipped -",
      "Cleanup Pending -",
    ]);
    const skipped: States = { Quiesce: "Skipped", Swap: "Skipped", GiveBack: "Skipped" };
    const stage: State = { state: "Failed", code: "HO-X003", message: "x", attempt: 1 };
    expect(told({ Accept: "Done", Plan: "Done", Stage: stage, ...skipped }).at(-1)).toBe("Cleanup Running -");
  });
  test("an exchange that has begun goes on", () => {
    const states: States = {
      Accept: "Done",
      Plan: "Done",
      Stage: staged,
      Quiesce: "Done",
      Swap: { ...(running as object), state: "Running", startedAt: "2026-11-21T00:59:40Z" },
    };
    expect(told(states, { ...isDown, jobs: [aJob("job").build()] })[3]).toBe("Swap Running -");
    // Its namespace goes, and everything in it: there is nothing that could be half exchanged.
    const none = anApp({ workloads: [], claims: new Map() });
    expect(told(states, { ...isDown, seen: none, request: held(aRestore()).deleting() })[3]).toBe(
      "Swap Failed HO-X003",
    );
  });
  test("the app is given back", () => {
    const states: States = { Accept: "Done", Plan: "Done", Stage: staged, Quiesce: "Done" };
    expect(told(states, isDown).slice(3, 5)).toEqual(["Swap Failed HO-X003", "GiveBack Running -"]);
  });
});

describe("the app", () => {
  const swapFailed: States = { Accept: "Done", Plan: "Done", Stage: staged, Quiesce: "Done", Swap: failed("HO-X001") };
  test("is kept stopped between two states, until the request is deleted", () => {
    const kept = pass(swapFailed, isDown);
    expect(stepOf(kept, "GiveBack")).toMatchObject({ state: "Waiting", code: "HO-R804" });
    expect(stepOf(kept, "GiveBack")?.message).toContain("the app is kept stopped");
    const waits: States = { ...swapFailed, GiveBack: { state: "Waiting", code: "HO-R804", message: "kept" } };
    const freed = pass(waits, { ...isDown, request: held(aRestore()).deleting() });
    expect(stepOf(freed, "GiveBack")).toMatchObject({ state: "Running", message: "giving back Deployment shop" });
    expect(stepOf(freed, "GiveBack")).not.toHaveProperty("code");
  });
  test("is given back after an exchange that was refused, once its Job is gone", () => {
    const refused: States = { ...swapFailed, Swap: failed("HO-R807", { job: "job" }) };
    expect(stepOf(pass(refused, isDown), "GiveBack")?.state).toBe("Running");
    const busy = pass(refused, { ...isDown, jobs: [aJob("job").deleting().build()] });
    expect(stepOf(busy, "GiveBack")?.state).toBe("Pending");
    expect(busy.wakeAfter).toBe(1_000);
  });
  test("is not given back by one that never stopped it", () => {
    expect(stepOf(pass({ Accept: "Done", Plan: "Done", Stage: "Running" }), "GiveBack")?.state).toBe("Pending");
  });
});
