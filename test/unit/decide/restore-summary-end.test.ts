/** What people read of a restore that is over, or that is held until somebody decides. */
import { describe, expect, test } from "@jest/globals";
import type { StepRecord } from "../../../operator/api/kinds.ts";
import { stepsOf, summarise, conditionsOf, allDone, failedAt, held, upTo } from "./restore-told.ts";

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
      "HO-R806 run x is active. App: unknown; not stopped by this one. Data: nothing was changed. Next: start it again when that one is over: kubectl -n shop get brun,rreq";
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
