/** What a pass over a restore tells in events, when it lets its request go, and what it takes for a cancellation. */
import { describe, expect, test } from "@jest/globals";
import { annotations, finalizer } from "../../../operator/api/names.ts";
import { app } from "../../support/app-states.ts";
import { aJob, aPod, aPolicy, aRestore, aRun, aWorkload, anApp, anAutoscaler } from "../../support/builders.ts";
import { type States, acts, failed, held, isDown, pass, staged, stepOf } from "./restore-passes.ts";

const policy = aPolicy().build();
const reasons = ({ events }: ReturnType<typeof pass>): readonly string[] => events.map(({ reason }) => reason);
const allDone: States = {
  Accept: "Done",
  Plan: "Done",
  Stage: staged,
  Quiesce: "Done",
  Swap: "Done",
  GiveBack: "Done",
  Cleanup: "Done",
};

describe("an app that a tool may start again", () => {
  const tracked = aWorkload().annotated("argocd.argoproj.io/tracking-id", "web:apps/Deployment:shop/shop");
  const seen = anApp({ workloads: [tracked.build()] });
  test("is warned of when the restore is accepted, and not again", () => {
    const accepted = pass(undefined, { policy, seen });
    expect(accepted.events).toMatchObject([{ type: "Warning", reason: "GitOpsReverts" }]);
    expect(stepOf(accepted, "Accept")?.message).toContain("Argo CD: add to Application web");
    expect(reasons(pass({ Accept: "Done", Plan: "Done" }, { policy, seen }))).toEqual([]);
  });
  test("is not when it is refused: nothing will be stopped", () => {
    const request = held(aRestore().spec({ include: { databases: ["moon"] } }));
    expect(reasons(pass(undefined, { policy, seen, request }))).not.toContain("GitOpsReverts");
  });
  test("is not when nothing of the kind is seen", () => {
    expect(reasons(pass(undefined, { policy }))).toEqual([]);
  });
});

describe("the end", () => {
  test("is told, and the request may go, without another look", () => {
    const request = held(aRestore()).meta({ finalizers: ["of/others", finalizer] });
    const decision = pass(allDone, { request });
    expect(decision.events).toEqual([
      { type: "Normal", reason: "RestoreComplete", message: "the restored state is in place" },
    ]);
    expect(decision.actions).toEqual([{ do: "setFinalizers", finalizers: ["of/others"] }]);
    expect(decision.wakeAfter).toBeUndefined();
  });
  test("of one that is not held back is told alone", () => {
    const decision = pass(allDone, { request: aRestore().deleting() });
    expect([acts(decision), decision.status.result]).toEqual([[], "Complete"]);
  });
  test("of a failure is told with what to do, and each step that failed", () => {
    const skipped: States = {
      Stage: "Skipped",
      Quiesce: "Skipped",
      Swap: "Skipped",
      GiveBack: "Skipped",
      Cleanup: "Skipped",
    };
    const decision = pass({ Accept: "Done", Plan: failed("HO-X001"), ...skipped });
    expect(decision.events).toMatchObject([{ type: "Warning", reason: "RestoreFailed" }]);
    expect(decision.events[0]?.message).toContain("HO-X001 x.");
  });
  test("is not reached while one step is open", () => {
    const decision = pass(
      { ...allDone, Cleanup: { state: "Running", attempt: 1, job: "job" } },
      { jobs: [aJob("job").build()] },
    );
    expect([acts(decision), decision.status.result]).toEqual([[], ""]);
  });
});

describe("a restore is", () => {
  const taken = { app: anApp({ pods: [aPod("cron").meta({ labels: {} }).mounting("shop-uploads").build()] }) };
  const woken = anApp({ autoscalers: [anAutoscaler("shop", 0)] });
  test.each<[string, ReturnType<typeof aPolicy>, ReturnType<typeof anApp>, string | undefined]>([
    ["refused where its app cannot be stopped", aPolicy(), woken, "HO-S205"],
    ["also when the runs of its policy do not stop it", aPolicy().app({ quiesce: "None" }), woken, "HO-S205"],
    ["refused beside a stranger at its claims", aPolicy().workloads(), taken.app, "HO-S206"],
    ["not where there is nothing to stop", aPolicy().app({ quiesce: "None", workloads: [] }), taken.app, undefined],
  ])("%s", (_what, of, seen, code) => {
    expect(stepOf(pass(undefined, { policy: of.build(), seen }), "Accept")?.code).toBe(code);
  });
  test("refused beside a run, or an older restore", () => {
    const code = (story: Parameters<typeof pass>[1]): string | undefined =>
      stepOf(pass(undefined, { policy, ...story }), "Accept")?.code;
    expect(code({ runs: [aRun().accepted().build()] })).toBe("HO-R806");
    const older = aRestore("other").created("2026-11-21T00:59:59Z");
    expect(code({ siblings: [older.build()] })).toBe("HO-R806");
    expect(code({ siblings: [older.created("2026-11-21T01:00:01Z").build()] })).toBeUndefined();
  });
  test("told which of its parts are not there", () => {
    const request = held(aRestore().spec({ include: { databases: ["shop", "moon"], volumes: ["uploads", "mail"] } }));
    expect(stepOf(pass(undefined, { policy, request }), "Accept")).toMatchObject({
      code: "HO-R805",
      message: "the policy has no moon, mail",
    });
    const { databases: _databases, volumes: _volumes, ...bare } = policy.spec;
    expect(stepOf(pass(undefined, { policy: { ...policy, spec: bare }, request }), "Accept")?.code).toBe("HO-R805");
  });
  test("not refused for parts that are there, beside others", () => {
    const { databases = [], volumes = [] } = policy.spec;
    const spec = {
      databases: [{ ...databases[0]!, name: "wiki" }, ...databases],
      volumes: [{ ...volumes[0]!, name: "mail" }, ...volumes],
    };
    const request = held(aRestore().spec({ include: { databases: ["shop"], volumes: ["uploads"] } }));
    expect(stepOf(pass(undefined, { policy: aPolicy().spec(spec).build(), request }), "Accept")?.state).toBe("Done");
  });
  test("not cancelled by an annotation that says anything but true", () => {
    const request = held(aRestore()).annotated(annotations.cancel, "false");
    expect(stepOf(pass({ Accept: "Done" }, { request }), "Plan")?.state).toBe("Running");
  });
});

test("steps that were refused stay as they are", () => {
  const refused: States = { Accept: failed("HO-X001") };
  const decision = pass(refused, { seen: app(undefined) });
  expect([stepOf(decision, "Plan")?.state, acts(decision)]).toEqual(["Pending", []]);
});

test("what was staged is removed after a failure, also when its Job takes its time to go", () => {
  const stage: States = {
    Stage: { state: "Done", attempt: 1, job: "job" },
    Quiesce: failed("HO-S207"),
    Swap: "Skipped",
  };
  const states: States = { ...allDone, ...stage, GiveBack: failed("HO-X001"), Cleanup: "Pending" };
  const decision = pass(states, { jobs: [aJob("job").deleting().build()] });
  expect(stepOf(decision, "Cleanup")?.state).toBe("Pending");
});

test("an exchange that failed half way keeps the other steps as they are, and is not over", () => {
  const half: States = { ...allDone, Swap: failed("HO-X001"), GiveBack: "Pending", Cleanup: "Pending" };
  const decision = pass(half, isDown);
  expect(decision.status.result).toBe("");
  expect(stepOf(decision, "Cleanup")?.state).toBe("Skipped");
});
