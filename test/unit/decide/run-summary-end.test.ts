/** What people read of a run that is over: complete, at risk, failed. */
import { describe, expect, test } from "@jest/globals";
import type { RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { aPolicy, aRun, sink } from "../../support/builders.ts";
import {
  allDone,
  failedAt,
  changed,
  before,
  stopped,
  id,
  type Copy,
  copy,
  sealed,
  summarise,
  conditionsOf,
} from "./run-told.ts";

describe("the end", () => {
  test("complete", () => {
    const times = {
      stopAt: "2026-11-21T01:00:00Z",
      goneAt: "2026-11-21T01:00:10Z",
      releasedAt: "2026-11-21T01:00:40Z",
    };
    const status = summarise(allDone, {
      over: true,
      status: { ...sealed, times: { ...times, readyAt: "2026-11-21T01:01:05Z" } },
    });
    expect(status).toMatchObject({
      phase: "Done",
      result: "Complete",
      app: "Up",
      code: "",
      advice: "",
      downtime: "1m5s",
      freeze: "30s",
      display: { size: "600 B", copies: "2/2", message: "10 files, 3 tables" },
    });
    expect(conditionsOf(status)).toEqual({
      Accepted: "True Done",
      Quiesced: "True Done",
      Captured: "True Done",
      AppRestored: "True Done",
      Sealed: "True Done",
      Transported: "True Done",
      Verified: "True Done",
      Pruned: "True Done",
      Succeeded: "True Complete",
      Finished: "True Complete the run is over, the app is Up",
      Reconciling: "False Done",
      Stalled: "False Fine",
    });
  });
  test("of databases alone: no files are told of", () => {
    const run = aRun().of("Database");
    const status = { ...sealed, generation: { id, sealedAt: "2026-11-21T01:05:00Z" } };
    expect(summarise(allDone, { over: true, status, run }).display).toEqual({
      size: "0 B",
      copies: "2/2",
      message: "captured while the app ran, 0 tables",
    });
    expect(summarise(allDone, { over: true, status }).display?.message).toBe("0 files, 0 tables");
  });
  test("complete, without a copy that nobody requires", () => {
    const copies = [...sealed.copies!, copy("attic", "Missing", false)];
    const status = summarise(allDone, { over: true, status: { ...sealed, copies } });
    expect(status).toMatchObject({
      result: "Complete",
      display: { copies: "2/3", message: "10 files, 3 tables, no checked copy at attic" },
    });
  });
  test("a copy that was pruned was good, and is there no more", () => {
    const copies = [copy("source", "Pruned"), copy("vault", "Verified")];
    const status = summarise(allDone, { over: true, status: { ...sealed, copies } });
    expect(status).toMatchObject({ result: "Complete", display: { copies: "1/2" } });
  });
  test("without any copies on record it is not complete", () => {
    const { copies: _none, ...status } = sealed;
    expect(summarise(allDone, { over: true, status })).toMatchObject({ result: "AtRisk", display: { copies: "" } });
    expect(summarise(allDone, { over: true, status: { ...status, copies: [] } })).toMatchObject({
      result: "Complete",
      display: { copies: "" },
    });
  });
  test("complete, and the app is down: that is told", () => {
    const status = summarise(changed("GiveBack", { state: "Failed", code: "HO-S210", message: "not ready" }), {
      over: true,
      status: sealed,
    });
    expect(status).toMatchObject({ result: "Complete", app: "Down", code: "HO-S210" });
    expect(status.advice).toBe(
      "HO-S210 not ready. App: DOWN. Data: the generation is not affected. Next: kubectl -n shop get pods",
    );
    expect(status.display?.message).toBe("HO-S210 not ready");
    expect(conditionsOf(status)).toMatchObject({
      Succeeded: `True Complete ${status.advice}`,
      AppRestored: "False AppNotReady HO-S210 not ready",
      Stalled: "False Fine",
    });
  });
  test("complete, and nothing was pruned: that is told", () => {
    const steps = changed("Prune/source", { code: "HO-K701", message: "too much" });
    const status = summarise(steps, { over: true, status: sealed });
    expect(status).toMatchObject({ result: "Complete", code: "HO-K701", display: { message: "HO-K701 too much" } });
    expect(status.advice).toContain("App: not affected. Data: nothing was removed.");
    expect(conditionsOf(status)["Pruned"]).toBe("False PruneRefused HO-K701 too much");
  });
  test("complete, with a word that says nothing of a generation that is there", () => {
    const steps = changed("GiveBack", { code: "HO-S209", message: "late" });
    expect(summarise(steps, { over: true, status: sealed }).advice).toContain(
      `Data: generation ${id} is verified at every required sink.`,
    );
  });
  test("complete, whatever went wrong on the way and was made good", () => {
    const steps = changed("Transport/vault", { code: "HO-T501", message: "once" });
    expect(summarise(steps, { over: true, status: sealed })).toMatchObject({
      result: "Complete",
      code: "",
      advice: "",
    });
  });
});

describe("at risk", () => {
  const lacking = (state: Copy["state"], required = true): RunStatus => ({
    ...sealed,
    copies: [copy("source", "Verified"), copy("vault", state, required)],
  });
  test("a transport failed: that is the cause, and the generation is at the source", () => {
    const status = summarise(failedAt("Transport/vault", "HO-T501", { job: "shop-1-transport-vault-3" }), {
      over: true,
      status: lacking("Missing"),
    });
    expect(status).toMatchObject({ result: "AtRisk", code: "HO-T501", display: { message: "HO-T501 no way" } });
    expect(status.advice).toBe(
      `HO-T501 no way. App: running, not affected. Data: generation ${id} is sealed at the source. ` +
        "Next: kubectl -n shop logs job/shop-1-transport-vault-3 --all-containers",
    );
    expect(conditionsOf(status)).toMatchObject({
      Succeeded: `False AtRisk ${status.advice}`,
      Finished: "True AtRisk the run is over, the app is Up",
      Stalled: "False Fine",
    });
  });
  test("no step failed, and the check did not find it", () => {
    const steps = changed("Verify/vault", { job: "shop-1-verify-vault-1" });
    const status = summarise(steps, { over: true, status: lacking("Missing") });
    expect(status).toMatchObject({ result: "AtRisk", code: "HO-V602" });
    expect(status.advice).toContain("HO-V602 the check at vault did not find this generation. App:");
    expect(status.advice).toContain("Next: kubectl -n shop logs job/shop-1-verify-vault-1 --all-containers");
  });
  test("a copy is damaged: that is told, wherever it lies", () => {
    const status = summarise(allDone, { over: true, status: lacking("Damaged") });
    expect(status).toMatchObject({ result: "AtRisk", code: "HO-V601" });
    expect(status.advice).toContain("HO-V601 the copy at vault is damaged. App:");
  });
  test("a damaged copy that nobody requires does not make it so", () => {
    expect(summarise(allDone, { over: true, status: lacking("Damaged", false) })).toMatchObject({
      result: "Complete",
      code: "",
    });
  });
  test("a prune that failed is not why a copy is missing", () => {
    const steps = changed("Prune/source", { code: "HO-K701", message: "too much" });
    const status = summarise(steps, { over: true, status: lacking("Missing") });
    expect(status).toMatchObject({ result: "AtRisk", code: "HO-V602" });
  });
  test("a lesser check counts where the policy asks for it", () => {
    const policy = aPolicy()
      .sinks(sink("vault", { verify: "None" }))
      .build().spec;
    expect(summarise(allDone, { over: true, status: { ...lacking("Stored"), policy } }).result).toBe("Complete");
    expect(summarise(allDone, { over: true, status: lacking("Stored") }).result).toBe("AtRisk");
  });
});

describe("failed", () => {
  test("before the app was stopped", () => {
    const status = summarise(failedAt("Preflight", "HO-X001"), { over: true, status: { workloads: before } });
    expect(status).toMatchObject({ result: "Failed", app: "Up", code: "HO-X001", display: { size: "", copies: "" } });
    expect(conditionsOf(status)).toMatchObject({
      Quiesced: "False Skipped",
      AppRestored: "True NotStopped the app was not stopped",
      Succeeded: `False Failed ${status.advice}`,
      Finished: "True Failed the run is over, the app is Up",
      Reconciling: "False Done",
      Stalled: `True Failed ${status.advice}`,
    });
  });
  test("the first failure is the cause", () => {
    const steps = failedAt("Capture", "HO-X001").map((step): StepRecord =>
      step.name === "GiveBack" ? { ...step, state: "Failed", code: "HO-S210", message: "late" } : step,
    );
    expect(summarise(steps, { over: true, status: stopped })).toMatchObject({ code: "HO-X001", app: "Down" });
  });
  test("but for a budget that ran out because the app could not be given back", () => {
    const budget = failedAt("Capture", "HO-S208");
    const steps = budget.map((step): StepRecord =>
      step.name === "GiveBack" ? { ...step, state: "Failed", code: "HO-S210", message: "late" } : step,
    );
    expect(summarise(steps, { over: true, status: stopped }).code).toBe("HO-S210");
    expect(summarise(budget, { over: true, status: stopped }).code).toBe("HO-S208");
  });
  test.each<[string, RunStatus, string]>([
    ["what was captured is discarded", stopped, "this run left no generation; older generations are untouched"],
    ["before the stop nothing was written", {}, "nothing was written; older generations are untouched"],
  ])("of the data: %s", (_what, status, data) => {
    const { advice } = summarise(failedAt("Capture", "HO-P102"), { over: true, status });
    expect(advice).toContain(`Data: ${data}.`);
  });
});
