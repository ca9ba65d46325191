/** One pass over a restore: what is planned, which step may begin, what is skipped, when the app is given back. */
import { describe, expect, test } from "@jest/globals";
import { app, down } from "../../support/app-states.ts";
import { aJob, aPolicy, aRestore, aRun, aWorkload, sink } from "../../support/builders.ts";
import {
  type States,
  type Story,
  acts,
  begun,
  failed,
  held,
  isDown,
  own,
  pass,
  staged,
  stepOf,
} from "./restore-passes.ts";

const policy = aPolicy().build();
describe("accepted", () => {
  test("all steps are ahead", () => {
    const decision = pass(undefined, { policy });
    expect(decision.status).toMatchObject({
      policy: policy.spec,
      policyUID: "shop-policy-uid",
      workloads: [{ kind: "Deployment", name: "shop", uid: "shop-uid", replicas: 1 }],
      steps: [
        { name: "Accept", state: "Done" },
        { name: "Plan", state: "Running" },
        { name: "Stage", state: "Pending" },
        { name: "Quiesce", state: "Pending" },
        { name: "Swap", state: "Pending" },
        { name: "GiveBack", state: "Pending" },
        { name: "Cleanup", state: "Pending" },
      ],
    });
    expect(acts(decision)).toEqual(["createJob"]);
  });
  test("it has to be seen off when it is deleted, which is said first", () => {
    expect(acts(pass(undefined, { policy, request: aRestore() }))).toEqual(["setFinalizers", "createJob"]);
    expect(acts(pass({ Accept: "Done" }, { request: aRestore().deleting() }))).not.toContain("setFinalizers");
  });
  test.each<[string, Story, string]>([
    ["without a policy", {}, "HO-P101"],
    [
      "of a database that the policy does not have",
      { policy, request: held(aRestore().spec({ include: { databases: ["shop", "moon"] } })) },
      "HO-R805",
    ],
    [
      "of a volume that the policy does not have",
      { policy, request: held(aRestore().spec({ include: { volumes: ["moon"] } })) },
      "HO-R805",
    ],
    [
      "from a sink that the policy does not have",
      { policy, request: held(aRestore().spec({ from: { location: "moon" } })) },
      "HO-P112",
    ],
  ])("refused %s", (_what, story, code) => {
    const decision = pass(undefined, story);
    expect(decision.status).toMatchObject({ result: "Failed", steps: [{ name: "Accept", state: "Failed", code }] });
    expect(acts(decision)).toEqual(["setFinalizers"]);
  });
  test.each<[string, Story]>([
    [
      "of parts that it has",
      { policy, request: held(aRestore().spec({ include: { databases: ["shop"], volumes: ["uploads"] } })) },
    ],
    ["from the source", { policy, request: held(aRestore().spec({ from: { location: "source" } })) }],
    ["from a sink", { policy, request: held(aRestore().spec({ from: { location: "vault" } })) }],
  ])("not refused %s", (_what, story) => {
    expect(stepOf(pass(undefined, story), "Accept")?.state).toBe("Done");
  });
  test("finished, it changes nothing more, and lets go", () => {
    const request = held(aRestore()).finished();
    const decision = pass(undefined, { request });
    expect(decision).toMatchObject({ status: request.build().status!, events: [] });
    expect(acts(decision)).toEqual(["setFinalizers"]);
    expect(acts(pass(undefined, { request: aRestore().finished() }))).toEqual([]);
  });
});

