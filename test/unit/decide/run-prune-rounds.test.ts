/** A prune in rounds: what the end of its Job makes of the step, what goes on record of a plan, and when its Job has to go. */
import { describe, expect, test } from "@jest/globals";
import type { RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { ResultOf } from "../../../operator/contract/result.ts";
import {
  followPlan,
  mindsHolds,
  recordPlan,
  removePlanner,
  waitingPlans,
} from "../../../operator/decide/prune-rounds.ts";
import type { StepMove } from "../../../operator/decide/step.ts";
import { aJob, aPod, at } from "../../support/builders.ts";

type PlanRecord = NonNullable<RunStatus["retention"]>[number];

const digest = "0123456789abcdef".repeat(4);
const now = at("02:00");
const moment = "2026-11-21T02:00:00.000Z";
const result = (change: Partial<ResultOf<"prune">> = {}): ResultOf<"prune"> => ({
  version: 1,
  ok: true,
  step: "prune",
  location: { name: "vault", uuid: "u", generations: 1, verified: 1, bytes: 1, freeBytes: 1 },
  settled: [],
  pending: 0,
  removed: [],
  kept: [],
  ...change,
});
const plan = { digest, removes: 2 };
const running: StepRecord = { name: "Prune/vault", state: "Running", attempt: 1, job: "planner" };
const done: StepRecord = {
  ...running,
  state: "Done",
  finishedAt: moment,
  message: "1 generation kept, 0 removed",
  result: { of: [] },
};
const endOf = (of: ResultOf<"prune">, step = done): StepMove => ({
  step,
  actions: [],
  job: { is: "succeeded", pod: aPod("p").build(), results: [of] },
});

describe("the end of a Job", () => {
  test("that has only planned is the beginning of the next round", () => {
    const move = followPlan(running, endOf(result({ plan })), now);
    expect(move).toMatchObject({ actions: [], wakeAfter: 0 });
    expect(move.step).toEqual({
      name: "Prune/vault",
      state: "Waiting",
      attempt: 1,
      job: "planner",
      approved: digest,
      rounds: 1,
      retryAt: moment,
      message: "2 generations to be removed, plan 0123456789ab",
    });
  });
  test("names one generation as one", () => {
    const move = followPlan(running, endOf(result({ plan: { digest, removes: 1 } })), now);
    expect(move.step.message).toBe("1 generation to be removed, plan 0123456789ab");
  });
  const after = (rounds: number | undefined): StepRecord =>
    followPlan({ ...running, ...(rounds && { rounds }) }, endOf(result({ plan })), now).step;
  test("four times it is the beginning of another round, and then it has failed", () => {
    expect(after(undefined)).toMatchObject({ state: "Waiting", rounds: 1 });
    expect(after(3)).toMatchObject({ state: "Waiting", rounds: 4 });
    expect(after(4)).toMatchObject({
      state: "Failed",
      code: "HO-K704",
      message: "5 plans were made, and none could be acted upon",
      finishedAt: moment,
    });
    expect(after(4)).not.toHaveProperty("result");
  });
  test.each<[number | undefined, StepRecord["state"]]>([
    [undefined, "Waiting"],
    [8, "Waiting"],
    [9, "Failed"],
  ])("in a cluster that forgets the rounds, because its kinds are older, attempt %s: %s", (attempt, state) => {
    const { attempt: _attempt, ...before } = running;
    const step = attempt === undefined ? before : { ...before, attempt };
    expect(followPlan(step, endOf(result({ plan })), now).step.state).toBe(state);
  });
  test.each<[string, StepRecord, StepMove]>([
    ["that had nothing to remove", running, endOf(result())],
    ["that was refused", running, endOf(result({ plan, refused: "HO-K701: too many" }))],
    ["that was on record already", done, endOf(result({ plan }))],
    ["that goes on", running, endOf(result({ plan }), running)],
    ["that failed", running, { step: { ...done, state: "Failed" }, actions: [], job: { is: "absent" } }],
    ["of which no Job tells", running, { step: done, actions: [], job: { is: "absent" } }],
  ])("%s is left as it is", (_name, before, move) => {
    expect(followPlan(before, move, now)).toBe(move);
  });
});

describe("a plan on record", () => {
  const recorded = (status: RunStatus, of: ResultOf<"prune">): PlanRecord =>
    recordPlan(status, running, endOf(of), now).retention!.at(-1)!;
  const remove = [{ id: "a", why: "beyond last 2" }];

  test.each<[PlanRecord["state"], Partial<ResultOf<"prune">>]>([
    ["Done", {}],
    ["Planned", { plan }],
    ["Refused", { refused: "HO-K702: a doubt" }],
    ["Waiting", { plan, refused: "HO-K701: too many" }],
  ])("is %s", (state, change) => {
    expect(recorded({}, result(change)).state).toBe(state);
  });
  test("has what is to go, what stays, and why", () => {
    const kept = [
      { why: "last 2", since: 1, ranges: "8-9" },
      { why: "daily 14", since: 3, ranges: "3-7" },
    ];
    expect(recorded({}, result({ plan, remove, kept }))).toEqual({
      location: "vault",
      state: "Planned",
      plannedAt: moment,
      removes: 2,
      digest,
      remove,
      kept: [
        { why: "last 2", sequences: "8-9" },
        { why: "daily 14", sequences: "3-7", since: 3 },
      ],
    });
  });
  test("of nothing to go says so", () => {
    expect(recorded({}, result())).toEqual({
      location: "vault",
      state: "Done",
      plannedAt: moment,
      removes: 0,
      remove: [],
      kept: [],
    });
  });

  const known: PlanRecord = {
    location: "vault",
    state: "Planned",
    plannedAt: "2026-11-21T01:00:00.000Z",
    digest,
    removes: 2,
    remove,
    kept: [],
  };
  const carriedOut = result({ removed: remove });
  test("once carried out, is still the plan that was", () => {
    expect(recorded({ retention: [known] }, carriedOut)).toEqual({ ...known, state: "Done" });
  });
  test("of an older release, which knew less, is taken as it is", () => {
    const bare: PlanRecord = { location: "vault", state: "Planned" };
    expect(recorded({ retention: [bare] }, carriedOut)).toStrictEqual({ location: "vault", state: "Done", kept: [] });
  });
  test.each<[string, RunStatus, ResultOf<"prune">]>([
    ["nothing was removed", { retention: [known] }, result()],
    ["it was not on record", {}, carriedOut],
    ["it was carried out before", { retention: [{ ...known, state: "Done" }] }, carriedOut],
    ["that of another place was", { retention: [{ ...known, location: "source" }] }, carriedOut],
    ["it was refused", { retention: [known] }, result({ removed: remove, refused: "HO-K702: a doubt" })],
  ])("is none of before when %s", (_name, status, of) => {
    expect(recorded(status, of)).toMatchObject({ plannedAt: moment, removes: 0, remove: [] });
  });
  test("of other places stays", () => {
    const source: PlanRecord = { location: "source", state: "Done" };
    const { retention } = recordPlan({ retention: [known, source] }, running, endOf(result()), now);
    expect(retention?.map(({ location, state }) => `${location} ${state}`)).toEqual(["source Done", "vault Done"]);
  });
  test("knows each generation that came back once, the latest twenty", () => {
    const status: RunStatus = { retention: [{ ...known, tookBack: ["a", "b"] }] };
    expect(recorded(status, result({ tookBack: ["b", "c"] })).tookBack).toEqual(["a", "b", "c"]);
    expect(recorded(status, result()).tookBack).toEqual(["a", "b"]);
    expect(recorded({}, result({ tookBack: ["c"] })).tookBack).toEqual(["c"]);
    expect(recorded({}, result())).not.toHaveProperty("tookBack");
    const many = Array.from({ length: 20 }, (_, index) => `x${index}`);
    expect(recorded(status, result({ tookBack: many })).tookBack).toEqual(many);
  });
  test.each<[string, StepRecord, StepMove]>([
    ["while the Job runs", running, endOf(result({ plan }), running)],
    ["when it is already", done, endOf(result({ plan }))],
    ["when the Job has failed", running, { step: { ...done, state: "Failed" }, actions: [], job: { is: "absent" } }],
  ])("is not written %s", (_name, before, move) => {
    const status: RunStatus = { retention: [known] };
    expect(recordPlan(status, before, move, now)).toBe(status);
  });
});

describe("the Job that has planned", () => {
  const waiting: StepRecord = { ...running, state: "Waiting", approved: digest };
  const planner = aJob("planner").build();
  const jobs = new Map([["planner", planner]]);
  test("goes before the next one comes", () => {
    expect(removePlanner(waiting, { jobs })).toEqual({ do: "deleteJob", name: "planner", uid: "planner-uid" });
  });
  test.each<[string, StepRecord, ReturnType<typeof aJob>?]>([
    ["goes already", waiting, aJob("planner").deleting()],
    ["is gone", waiting, aJob("other")],
    ["is not known", { name: "Prune/vault", state: "Waiting", approved: digest }],
    ["runs", { ...waiting, state: "Running" }],
    ["has failed, and is tried again", { ...waiting, code: "HO-K703" }],
    ["made no plan", { ...running, state: "Waiting" }],
  ])("is left alone when it %s", (_name, step, job = aJob("planner")) => {
    const made = job.build();
    expect(removePlanner(step, { jobs: new Map([[made.metadata.name, made]]) })).toBeUndefined();
  });
});

describe("what people hold in other runs matters", () => {
  test.each<[string, readonly StepRecord[], boolean]>([
    ["before the preflight", [{ name: "Preflight", state: "Pending" }], true],
    ["while it runs", [{ name: "Preflight", state: "Running" }], true],
    ["not after it", [{ name: "Preflight", state: "Done" }], false],
    ["not while it is captured", [{ name: "Capture", state: "Running" }], false],
    ["not before the seal", [{ name: "Seal", state: "Running" }, running], false],
    ["nor before anything is sealed", [{ name: "Seal", state: "Failed" }, running], false],
    ["nor by a step that is done", [{ name: "Warm", state: "Done" }, running], false],
    ["while something may be pruned", [{ name: "Seal", state: "Done" }, running], true],
    [
      "not while it is brought over",
      [
        { name: "Seal", state: "Done" },
        { name: "Verify/vault", state: "Running" },
      ],
      false,
    ],
    ["not when all is pruned", [{ name: "Seal", state: "Done" }, done], false],
  ])("%s", (_name, steps, does) => {
    expect(mindsHolds({ steps: [...steps] })).toBe(does);
  });
  test("not for a run that has not begun", () => {
    expect([mindsHolds(), mindsHolds({})]).toEqual([false, false]);
  });
});

test("what people type acknowledges every plan that waits, each once", () => {
  const of = (location: string, state: PlanRecord["state"], letter?: string): PlanRecord => ({
    location,
    state,
    ...(letter === undefined ? {} : { digest: letter.repeat(64) }),
  });
  const [a, b] = ["a".repeat(12), "b".repeat(12)];
  expect(waitingPlans({ retention: [of("source", "Waiting", "b"), of("vault", "Waiting", "a")] })).toBe(`${b},${a}`);
  expect(waitingPlans({ retention: [of("source", "Waiting", "a"), of("vault", "Waiting", "a")] })).toBe(a);
  expect(waitingPlans({ retention: [of("source", "Planned", "b"), of("vault", "Waiting")] })).toBeUndefined();
  expect(waitingPlans({})).toBeUndefined();
});
