/** One pass over a run: what is planned, which step may begin, what is skipped, what a cancellation ends. */
import { describe, expect, test } from "@jest/globals";
import type { BackupPolicy, StepRecord } from "../../../operator/api/kinds.ts";
import type { RunDecision } from "../../../operator/decide/run-observation.ts";
import { aJob, aPolicy, aRun, sink } from "../../support/builders.ts";
import { type Steps, names, stepsOf } from "./recorded-steps.ts";
import { type Story, spec, pass, begun, acts } from "./run-passes.ts";

describe("what is planned", () => {
  const plan = (policy: BackupPolicy, run = aRun()): readonly string[] =>
    pass(undefined, { policy, run }).status.steps?.map(({ name }) => name) ?? [];
  const sinkless = (...steps: readonly string[]): readonly string[] => [...steps, "Prune/source"];
  test("everything", () => {
    const decision = pass(undefined, { policy: aPolicy().build(), run: aRun() });
    expect(decision.status.steps?.map(({ name }) => name)).toEqual(names);
    expect(decision.status).toMatchObject({
      policy: spec,
      policyUID: "shop-policy-uid",
      workloads: [{ kind: "Deployment", name: "shop", uid: "shop-uid", replicas: 1 }],
      copies: [
        { location: "source", state: "Missing", required: true },
        { location: "vault", state: "Missing", required: true },
      ],
    });
    // Before anything else, it has to be seen off when it is deleted.
    expect(acts(decision)).toContain("setFinalizers");
  });
  test.each<[string, BackupPolicy, ReturnType<typeof aRun>, readonly string[]]>([
    [
      "without sinks",
      aPolicy().sinks().build(),
      aRun(),
      sinkless("Accept", "Preflight", "Warm", "Quiesce", "Capture", "GiveBack", "Seal"),
    ],
    [
      "without volumes",
      aPolicy().sinks().spec({ volumes: [] }).build(),
      aRun(),
      sinkless("Accept", "Preflight", "Quiesce", "Capture", "GiveBack", "Seal"),
    ],
    [
      "of databases alone",
      aPolicy().sinks().build(),
      aRun().of("Database"),
      sinkless("Accept", "Preflight", "Capture", "Seal"),
    ],
    [
      "of an app that runs on",
      aPolicy().sinks().app({ quiesce: "None" }).build(),
      aRun(),
      sinkless("Accept", "Preflight", "Warm", "Capture", "Seal"),
    ],
  ])("%s", (_what, policy, run, expected) => {
    expect(plan(policy, run)).toEqual(expected);
  });
  test("of an app that is not stopped nothing is held", () => {
    const policy = aPolicy().app({ quiesce: "None" }).build();
    expect(pass(undefined, { policy }).status.workloads).toEqual([]);
  });
  test("for the sinks that the run names", () => {
    const policy = aPolicy()
      .sinks(sink("vault"), sink("attic", { required: false, claim: { claimName: "vault" } }))
      .build();
    const { status } = pass(undefined, { policy, run: aRun().spec({ sinks: ["attic"] }) });
    const after = status.steps?.map(({ name }) => name).filter((name) => name.includes("/"));
    expect(after).toEqual(["Transport/attic", "Verify/attic", "Prune/source", "Prune/attic"]);
    expect(status.copies?.slice(1)).toEqual([{ location: "attic", state: "Missing", required: false }]);
  });
  test("refused, it is over", () => {
    const { status, actions, wakeAfter } = pass(undefined, { policy: undefined });
    expect(status).toMatchObject({ steps: [{ name: "Accept", state: "Failed", code: "HO-P101" }], result: "Failed" });
    expect([actions.length, wakeAfter]).toEqual([1, undefined]);
  });
});

