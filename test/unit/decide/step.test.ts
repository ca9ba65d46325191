/** One step that a Job carries out: attempts, back-off, and that nothing on record is done again. */
import { describe, expect, test } from "@jest/globals";
import type { Job, Pod, StepRecord } from "../../../operator/api/kinds.ts";
import { type StepMove, type StepPlan, advanceStep, isOver, resultsOf, skip } from "../../../operator/decide/step.ts";
import { formatInstant } from "../../../operator/domain/instant.ts";
import { aJob, aPod, at, doneStep } from "../../support/builders.ts";

const begun = at("01:00");
const pending: StepRecord = { name: "Warm", state: "Pending" };
const running = (attempt = 1): StepRecord => ({
  name: "Warm",
  state: "Running",
  attempt,
  job: `shop-1-warm-${attempt}`,
  startedAt: formatInstant(begun),
  message: "",
});
const plan: StepPlan = {
  attempts: 3,
  build: (name) => ({ apiVersion: "batch/v1", kind: "Job", metadata: { name, namespace: "shop" }, spec: {} }),
  describe: (results) => `${results.length} results`,
};
const ended = (attempt: number, message: object, exitCode = 1): { job: Job; pod: Pod } => ({
  job: aJob(`shop-1-warm-${attempt}`)
    .condition(exitCode === 0 ? "Complete" : "Failed")
    .build(),
  pod: aPod(`p${attempt}`)
    .ofJob(`shop-1-warm-${attempt}`, "u")
    .ended({ name: "warm", exitCode, message: JSON.stringify({ version: 1, step: "warm", ...message }) })
    .build(),
});
const failed = (attempt: number, retry: boolean): { job: Job; pod: Pod } =>
  ended(attempt, { ok: false, code: "HO-D301", message: "no route", retry });
const done = ended(1, { ok: true, bytes: 1, files: 1 }, 0);

function advance(
  step: StepRecord,
  now: number,
  found: { job?: Job | undefined; pod?: Pod } = {},
  change: Partial<StepPlan> = {},
): StepMove {
  const jobs = new Map(found.job === undefined ? [] : [[found.job.metadata.name, found.job]]);
  return advanceStep(
    step,
    { ...plan, ...change },
    { ownerName: "shop-1", ownerUID: "u", jobs, pods: found.pod === undefined ? [] : [found.pod], now },
  );
}
const does = (move: StepMove): readonly string[] =>
  move.actions.map((action) =>
    action.do === "createJob"
      ? `create ${action.job.metadata.name}`
      : action.do === "deleteJob"
        ? `delete ${action.name} ${action.uid}`
        : action.do,
  );

describe("an attempt", () => {
  test("is on record in the pass that creates its Job", () => {
    const move = advance(pending, begun);
    expect(move.step).toMatchObject({
      state: "Running",
      attempt: 1,
      job: "shop-1-warm-1",
      startedAt: "2026-11-21T01:00:00.000Z",
    });
    expect(does(move)).toEqual(["create shop-1-warm-1"]);
  });
  test("whose Job is not there yet is created again under the same name, and says so once", () => {
    const move = advance(running(), begun + 1_000);
    expect(does(move)).toEqual(["create shop-1-warm-1"]);
    // The record changes, so that two controllers with the same old look cannot both do it.
    expect(move.step).toEqual({ ...running(), message: "attempt 1, its Job was created again" });
    expect(advance(move.step, begun + 2_000).step).toEqual(move.step);
  });
  test("whose Job is never there has failed, and is tried again", () => {
    const { step } = advance(running(), begun + 61_000);
    expect(step).toMatchObject({ state: "Waiting", code: "HO-P114", attempt: 1 });
  });
  test("whose Job must not be made again ends when the Job is gone", () => {
    const move = advance(running(), begun + 1_000, {}, { mayRecreate: false });
    expect(move.step).toMatchObject({ state: "Failed", code: "HO-X001" });
    expect(does(move)).toEqual([]);
  });
  test("waits while its Job runs, and while it ends", () => {
    const pod = aPod("p").ofJob("shop-1-warm-1", "u").build();
    for (const found of [
      { job: aJob("shop-1-warm-1").build(), pod },
      { job: aJob("shop-1-warm-1").deleting().build() },
      { pod },
    ]) {
      const move = advance(running(), begun + 2_000, found);
      expect(move.step).toEqual(running());
      expect(does(move)).toEqual([]);
    }
  });
  test("that ended well has its result on record before its Job goes", () => {
    const first = advance(running(), begun + 5_000, done);
    expect(first.step).toMatchObject({
      state: "Done",
      message: "1 results",
      result: { of: [{ step: "warm", files: 1 }] },
      finishedAt: "2026-11-21T01:00:05.000Z",
    });
    expect(does(first)).toEqual([]);
    const second = advance(first.step, begun + 6_000, done);
    expect(second.step).toEqual(first.step);
    expect(does(second)).toEqual(["delete shop-1-warm-1 shop-1-warm-1-uid"]);
  });
  test("that is done is never done again, also when its Job is gone", () => {
    const { step } = advance(running(), begun, done);
    expect(does(advance(step, begun + 86_400_000))).toEqual([]);
  });
});

