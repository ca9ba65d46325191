/** What the movers of a restore report, in words, and what is left on record of it. */
import { describe, expect, test } from "@jest/globals";
import type { StepRecord } from "../../../operator/api/kinds.ts";
import type { MoverSuccess } from "../../../operator/contract/result.ts";
import { app, down } from "../../support/app-states.ts";
import { aJob, aPod, anApp } from "../../support/builders.ts";
import { type States, isDown, own, pass, staged, stepOf } from "./restore-passes.ts";

const ok = { version: 1 as const, ok: true as const };
const plan: MoverSuccess = {
  ...ok,
  step: "plan",
  id: "000007-20261121T010203Z-full",
  location: "vault",
  sealedAt: "2026-11-21T01:05:00Z",
  manifestSHA256: "abc",
  bytes: 1024,
  replaces: ["volume uploads"],
  warnings: ["it is old"],
};
const running: Omit<StepRecord, "name"> = {
  state: "Running",
  attempt: 1,
  job: "job",
  startedAt: "2026-11-21T00:59:00Z",
};
const before: Readonly<Record<string, States>> = {
  Plan: { Accept: "Done" },
  Stage: { Accept: "Done", Plan: "Done" },
  Swap: { Accept: "Done", Plan: "Done", Stage: staged, Quiesce: "Done" },
  Cleanup: { Accept: "Done", Plan: "Done", Stage: staged, Quiesce: "Done", Swap: "Done", GiveBack: "Done" },
};
function after(name: string, result: MoverSuccess, noted: Partial<StepRecord> = {}, owner = "back-uid") {
  const message = JSON.stringify(result);
  const pod = aPod("pod").ofJob("job", owner, "job-uid").ended({ name: result.step, exitCode: 0, message }).build();
  const closed = down({ holders: [{ ...own, exchanging: true }] });
  const seen = name === "Swap" ? { ...closed, pods: [pod] } : anApp({ pods: [pod] });
  const story = { ...(name === "Swap" ? isDown : {}), seen, jobs: [aJob("job").condition("Complete").build()] };
  const decision = pass({ ...before[name], [name]: { ...running, ...noted } }, story);
  return { decision, step: stepOf(decision, name) };
}

describe("a step that is done tells", () => {
  test.each<[string, MoverSuccess, string]>([
    ["Plan", plan, "000007-20261121T010203Z-full from vault, 1.0 KiB"],
    [
      "Stage",
      { ...ok, step: "stage", bytes: 1024, files: 2, rows: 3, seconds: 1 },
      "2 files and 3 rows restored and verified, 1.0 KiB",
    ],
    ["Swap", { ...ok, step: "swap", databases: 1, volumes: 2 }, "1 database and 2 volumes exchanged"],
    ["Cleanup", { ...ok, step: "cleanup", databases: 1, volumes: 2 }, "leftovers removed"],
  ])("%s", (name, result, message) => {
    const { step, decision } = after(name, result);
    expect(step).toMatchObject({ state: "Done", message, result: { of: [result] } });
    expect(step).not.toHaveProperty("code");
    expect(decision.status.plan === undefined).toBe(name !== "Plan");
  });
  test("a plan is on record, and looked at again at once", () => {
    const { decision } = after("Plan", plan);
    expect(decision.status.plan).toEqual({
      generation: "000007-20261121T010203Z-full",
      from: "vault",
      sealedAt: "2026-11-21T01:05:00Z",
      replaces: ["volume uploads"],
      bytes: 1024,
      warnings: ["it is old"],
    });
    expect(decision.wakeAfter).toBe(0);
  });
  test("an exchange that was disturbed says both, once", () => {
    const swap: MoverSuccess = { ...ok, step: "swap", databases: 1, volumes: 2 };
    const noted = { code: "HO-R808" as const, message: "it was started" };
    const told = "1 database and 2 volumes exchanged, but it was started";
    const { step } = after("Swap", swap, noted);
    expect(step).toMatchObject({ state: "Done", code: "HO-R808", message: told });
    const again = pass({ ...before["Swap"], Swap: { ...noted, state: "Done", message: told } }, isDown);
    expect(stepOf(again, "Swap")?.message).toBe(told);
  });
  test("the pod of another says nothing", () => {
    expect(after("Plan", plan, {}, "another-uid").step?.state).not.toBe("Done");
  });
});

test("an app that nobody has stopped is at the end as it is", () => {
  expect(pass({ Accept: "Done", Plan: "Done" }, { seen: app(undefined) }).status.app).toBe("Up");
});