describe("a step begins", () => {
  const quiesced: States = { Accept: "Done", Plan: "Done", Stage: staged, Quiesce: "Done" };
  const swapped: States = { ...quiesced, Swap: "Done" };
  test.each<[string, States, Story, readonly string[]]>([
    ["the plan", { Accept: "Done" }, {}, ["Plan"]],
    ["nothing beside the plan", { Accept: "Done", Plan: "Running" }, {}, []],
    ["staging after the plan", { Accept: "Done", Plan: "Done" }, {}, ["Stage"]],
    [
      "nothing after a plan that is to be read first",
      { Accept: "Done", Plan: "Done" },
      { request: held(aRestore().planOnly()) },
      [],
    ],
    ["no staging before it can be seen off", { Accept: "Done", Plan: "Done" }, { request: aRestore() }, []],
    ["the stop after the staging", { Accept: "Done", Plan: "Done", Stage: staged }, {}, ["Quiesce"]],
    ["nothing beside the staging", { Accept: "Done", Plan: "Done", Stage: { state: "Running", attempt: 1 } }, {}, []],
    ["the exchange when the app is down and its hold is closed", quiesced, isDown, ["Swap"]],
    ["no exchange while the hold is open", quiesced, { ...isDown, seen: down({ holders: [own] }) }, []],
    [
      "no exchange beside the stop",
      { ...quiesced, Quiesce: { state: "Running", startedAt: "2026-11-21T00:59:00Z" } },
      { ...isDown, seen: app(aWorkload().replicas(3).build()) },
      [],
    ],
    ["the giving back after the exchange", swapped, isDown, ["GiveBack"]],
    ["the cleanup when the app runs again", { ...swapped, GiveBack: "Done" }, {}, ["Cleanup"]],
    ["no cleanup while the app is given back", { ...swapped, GiveBack: "Running" }, isDown, []],
    [
      "the cleanup of what was staged in vain",
      { Accept: "Done", Plan: "Done", Stage: failed("HO-R803") },
      {},
      ["Cleanup"],
    ],
    [
      "the cleanup after a stop that failed, when the app is back",
      { Accept: "Done", Plan: "Done", Stage: staged, Quiesce: failed("HO-S207"), Swap: "Skipped", GiveBack: "Done" },
      {},
      ["Cleanup"],
    ],
    [
      "the cleanup after that also when it is not back",
      {
        Accept: "Done",
        Plan: "Done",
        Stage: staged,
        Quiesce: failed("HO-S207"),
        Swap: "Skipped",
        GiveBack: failed("HO-X001"),
      },
      {},
      ["Cleanup"],
    ],
    [
      "no cleanup after that before",
      { Accept: "Done", Plan: "Done", Stage: staged, Quiesce: failed("HO-S207"), Swap: "Skipped", GiveBack: "Running" },
      isDown,
      [],
    ],
    [
      "the cleanup after an exchange that was refused",
      { ...quiesced, Swap: failed("HO-R807"), GiveBack: "Done" },
      {},
      ["Cleanup"],
    ],
  ])("%s", (_what, states, story, expected) => {
    expect(begun(pass(states, story), states)).toEqual(expected);
  });
  test("no cleanup beside a Job that may still write", () => {
    const states: States = { Accept: "Done", Plan: "Done", Stage: failed("HO-R803", { job: "job" }) };
    const decision = pass(states, { jobs: [aJob("job").deleting().build()] });
    expect(begun(decision, states)).toEqual([]);
    expect(decision.wakeAfter).toBe(1_000);
  });
  test("an exchange is looked at twice a second, for whoever starts the app meanwhile", () => {
    const running: States = {
      ...quiesced,
      Swap: { state: "Running", attempt: 1, job: "job", startedAt: "2026-11-21T00:59:40Z" },
    };
    const jobs = [aJob("job").build()];
    expect(pass(running, { ...isDown, jobs }).wakeAfter).toBe(500);
    const seen = app(aWorkload().replicas(3).meta({ generation: 3 }).build(), { holders: [own] });
    expect(stepOf(pass(running, { ...isDown, seen, jobs }), "Swap")).toMatchObject({
      state: "Running",
      code: "HO-R808",
      message: "Deployment shop was scaled to 3",
    });
  });
});