describe("a failed attempt", () => {
  test.each([
    { name: "that may pass waits ten seconds", attempt: 1, wait: 10_000 },
    { name: "waits longer the second time", attempt: 2, wait: 30_000 },
  ])("$name", ({ attempt, wait }) => {
    const now = begun + 5_000;
    const { step } = advance(running(attempt), now, failed(attempt, true));
    expect(step).toMatchObject({
      state: "Waiting",
      code: "HO-D301",
      retryAt: formatInstant(now + wait),
      message: `attempt ${attempt} failed: no route`,
    });
    // From the record, not from when somebody looked: not a moment sooner or later after a restart.
    expect(does(advance(step, now + wait - 1, failed(attempt, true)))).toEqual([]);
    const next = advance(step, now + wait, failed(attempt, true));
    expect(does(next)).toEqual([`create shop-1-warm-${attempt + 1}`]);
    expect(next.step).toMatchObject({ state: "Running", attempt: attempt + 1 });
    expect(next.step.code).toBeUndefined();
    expect(next.step.retryAt).toBeUndefined();
  });
  test("waits ten minutes at most", () => {
    const { step } = advance(running(9), begun, failed(9, true), { attempts: 20 });
    expect(step.retryAt).toBe(formatInstant(begun + 600_000));
  });
  test("that cannot pass is the last", () => {
    expect(advance(running(), begun, failed(1, false)).step).toMatchObject({
      state: "Failed",
      code: "HO-D301",
      message: "no route",
    });
  });
  test("beyond the last is the last", () => {
    expect(advance(running(3), begun, failed(3, true)).step).toMatchObject({ state: "Failed", code: "HO-D301" });
  });
  test("keeps its Job for whoever reads its log", () => {
    const { step, actions } = advance(running(), begun, failed(1, false));
    expect(actions).toEqual([]);
    expect(does(advance(step, begun + 60_000, failed(1, false)))).toEqual([]);
  });
  test("is followed by the next only when nothing of it runs any more", () => {
    const waiting: StepRecord = { ...running(), state: "Waiting", retryAt: formatInstant(begun) };
    expect(does(advance(waiting, begun + 1, { job: aJob("shop-1-warm-1").deleting().build() }))).toEqual([]);
    expect(does(advance(waiting, begun + 1, { pod: aPod("p").ofJob("shop-1-warm-1", "u").build() }))).toEqual([]);
  });
});

describe("a step that was ended before its Job", () => {
  const stuck = aJob("shop-1-warm-1").build();
  test("because its pod found no place, takes the Job away", () => {
    const move = advance(running(), begun + 120_000, { job: stuck });
    expect(move.step).toMatchObject({ state: "Failed", code: "HO-P114" });
    expect(does(move)).toEqual(["delete shop-1-warm-1 shop-1-warm-1-uid"]);
  });
  test.each(["Failed", "Skipped"] as const)("and is %s takes the Job away in a later pass, too", (state) => {
    const over: StepRecord = { ...running(), state };
    expect(does(advance(over, begun, { job: stuck }))).toEqual(["delete shop-1-warm-1 shop-1-warm-1-uid"]);
    expect(does(advance(over, begun, { job: aJob("shop-1-warm-1").deleting().build() }))).toEqual([]);
    expect(advance(over, begun, { job: stuck }).step).toEqual(over);
  });
});

