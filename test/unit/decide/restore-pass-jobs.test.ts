/** What a pass over a restore hands on to its Jobs and to its hold, and what moves a step that has begun. */
import { describe, expect, test } from "@jest/globals";
import type { RestoreStatus } from "../../../operator/api/kinds.ts";
import type { MoverSuccess } from "../../../operator/contract/result.ts";
import type { Decision, JobManifest } from "../../../operator/decide/decision.ts";
import { parseRecord } from "../../../operator/decide/record.ts";
import { app, down, held as workloads, stopped } from "../../support/app-states.ts";
import { aJob, aPod, aRestore, aWorkload, anApp } from "../../support/builders.ts";
import { tasksOf } from "../../support/job-views.ts";
import {
  type State,
  type States,
  begun,
  failed,
  held,
  isDown,
  own,
  pass,
  staged,
  stepOf,
  times,
} from "./restore-passes.ts";

const plan: MoverSuccess = {
  version: 1,
  ok: true,
  step: "plan",
  id: "000007-20261121T010203Z-full",
  location: "vault",
  sealedAt: "2026-11-21T01:05:00Z",
  manifestSHA256: "abc",
  bytes: 1024,
  replaces: [],
  warnings: [],
};
const planned: States = { Accept: "Done", Plan: { state: "Done", attempt: 1, result: { of: [plan] } } };
const quiesced: States = { ...planned, Stage: staged, Quiesce: "Done" };
const swapped: States = { ...quiesced, Swap: "Done", GiveBack: "Done" };
const back = app(aWorkload().replicas(3).build());
const jobIn = ({ actions }: Decision<RestoreStatus>): JobManifest => {
  const [action] = actions.filter((one) => one.do === "createJob");
  if (action === undefined) throw new Error("no Job is made");
  return action.job;
};
const running = (job = "job"): State => ({ state: "Running", attempt: 1, job, startedAt: "2026-11-21T00:59:40Z" });
const ending = aJob("job").deleting().build();

describe("a Job is told", () => {
  test("what was planned, of which policy", () => {
    expect(tasksOf(jobIn(pass(planned)))).toMatchObject([
      { step: "stage", id: plan.id, manifestSHA256: "abc", location: { name: "vault" }, policyUID: "shop-policy-uid" },
    ]);
  });
  test.each<[string, States, boolean]>([
    ["that the exchange was done", swapped, true],
    ["that it was not", { ...quiesced, Swap: failed("HO-R807"), GiveBack: "Done" }, false],
  ])("when it cleans up, %s", (_what, states, expected) => {
    expect(tasksOf(jobIn(pass(states)))).toMatchObject([{ step: "cleanup", swapped: expected }]);
  });
});

describe("tries", () => {
  /** The cluster has refused its Job for two minutes. */
  const lost = (attempt: number, name: string, states: States): Decision<RestoreStatus> =>
    pass({ ...states, [name]: { state: "Running", attempt, job: "job", startedAt: "2026-11-21T00:58:00Z" } });
  test.each<[string, States, number]>([
    ["Plan", { Accept: "Done" }, 3],
    ["Stage", planned, 2],
    ["Cleanup", swapped, 3],
  ])("of %s", (name, states, attempts) => {
    const before = lost(attempts - 1, name, states);
    expect(stepOf(before, name)?.state).toBe("Waiting");
    expect(before.wakeAfter).toBe(10_000 * 3 ** (attempts - 2));
    expect(stepOf(lost(attempts, name, states), name)?.state).toBe("Failed");
  });
});