describe("staging after a plan that waited for a person", () => {
  const states: States = { Accept: "Done", Plan: "Done" };
  const others = {
    run: aRun("other").accepted(),
    restore: aRestore("other").accepted().meta({ uid: "a-uid" }),
  };
  test.each<[string, Story, string | undefined]>([
    ["a run that is active", { runs: [others.run.build()] }, "other of this policy is active"],
    ["not of a run that is over", { runs: [aRun("other").finished("Complete").build()] }, undefined],
    ["not of a run that waits itself", { runs: [aRun("other").build()] }, undefined],
    ["a restore that came before", { siblings: [others.restore.build()] }, "other of this policy is active"],
    ["not of one that came later", { siblings: [others.restore.meta({ uid: "z-uid" }).build()] }, undefined],
    ["not of a plan", { siblings: [others.restore.planOnly().build()] }, undefined],
    ["not of one that is over", { siblings: [aRestore("other").finished().meta({ uid: "a-uid" }).build()] }, undefined],
    ["not of one that waits itself", { siblings: [aRestore("other").meta({ uid: "a-uid" }).build()] }, undefined],
  ])("is refused because of %s", (_what, story, message) => {
    const stage = stepOf(pass(states, story), "Stage");
    expect(stage).toMatchObject(
      message === undefined ? { state: "Running" } : { state: "Failed", code: "HO-R806", message },
    );
  });
  test("is not refused before it is allowed, or once it has begun", () => {
    const runs = [others.run.build()];
    expect(stepOf(pass(states, { runs, request: held(aRestore().planOnly()) }), "Stage")?.state).toBe("Pending");
    expect(stepOf(pass({ Accept: "Done", Plan: "Running" }, { runs }), "Stage")?.state).toBe("Pending");
    expect(stepOf(pass({ ...states, Stage: "Running" }, { runs }), "Stage")?.state).toBe("Running");
  });
});

describe("what can no longer be done is skipped", () => {
  const skipped = (states: States, story: Story = {}): readonly string[] =>
    pass(states, story).status.steps?.flatMap(({ name, state, message }) =>
      state === "Skipped" ? [`${name}: ${message}`] : [],
    ) ?? [];
  const done: States = { Accept: "Done", Plan: "Done", Stage: staged, Quiesce: "Done" };
  test.each<[string, States, readonly string[]]>([
    [
      "after a plan that failed",
      { Accept: "Done", Plan: failed("HO-X001") },
      ["Stage", "Quiesce", "Swap", "GiveBack", "Cleanup"].map((name) => `${name}: not done, because Plan failed`),
    ],
    [
      "after staging that failed, all but the cleanup",
      { Accept: "Done", Plan: "Done", Stage: failed("HO-R803") },
      ["Quiesce", "Swap", "GiveBack"].map((name) => `${name}: not done, because Stage failed`),
    ],
    [
      "after staging that never began",
      { Accept: "Done", Plan: "Done", Stage: failed("HO-R803", { attempt: undefined }) },
      ["Quiesce", "Swap", "GiveBack", "Cleanup"].map((name) => `${name}: not done, because Stage failed`),
    ],
    [
      "after a stop that failed, the exchange",
      { ...done, Quiesce: failed("HO-S207") },
      ["Swap: not done, because Quiesce failed"],
    ],
    [
      "after an app that did not come back, the cleanup",
      { ...done, Swap: "Done", GiveBack: failed("HO-X001") },
      ["Cleanup: what was replaced is kept, because the app is not ready on the restored state"],
    ],
    [
      "after a disturbance, the cleanup",
      { ...done, Swap: { state: "Done", code: "HO-R808", message: "x" } },
      ["Cleanup: what was replaced is kept, because the app ran during the exchange"],
    ],
    [
      "after half an exchange, the cleanup",
      { ...done, Swap: failed("HO-X001") },
      ["Cleanup: what was replaced is kept, because the exchange is not known to be complete"],
    ],
    ["of one that goes well, nothing", { ...done, Swap: "Done", GiveBack: "Done" }, []],
    [
      "whatever is called failed of an app that was touched, never the giving back",
      { ...done, Stage: failed("HO-R803") },
      [],
    ],
    ["while the app comes back, nothing", { ...done, Swap: "Done", GiveBack: "Running" }, []],
    ["after an exchange that was refused, nothing", { ...done, Swap: failed("HO-R807") }, []],
  ])("%s", (_what, states, expected) => {
    expect(skipped(states, isDown)).toEqual(expected);
  });
});

test("sinks of the policy are places to restore from", () => {
  const many = aPolicy()
    .sinks(sink("vault"), sink("attic", { claim: { claimName: "vault" } }))
    .build();
  const request = held(aRestore().spec({ from: { location: "attic" } }));
  expect(stepOf(pass(undefined, { policy: many, request }), "Accept")?.state).toBe("Done");
});