describe("a step begins", () => {
  const ok: Steps = { Accept: "Done", Preflight: "Done", Warm: "Done" };
  const captured: Steps = { ...ok, Quiesce: "Done", Capture: "Done", GiveBack: "Done" };
  const sealed: Steps = { ...captured, Seal: "Done" };
  const full: Omit<StepRecord, "name"> = { state: "Failed", code: "HO-C902", message: "full" };
  const lost: Omit<StepRecord, "name"> = { state: "Failed", code: "HO-T501", message: "lost" };
  test.each<[string, Readonly<Record<string, Steps[string] | undefined>>, readonly string[]]>([
    ["the first after it was accepted", { Accept: "Done" }, ["Preflight"]],
    ["warming after the preflight", { Accept: "Done", Preflight: "Done" }, ["Warm"]],
    ["nothing beside the warming", { ...ok, Warm: "Running" }, []],
    ["the stop after the warming", ok, ["Quiesce"]],
    ["the stop without a warming", { Accept: "Done", Preflight: "Done", Warm: undefined }, ["Quiesce"]],
    ["no stop beside the preflight", { Accept: "Done", Preflight: "Running", Warm: undefined }, []],
    ["the capture without a stop", { ...ok, Quiesce: undefined, GiveBack: undefined }, ["Capture"]],
    [
      "the capture without warming and stop",
      { Accept: "Done", Preflight: "Done", Warm: undefined, Quiesce: undefined, GiveBack: undefined },
      ["Capture"],
    ],
    [
      "no capture beside the preflight",
      { Accept: "Done", Preflight: "Running", Warm: undefined, Quiesce: undefined, GiveBack: undefined },
      [],
    ],
    ["no capture beside the warming", { ...ok, Warm: "Running", Quiesce: undefined, GiveBack: undefined }, []],
    ["the seal after the capture", captured, ["Seal"]],
    ["the transport after the seal", sealed, ["Transport/vault"]],
    [
      "no pruning beside the seal, where there are no sinks",
      {
        ...captured,
        Seal: "Running",
        "Transport/vault": undefined,
        "Verify/vault": undefined,
        "Prune/vault": undefined,
      },
      [],
    ],
    ["nothing beside the transport", { ...sealed, "Transport/vault": "Running" }, []],
    ["the check after the transport", { ...sealed, "Transport/vault": "Done" }, ["Verify/vault"]],
    ["the check at a sink that was too full", { ...sealed, "Transport/vault": full }, ["Verify/vault"]],
    [
      "the check of what was brought beside a generation that is damaged at the source",
      { ...sealed, "Transport/vault": { ...lost, code: "HO-T503" } },
      ["Verify/vault"],
    ],
    [
      "no check at a sink that was not there, and the source is pruned",
      { ...sealed, "Transport/vault": lost, "Verify/vault": "Skipped" },
      ["Prune/source"],
    ],
    [
      "pruning at the source after every check",
      { ...sealed, "Transport/vault": "Done", "Verify/vault": "Done" },
      ["Prune/source"],
    ],
    [
      "nothing beside pruning at the source",
      { ...sealed, "Transport/vault": "Done", "Verify/vault": "Done", "Prune/source": "Running" },
      [],
    ],
    [
      "pruning at the sink after that",
      { ...sealed, "Transport/vault": "Done", "Verify/vault": "Done", "Prune/source": "Done" },
      ["Prune/vault"],
    ],
    [
      "pruning at the sink also when the source's failed",
      { ...sealed, "Transport/vault": "Done", "Verify/vault": "Done", "Prune/source": lost },
      ["Prune/vault"],
    ],
  ])("%s", (_what, states, expected) => {
    const steps = stepsOf(states);
    expect(begun(pass(steps), steps)).toEqual(expected);
  });
  test("but no stop before it can be seen off", () => {
    const steps = stepsOf(ok);
    const decision = pass(steps, { run: aRun() });
    expect(begun(decision, steps)).toEqual([]);
    expect(acts(decision)).toEqual(["setFinalizers"]);
  });
  test("nothing of a run that is refused", () => {
    const steps = stepsOf({ Accept: { state: "Failed", code: "HO-P101", message: "x" } });
    expect(
      pass(steps)
        .status.steps?.slice(1)
        .map(({ state }) => state),
    ).toEqual(names.slice(1).map(() => "Skipped"));
  });
});