describe("a step that has begun goes on", () => {
  test("although the request is a mere plan again", () => {
    const request = held(aRestore().planOnly());
    const result = { version: 1 as const, ok: true as const, step: "stage", bytes: 1, files: 2, rows: 3, seconds: 1 };
    const pod = aPod("pod")
      .ofJob("job", "back-uid", "job-uid")
      .ended({ name: "stage", exitCode: 0, message: JSON.stringify(result) });
    const jobs = [aJob("job").condition("Complete").build()];
    const seen = anApp({ pods: [pod.build()] });
    expect(stepOf(pass({ ...planned, Stage: running() }, { request, jobs, seen }), "Stage")?.state).toBe("Done");
  });
  test("beside pods that say nothing of themselves", () => {
    const { labels: _labels, ...metadata } = aPod("bare").build().metadata;
    const seen = anApp({ pods: [{ ...aPod("bare").build(), metadata }] });
    const story = { seen, jobs: [aJob("job").build()] };
    expect(stepOf(pass({ ...planned, Stage: running() }, story), "Stage")?.state).toBe("Running");
  });
  test("without looking every moment, but for the exchange", () => {
    expect(pass({ ...planned, Stage: running() }, { jobs: [aJob("job").build()] }).wakeAfter).toBe(95_000);
  });
});

describe("an app that runs disturbs", () => {
  const seen = app(aWorkload().replicas(3).meta({ generation: 3 }).build(), { holders: [own] });
  const story = { seen, status: { workloads: stopped, times }, jobs: [aJob("job").build()] };
  test.each<[string, States, string]>([
    ["no staging", { ...planned, Stage: running() }, "Stage"],
    ["no exchange that is over", { ...quiesced, Swap: "Done", GiveBack: running() }, "Swap"],
  ])("%s", (_what, states, name) => {
    expect(stepOf(pass(states, story), name)).not.toHaveProperty("code");
  });
});

describe("a Job that takes its time to go", () => {
  const gone: State = { state: "Done", attempt: 1, job: "job" };
  test("of the staging does not keep the app from being stopped", () => {
    const states: States = { ...planned, Stage: gone };
    expect(begun(pass(states, { jobs: [ending] }), states)).toEqual(["Quiesce"]);
  });
  test("of an exchange that is done does not keep the app from coming back", () => {
    const states: States = { ...quiesced, Swap: gone };
    expect(begun(pass(states, { ...isDown, jobs: [ending] }), states)).toEqual(["GiveBack"]);
  });
});

describe("the hold", () => {
  const stopping: States = {
    ...planned,
    Stage: staged,
    Quiesce: { state: "Running", startedAt: "2026-11-21T00:59:59Z" },
  };
  test("is that of a restore: an exchange shares with nobody", () => {
    const { actions } = pass(stopping, { seen: back, status: { workloads } });
    const [action] = actions;
    const record = action?.do === "createRecord" ? action.record : undefined;
    expect(parseRecord(record as Parameters<typeof parseRecord>[0])?.holders).toMatchObject([
      { kind: "RestoreRequest", name: "back", uid: "back-uid" },
    ]);
  });
  test("is let go in the very pass after a stop that failed", () => {
    const states: States = { ...planned, Stage: staged, Quiesce: failed("HO-S207") };
    const seen = down({ holders: [own] });
    const decision = pass(states, { seen, status: { workloads: stopped, times } });
    expect(decision.actions).toMatchObject([{ do: "updateRecord" }]);
    expect(begun(decision, states)).toEqual(["GiveBack"]);
  });
  test.each<[string, ReturnType<typeof held>, string]>([
    ["is over when the app is ready", held(), "Waiting"],
    ["is over with the replicas for a request that leaves", held(aRestore()).deleting(), "Done"],
  ])("%s", (_what, request, state) => {
    const giving: States = { ...quiesced, Swap: "Done", GiveBack: running() };
    const slow = app(aWorkload().replicas(3).ready(0).build());
    const decision = pass(giving, { request, seen: slow, status: { workloads: stopped, times } });
    expect(stepOf(decision, "GiveBack")?.state).toBe(state);
  });
});

test("steps on record without a policy are a mistake of ours, and nothing is done", () => {
  expect(() => pass({ Accept: "Done" }, { status: { policy: undefined as never } })).toThrow(
    "steps without a policy on record",
  );
});
