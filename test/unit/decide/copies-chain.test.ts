/** A copy that is whole, and based on one at the same place that is not: what was verified does not count any more, until it does again. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { MoverSuccess } from "../../../operator/contract/result.ts";
import type { RunDecision } from "../../../operator/decide/run-observation.ts";
import { decideRun } from "../../../operator/decide/run.ts";
import { aPolicy, aRun, anApp, at, doneStep, settings, sink } from "../../support/builders.ts";
import { findBrokenRule } from "../../simulator/status-rules.ts";

const id = "000002-20261121T010000Z-incremental";
const time = (hour: number): string => `2026-11-21T${String(hour).padStart(2, "0")}:00:00.000Z`;
const verified = (ranges: string, since = 1): MoverSuccess => ({
  version: 1,
  ok: true,
  step: "verify",
  verified: [],
  sequences: { since, ranges },
  damaged: [],
  bytes: 1,
  seconds: 1,
});
const present = (ranges: string): MoverSuccess => ({
  version: 1,
  ok: true,
  step: "prune",
  location: { name: "vault", uuid: "u", generations: 1, verified: 1, bytes: 1, freeBytes: 1 },
  settled: [],
  pending: 0,
  removed: [],
  kept: [],
  present: { since: 1, ranges },
});
const check = (hour: number, ...report: Parameters<typeof verified>): StepRecord =>
  doneStep("Verify/vault", time(hour), verified(...report));
const later = (...steps: readonly StepRecord[]): BackupRun =>
  aRun("later").status({ policyUID: "shop-policy-uid", steps }).build();

const complete = (change: RunStatus = {}): BackupRun =>
  aRun()
    .of("Incremental")
    .finished("Complete", id, {
      app: "Up",
      copies: [
        { location: "source", state: "Verified", required: true, time: time(1) },
        { location: "vault", state: "Verified", required: true, time: time(3) },
      ],
      steps: [doneStep("Accept", time(1)), doneStep("Seal", time(1)), check(3, "1-2")],
      ...change,
    })
    .build();
function look(run: BackupRun, ...siblings: readonly BackupRun[]): RunDecision {
  const seen = { run, policy: undefined, siblings, restores: [], app: anApp(), jobs: new Map(), settings };
  const decision = decideRun(seen, at("23:00"));
  expect(findBrokenRule(decision.status)).toBeUndefined();
  // The same at every further look.
  expect(decideRun({ ...seen, run: { ...run, status: decision.status } }, at("23:00")).status).toEqual(decision.status);
  return decision;
}
const vault = ({ status }: RunDecision): unknown => status.copies?.[1];

describe("a later check that does not find it among the whole chains", () => {
  test.each<[string, string]>([
    ["there are others", "3-9"],
    ["there are only older ones", "1"],
    ["there are none", ""],
  ])("makes the run at risk, with a code and an event: %s", (_name, ranges) => {
    const decision = look(complete(), later(check(5, ranges)));
    expect(vault(decision)).toEqual({
      location: "vault",
      state: "Stored",
      required: true,
      time: time(5),
      code: "HO-V603",
    });
    expect(decision.status).toMatchObject({
      result: "AtRisk",
      code: "HO-V603",
      app: "Up",
      display: { copies: "1/2", message: "HO-V603 the copy at vault is based on one that is damaged or gone there" },
    });
    expect(decision.events).toEqual([expect.objectContaining({ type: "Warning", reason: "CopyBaseless" })]);
  });
  test.each<[string, BackupRun]>([
    ["of another sink", later({ ...check(5, "3-9"), name: "Verify/offsite" })],
    ["that is older than the copy", later(check(2, "3-9"))],
    ["that does not tell of it", later(check(5, "7-9", 3))],
    ["that failed", later({ ...check(5, "3-9"), state: "Failed", code: "HO-V602" })],
    [
      "of a former policy of the name",
      aRun("b")
        .status({ policyUID: "other", steps: [check(5, "3-9")] })
        .build(),
    ],
  ])("but not one %s", (_name, sibling) => {
    expect(look(complete(), sibling).status).toMatchObject({ result: "Complete", code: "" });
  });
  test("counts also where the policy asks for less by now", () => {
    const policy = aPolicy()
      .sinks(sink("vault", { verify: "Sample" }))
      .build().spec;
    expect(look(complete({ policy }), later(check(5, "3-9"))).status).toMatchObject({
      result: "AtRisk",
      code: "HO-V603",
    });
  });
});

test("it counts again once the chain is whole, and says so", () => {
  const broken = look(complete(), later(check(5, "3-9")));
  const whole = look({ ...complete(), status: broken.status }, later(check(5, "3-9"), check(7, "1-9")));
  expect(vault(whole)).toEqual({ location: "vault", state: "Verified", required: true, time: time(7) });
  expect(whole.status).toMatchObject({ result: "Complete", code: "" });
  expect(whole.events.map(({ reason }) => reason)).toEqual(["LateCopyArrived"]);
});
test("one that retention has removed is told of as that, whatever was said in between", () => {
  const pruned = look(complete(), later(check(5, "3-9"), doneStep("Prune/vault", time(6), present("3-9"))));
  expect(pruned.status.copies?.[1]?.state).toBe("Pruned");
  expect(pruned.status.result).toBe("Complete");
});