describe("what can no longer be done is skipped", () => {
  const failed = (code: StepRecord["code"]): Omit<StepRecord, "name"> => ({
    state: "Failed",
    code: code!,
    message: "x",
  });
  const skipped = (states: Steps, story?: Story): readonly string[] =>
    pass(stepsOf(states), story).status.steps?.flatMap(({ name, state, message }) =>
      state === "Skipped" ? [`${name}: ${message}`] : [],
    ) ?? [];
  test("after a preflight that failed, all of it", () => {
    expect(skipped({ Accept: "Done", Preflight: failed("HO-X001") })).toEqual(
      names.slice(2).map((name) => {
        const before = { "Verify/vault": "Transport/vault", "Prune/vault": "Verify/vault" }[name];
        return `${name}: not done, because ${before === undefined ? "Preflight failed" : `${before} was not done`}`;
      }),
    );
  });
  test("after a stop that failed, all but the giving back", () => {
    const states: Steps = { Accept: "Done", Preflight: "Done", Warm: "Done", Quiesce: failed("HO-S207") };
    expect(skipped(states).map((text) => text.split(":")[0])).toEqual(
      names.filter((name) => !["Accept", "Preflight", "Warm", "Quiesce", "GiveBack"].includes(name)),
    );
  });
  test("after a preflight that failed, the giving back of an app that was not stopped, and nothing of one that was", () => {
    const states: Steps = { Accept: "Done", Preflight: failed("HO-X001"), Warm: "Skipped", Capture: "Skipped" };
    for (const Quiesce of ["Pending", "Skipped"] as const)
      expect(skipped({ ...states, Quiesce })).toContain("GiveBack: not done, because Preflight failed");
    const stopped: Steps = {
      Accept: "Done",
      Preflight: "Done",
      Warm: "Done",
      Quiesce: "Done",
      Capture: failed("HO-X001"),
    };
    expect(skipped(stopped).filter((text) => text.startsWith("GiveBack"))).toEqual([]);
  });
  test("and nothing of what is under way or over", () => {
    const job = { attempt: 1, job: "job", startedAt: "2026-11-21T01:00:00Z" };
    const states: Steps = { Accept: "Done", Preflight: failed("HO-X001"), Warm: { state: "Running", ...job } };
    expect(skipped(states, { jobs: [aJob("job").build()] }).map((text) => text.split(":")[0])).not.toContain("Warm");
  });
  test("pruning at the source waits for no check", () => {
    const done = Object.fromEntries(names.slice(0, 7).map((name) => [name, "Done" as const]));
    const lost: Steps = { ...done, "Transport/vault": failed("HO-T501"), "Verify/vault": "Skipped" };
    expect(skipped(lost).filter((text) => text.startsWith("Prune/source"))).toEqual([]);
  });
  test("after a transport that failed, what follows at that sink", () => {
    const done = Object.fromEntries(names.slice(0, 7).map((name) => [name, "Done" as const]));
    expect(skipped({ ...done, "Transport/vault": failed("HO-T501") })).toEqual([
      "Verify/vault: not done, because Transport/vault was not done",
      "Prune/vault: not done, because Verify/vault was not done",
    ]);
  });
});

describe("cancelled", () => {
  const states: Steps = { Accept: "Done", Preflight: { state: "Running", attempt: 1, job: "job" } };
  const told = (decision: RunDecision): readonly string[] =>
    decision.status.steps?.slice(1, 4).map(({ name, state, code, message }) => `${name} ${state} ${code} ${message}`) ??
    [];
  test("what runs ends, its Job goes, and the rest is skipped", () => {
    const decision = pass(stepsOf(states), { run: aRun().holding().cancelled(), jobs: [aJob("job").build()] });
    expect(told(decision)).toEqual([
      "Preflight Failed HO-X003 cancelled by annotation",
      "Warm Skipped undefined cancelled by annotation",
      "Quiesce Skipped undefined cancelled by annotation",
    ]);
    expect(decision.actions).toEqual([{ do: "deleteJob", name: "job", uid: "job-uid" }]);
  });
  test("a Job that goes already is not told twice, and one that is gone not at all", () => {
    for (const jobs of [[aJob("job").deleting().build()], []])
      expect(acts(pass(stepsOf(states), { run: aRun().holding().cancelled(), jobs }))).not.toContain("deleteJob");
  });
  test("before anything runs, the first that has not begun carries the reason", () => {
    const decision = pass(stepsOf({ Accept: "Done" }), { run: aRun().holding().cancelled() });
    expect(told(decision)[0]).toBe("Preflight Failed HO-X003 cancelled by annotation");
    expect(told(decision)[1]).toBe("Warm Skipped undefined cancelled by annotation");
  });
  test("a failure of its own is not the reason, and is not told as one", () => {
    const lost: Omit<StepRecord, "name"> = { state: "Failed", code: "HO-T501", message: "lost" };
    const before: Steps = Object.fromEntries(names.slice(0, 7).map((name) => [name, "Done" as const]));
    const steps = stepsOf({ ...before, "Transport/vault": lost, "Verify/vault": "Skipped" });
    const { status } = pass(steps, { run: aRun().holding().cancelled() });
    expect(status.steps?.slice(7).map(({ name, state, code }) => `${name} ${state} ${code}`)).toEqual([
      "Transport/vault Failed HO-T501",
      "Verify/vault Skipped undefined",
      "Prune/source Failed HO-X003",
      "Prune/vault Skipped undefined",
    ]);
  });
  test("deleted before it was held back, it is not held back any more", () => {
    expect(acts(pass(stepsOf({ Accept: "Done" }), { run: aRun().deleting() }))).toEqual([]);
  });
  test("by its deletion, and what is over stays as it is", () => {
    const decision = pass(stepsOf({ Accept: "Done", Preflight: "Done" }), { run: aRun().holding().deleting() });
    expect(told(decision)).toEqual([
      "Preflight Done undefined undefined",
      "Warm Failed HO-X003 the run was deleted",
      "Quiesce Skipped undefined the run was deleted",
    ]);
  });
});