describe("whoever waits says when to look again", () => {
  const waiting: StepRecord = { ...running(), state: "Waiting", retryAt: formatInstant(begun + 10_000) };
  const alive = aJob("shop-1-warm-1").build();
  const leaving = aJob("shop-1-warm-1").deleting().build();
  test.each<{ name: string; step: StepRecord; now?: number; found?: { job?: Job; pod?: Pod }; wake?: number }>([
    { name: "begun", step: pending, wake: 95_000 },
    { name: "running", step: running(), found: { job: alive }, wake: 95_000 },
    { name: "created again", step: running(), now: begun + 1_000, wake: 95_000 },
    { name: "ending", step: running(), found: { job: leaving }, wake: 1_000 },
    { name: "failed, and tried again", step: running(), found: failed(1, true), wake: 10_000 },
    { name: "until its time has come", step: waiting, now: begun + 3_000, wake: 7_000 },
    { name: "until what runs has ended", step: waiting, now: begun + 20_000, found: { job: leaving }, wake: 1_000 },
    { name: "until what came late has ended", step: waiting, now: begun + 20_000, found: { job: alive }, wake: 1_000 },
    { name: "done", step: { ...running(), state: "Done" } },
    { name: "failed for good", step: running(), found: failed(1, false) },
  ])("$name: $wake", ({ step, now = begun, found, wake }) => {
    expect(advance(step, now, found).wakeAfter).toBe(wake);
  });
});

describe("at the limit", () => {
  test("a Job may be refused for a minute, counted from the start of the attempt", () => {
    expect(does(advance(running(), begun + 59_999))).toEqual(["create shop-1-warm-1"]);
    expect(advance(running(), begun + 60_000).step.state).toBe("Waiting");
  });
  test("an attempt without a start, and a wait without an end, are of now", () => {
    const { startedAt: _startedAt, ...unknown } = running();
    expect(does(advance(unknown, begun))).toEqual(["create shop-1-warm-1"]);
    expect(does(advance({ ...unknown, state: "Waiting" }, begun))).toEqual(["create shop-1-warm-2"]);
  });
  test("the first attempt is not worth a word, the others are", () => {
    const next = { ...running(1), state: "Waiting" as const, code: "HO-D301" as const };
    expect([advance(pending, begun).step.message, advance(next, begun).step.message]).toEqual(["", "attempt 2"]);
  });
  test("the Job that acts upon a plan is no second attempt, and keeps the words of the plan", () => {
    const planned = { ...running(1), state: "Waiting" as const, rounds: 1, message: "3 generations to be removed" };
    expect(advance(planned, begun).step).toMatchObject({ attempt: 2, message: "3 generations to be removed" });
    const failing = { ...running(2), state: "Waiting" as const, rounds: 1, code: "HO-D301" as const };
    expect(advance(failing, begun).step).toMatchObject({ attempt: 3, message: "attempt 2" });
  });
});

describe("what is over", () => {
  const job = aJob("shop-1-warm-1");
  const over = (state: StepRecord["state"]): StepRecord => ({ ...running(), state });
  test.each<{ name: string; state: StepRecord["state"]; job?: Job; acts: boolean }>([
    { name: "done, its Job is going", state: "Done", job: job.deleting().build(), acts: false },
    { name: "done, its Job is there", state: "Done", job: job.condition("Complete").build(), acts: true },
    { name: "failed, its Job has failed", state: "Failed", job: job.condition("Failed").build(), acts: false },
    { name: "failed, its Job has ended well", state: "Failed", job: job.condition("Complete").build(), acts: false },
    {
      name: "failed, its Job is suspended",
      state: "Failed",
      job: job.status({ conditions: [{ type: "Suspended", status: "True" }] }).build(),
      acts: true,
    },
    {
      name: "failed, its Job has not failed",
      state: "Failed",
      job: job.status({ conditions: [{ type: "Failed", status: "False" }] }).build(),
      acts: true,
    },
  ])("$name", ({ state, job: found, acts }) => {
    expect(does(advance(over(state), begun, { job: found }))).toEqual(
      acts ? ["delete shop-1-warm-1 shop-1-warm-1-uid"] : [],
    );
  });

  test.each<[StepRecord["state"], boolean]>([
    ["Pending", false],
    ["Running", false],
    ["Waiting", false],
    ["Done", true],
    ["Skipped", true],
    ["Failed", true],
  ])("%s: %s", (state, expected) => {
    const step = over(state);
    expect(isOver(step)).toBe(expected);
    expect(skip(step, "not needed")).toEqual(expected ? step : { ...step, state: "Skipped", message: "not needed" });
  });
  test("what was never planned is not", () => expect(isOver(undefined)).toBe(false));

  test("results are what is on record, and nothing else", () => {
    const results = [{ version: 1, step: "warm", ok: true, bytes: 1, files: 1 }] as const;
    expect(resultsOf(doneStep("Warm", "", ...results))).toEqual(results);
    for (const result of [undefined, {}, { of: "many" }])
      expect(resultsOf({ ...pending, result } as unknown as StepRecord)).toEqual([]);
    expect(resultsOf(undefined)).toEqual([]);
  });
});
