/** A finished run: what it still tells of its copies, and that nothing else of it changes. */
import { expect, test } from "@jest/globals";
import type { RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { finalizer } from "../../../operator/api/names.ts";
import type { MoverSuccess } from "../../../operator/contract/result.ts";
import type { DomainEvent } from "../../../operator/decide/decision.ts";
import type { RunDecision } from "../../../operator/decide/run-observation.ts";
import { decideRun } from "../../../operator/decide/run.ts";
import { aRun, anApp, at, doneStep, settings } from "../../support/builders.ts";

const id = "000001-20261121T010000Z-full";
type State = NonNullable<RunStatus["copies"]>[number]["state"];
const verify = (verified: readonly string[], damaged: readonly string[] = []): StepRecord => {
  const result: MoverSuccess = {
    version: 1,
    ok: true,
    step: "verify",
    bytes: 1,
    seconds: 1,
    verified: [...verified],
    damaged: [...damaged],
  };
  return doneStep("Verify/vault", "2026-11-21T09:00:00.000Z", result);
};
function look(
  result: "Complete" | "AtRisk",
  state: State,
  later: readonly StepRecord[],
  own: readonly StepRecord[] = [],
): RunDecision {
  const run = aRun()
    .finished(result, id, {
      policyUID: "shop-policy-uid",
      app: "Up",
      copies: [
        { location: "source", state: "Verified", required: true },
        { location: "vault", state, required: true, time: "2026-11-21T01:00:00.000Z" },
      ],
      steps: [doneStep("Accept", "2026-11-21T01:00:00Z"), doneStep("Seal", "2026-11-21T01:00:00Z"), ...own],
    })
    .build();
  const sibling = aRun("later").status({ policyUID: "shop-policy-uid", steps: later }).build();
  const seen = { run, policy: undefined, siblings: [sibling], restores: [], app: anApp(), jobs: new Map(), settings };
  return decideRun(seen, at("12:00"));
}

test.each<[string, "Complete" | "AtRisk", State, readonly StepRecord[], string, readonly Partial<DomainEvent>[]]>([
  [
    "a copy came late",
    "AtRisk",
    "Missing",
    [verify([id])],
    "Complete",
    [{ type: "Normal", reason: "LateCopyArrived" }],
  ],
  [
    "a copy was found damaged",
    "Complete",
    "Verified",
    [verify([], [id])],
    "AtRisk",
    [{ type: "Warning", reason: "CopyDamaged" }],
  ],
  ["nothing came", "AtRisk", "Missing", [], "AtRisk", []],
  ["it was damaged already", "AtRisk", "Missing", [verify([], [id])], "AtRisk", []],
  ["nothing was lost", "Complete", "Verified", [verify([id])], "Complete", []],
])("%s: its result was %s, its copy %s", (_name, before, state, later, after, events) => {
  const decision = look(before, state, later);
  expect(decision.status.result).toBe(after);
  expect(decision.events).toMatchObject(events);
  expect(decision.events).toHaveLength(events.length);
  expect([decision.actions, decision.wakeAfter]).toEqual([[], undefined]);
});

test("a copy that was lost is told of with what to do", () => {
  const { status, events } = look("Complete", "Verified", [verify([], [id])]);
  expect(events[0]?.message).toBe(status.advice);
  expect(status.advice).toContain("HO-V601");
});

test("a run that is complete with a trouble is not told of again", () => {
  const refused: StepRecord = {
    ...doneStep("Prune/vault", "2026-11-21T01:00:00Z"),
    code: "HO-K701",
    message: "refused",
  };
  const { status, events } = look("Complete", "Verified", [], [refused]);
  expect([status.result, status.code, events]).toEqual(["Complete", "HO-K701", []]);
});

test("it may go: whatever happens to it, it is not held back", () => {
  const run = aRun()
    .finished("Complete", id)
    .meta({ finalizers: ["other/x", finalizer] });
  const seen = { policy: undefined, siblings: [], restores: [], app: anApp(), jobs: new Map(), settings };
  expect(decideRun({ ...seen, run: run.build() }, at("12:00")).actions).toEqual([
    { do: "setFinalizers", finalizers: ["other/x"] },
  ]);
});

test("what a finished run says of the app stays as it was seen", () => {
  const status: RunStatus = {
    app: "Down",
    steps: [
      doneStep("Accept", "2026-11-21T01:00:00Z"),
      { name: "Preflight", state: "Failed", finishedAt: "2026-11-21T01:00:00Z", code: "HO-D302", message: "wrong" },
      { name: "Quiesce", state: "Skipped" },
      { name: "GiveBack", state: "Skipped" },
    ],
  };
  const run = aRun().finished("Failed", undefined, status).build();
  const seen = { run, policy: undefined, siblings: [], restores: [], app: anApp(), jobs: new Map(), settings };
  const { app, advice, conditions } = decideRun(seen, at("12:00")).status;
  expect(app).toBe("Down");
  expect(advice).toContain("App: DOWN");
  expect(conditions?.find(({ type }) => type === "Finished")?.message).toBe("the run is over, the app is Down");
});
