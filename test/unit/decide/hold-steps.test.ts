/** The two steps that touch the app, pass by pass: what is done, what is remembered, and when they give up. */
import { describe, expect, test } from "@jest/globals";
import type { HeldWorkload, Pod, StepRecord } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import type { AppObservation } from "../../../operator/decide/app.ts";
import {
  type HoldContext,
  type HoldMove,
  advanceQuiesce,
  applyHold,
  budgetOf,
  isOverBudget,
  startedSince,
} from "../../../operator/decide/hold-steps.ts";
import { context } from "./hold-context.ts";
import { app, armedGuard, down, held, holder, lease, other } from "../../support/app-states.ts";
import { aPod, aPolicy, aWorkload, anApp, at } from "../../support/builders.ts";

const shop = aWorkload().replicas(3);
const running = app(shop.build());
const intent = app(shop.build(), { state: "Intent", downGeneration: undefined as never });
const pod = aPod();
/** Down, under a hold that lasts. */
const lasting = { ...holder, deadline: "2026-11-21T23:00:00Z" };
const downed = (change: Parameters<typeof down>[0] = {}, ...pods: readonly Pod[]): AppObservation =>
  down({ holders: [lasting], ...change }, ...pods);
const recordIn = ({ actions }: HoldMove): { readonly holders: readonly { readonly deadline: string }[] } => {
  const [action] = actions;
  if (action?.do !== "updateRecord" && action?.do !== "createRecord") throw new Error("no record is written");
  return JSON.parse(action.record.metadata.annotations?.[annotations.record] ?? "");
};

describe("Quiesce", () => {
  const quiesces: StepRecord = { name: "Quiesce", state: "Running", startedAt: "2026-11-21T01:00:00Z" };
  const quiesce = (change: Partial<HoldContext>): HoldMove => advanceQuiesce(quiesces, context(change));

  test("says that it begins before anything is touched", () => {
    const move = advanceQuiesce({ name: "Quiesce", state: "Pending" }, context({ app: running }));
    expect(move).toEqual({
      step: { name: "Quiesce", state: "Running", startedAt: "2026-11-21T01:00:00.000Z", message: "stopping the app" },
      actions: [],
      wakeAfter: 0,
    });
  });
  test("takes hold, with a deadline that allows for a wait and the budget", () => {
    const move = quiesce({ app: running });
    expect(move).toMatchObject({
      step: { state: "Running", message: "stopping Deployment shop" },
      actions: [{ do: "createRecord" }],
      pods: [],
      times: {},
      wakeAfter: 100,
    });
    expect(move).not.toHaveProperty("held");
    // A minute to wait, ten for the budget, a quarter of one so that the orderly way goes first.
    expect(recordIn(move).holders[0]?.deadline).toBe("2026-11-21T01:11:15.000Z");
  });
  test.each([
    { what: "who has waited for longer", now: "01:01:30", times: {}, deadline: "01:11:45" },
    { what: "whose app is down", now: "01:00:30", times: { stopAt: "2026-11-21T00:59:00Z" }, deadline: "01:09:15" },
  ])("$what: a deadline from then on", ({ now, times, deadline }) => {
    const move = quiesce({ app: running, now: at(now), times });
    expect(recordIn(move).holders[0]?.deadline).toBe(`2026-11-21T${deadline}.000Z`);
  });
  test("the budget of one who joins a hold counts from its own beginning", () => {
    const times = { stopAt: "2026-11-21T00:50:00Z" };
    // It joined with less than that before it.
    const move = quiesce({ app: down(), times, quiescedAt: "2026-11-21T01:00:00Z" });
    expect(recordIn(move).holders[0]?.deadline).toBe("2026-11-21T01:10:15.000Z");
  });
  test("remembers what it takes down, in the pass that does it, and of the others what it knew", () => {
    const rest: HeldWorkload = { kind: "Deployment", name: "rest", uid: "a-rest", replicas: 1 };
    const seen = anApp({
      workloads: [shop.build(), aWorkload("rest").replicas(0).meta({ uid: "a-rest" }).build()],
      records: new Map([["shop-uid", lease({ state: "Intent", downGeneration: undefined as never })]]),
      pods: [armedGuard],
    });
    const move = quiesce({ app: seen, held: [rest, ...held] });
    expect(move.held).toEqual([rest, { ...held[0], heldAt: "2026-11-21T01:00:00.000Z", downGeneration: 2 }]);
  });
  test("is over when no process of the app runs", () => {
    const move = quiesce({ app: down({ stopAt: "2026-11-21T00:59:00Z" }), now: at("01:00:05") });
    expect(move).toEqual({
      step: {
        ...quiesces,
        state: "Done",
        finishedAt: "2026-11-21T01:00:05.000Z",
        message: "no process of the app runs",
      },
      actions: [],
      times: { stopAt: "2026-11-21T00:59:00Z", goneAt: "2026-11-21T01:00:05.000Z" },
      pods: [],
      wakeAfter: 0,
    });
  });
  test("waits for the pods, and remembers them", () => {
    const move = quiesce({ app: downed({}, pod.build()), now: at("01:01:59") });
    expect(move).toMatchObject({
      step: { state: "Running", message: "pod shop-0 still runs" },
      pods: [{ name: "shop-0", uid: "shop-0-uid" }],
      wakeAfter: 100,
    });
  });
  test("without a time of its start counts from now", () => {
    const step: StepRecord = { name: "Quiesce", state: "Running" };
    const move = advanceQuiesce(step, context({ app: intent, now: at("05:00") }));
    expect(move.step.state).toBe("Running");
  });

  describe("gives up", () => {
    const since = (stopAt: string) => ({ stopAt });
    const silent = pod.status({
      ...pod.build().status,
      conditions: [
        { type: "Ready", status: "False" },
        { type: "ContainersReady", status: "True" },
      ],
    });
    const unsettled = app(shop.ready(1).build(), undefined);
    const busy = aWorkload().replicas(3).status({ observedGeneration: 0 });
    test.each<[string, Partial<HoldContext>, string | undefined, string]>([
      ["not on a guard that takes a while", { app: intent, now: at("01:01:59") }, undefined, "waiting for the guard"],
      ["a guard that does not come", { app: intent, now: at("01:02") }, "HO-S212", "waiting for the guard"],
      [
        "not on pods within their time",
        { app: downed({}, pod.build()), times: since("2026-11-21T01:00:00Z"), now: at("01:01:59") },
        undefined,
        "pod shop-0 still runs",
      ],
      [
        "pods that do not end",
        { app: downed({}, pod.build()), times: since("2026-11-21T01:00:00Z"), now: at("01:02") },
        "HO-S207",
        "pod shop-0 still runs after 2m",
      ],
      [
        "pods whose node is silent",
        { app: downed({}, silent.build()), times: since("2026-11-21T01:00:00Z"), now: at("01:02") },
        "HO-S213",
        "the node of pod shop-0 does not answer",
      ],
      [
        "pods that end within their time, but not within the budget",
        { app: downed({}, pod.build()), times: since("2026-11-21T01:00:00Z"), stopTimeout: "20m", now: at("01:10") },
        "HO-S208",
        "the budget of the downtime was reached while the app was stopping",
      ],
      [
        "not on pods within the budget",
        { app: downed({}, pod.build()), times: since("2026-11-21T01:00:00Z"), stopTimeout: "20m", now: at("01:09:59") },
        undefined,
        "pod shop-0 still runs",
      ],
      ["an app that is gone", { app: app(undefined) }, "HO-S211", "Deployment shop was deleted"],
      [
        "an app that was started",
        { app: app(shop.meta({ generation: 3 }).build(), { holders: [lasting] }) },
        "HO-S209",
        "Deployment shop was scaled to 3",
      ],
      [
        "not on another holder within two minutes",
        { app: down({ holders: [{ ...other, kind: "RestoreRequest" }] }), now: at("01:01:59") },
        undefined,
        "Deployment shop is held by other",
      ],
      [
        "another holder that does not let go",
        { app: down({ holders: [{ ...other, kind: "RestoreRequest" }] }), now: at("01:02") },
        "HO-S207",
        "Deployment shop is held by other",
      ],
      [
        "another holder, with more time to stop",
        { app: down({ holders: [{ ...other, kind: "RestoreRequest" }] }), stopTimeout: "3m", now: at("01:02:59") },
        undefined,
        "Deployment shop is held by other",
      ],
      [
        "another holder, after more time to stop",
        { app: down({ holders: [{ ...other, kind: "RestoreRequest" }] }), stopTimeout: "3m", now: at("01:03") },
        "HO-S207",
        "Deployment shop is held by other",
      ],
      [
        "an unreadable time to stop is two minutes",
        { app: downed({}, pod.build()), times: since("2026-11-21T01:00:00Z"), stopTimeout: "soon", now: at("01:02") },
        "HO-S207",
        "pod shop-0 still runs after soon",
      ],
      ["a rollout that does not end", { app: app(busy.build()), now: at("01:02") }, "HO-S204", "Deployment shop"],
      [
        "not on a rollout within two minutes",
        { app: app(busy.build()), now: at("01:01:59") },
        undefined,
        "Deployment shop",
      ],
    ])("%s", (_what, change, code, message) => {
      const move = quiesce(change);
      expect(move.step.message).toContain(message);
      const end = { step: { state: "Failed", code }, actions: [], pods: [], wakeAfter: 0 };
      expect(move).toMatchObject(code === undefined ? { step: { state: "Running" }, wakeAfter: 100 } : end);
    });
    test("what it has learnt of the stop is kept", () => {
      const seen = downed({ stopAt: "2026-11-21T00:50:00Z" }, pod.build());
      expect(quiesce({ app: seen })).toMatchObject({
        step: { state: "Failed", code: "HO-S207" },
        times: { stopAt: "2026-11-21T00:50:00Z" },
      });
    });
    test("nothing is wrong with an app that is ready", () => {
      expect(quiesce({ app: unsettled }).step).toMatchObject({ state: "Running" });
    });
  });

  describe("a process that may write on", () => {
    const pods = [{ name: "gone", uid: "gone-uid" }];
    const doubt = "pod gone was deleted before its processes were seen to end";
    test("is written into the record first, for whoever shares the hold", () => {
      const move = quiesce({ pods });
      expect(move).toMatchObject({ step: { state: "Running" }, actions: [{ do: "updateRecord" }], pods, wakeAfter: 0 });
      expect(recordIn(move)).toMatchObject({ doubt });
    });
    test("then ends the step", () => {
      expect(quiesce({ pods, app: down({ doubt }) })).toMatchObject({
        step: { state: "Failed", code: "HO-S213", message: doubt },
        actions: [],
        pods: [],
        wakeAfter: 0,
      });
    });
    test("ends the step of one who has only read of it", () => {
      expect(quiesce({ app: down({ doubt: "somebody has seen it" }) }).step).toMatchObject({
        state: "Failed",
        code: "HO-S213",
        message: "somebody has seen it",
      });
    });
  });
});

describe("the budget", () => {
  const times = { stopAt: "2026-11-21T01:00:00Z" };
  test.each<[string, Partial<HoldContext>, boolean]>([
    ["of an app that is not down", { now: at("09:00") }, false],
    ["just before its end", { times, now: at("01:09:59") }, false],
    ["at its end", { times, now: at("01:10") }, true],
    ["of one who has joined later", { times, quiescedAt: "2026-11-21T01:05:00Z", now: at("01:10") }, false],
    ["of one who has joined later, at its end", { times, quiescedAt: "2026-11-21T01:05:00Z", now: at("01:15") }, true],
    ["of one who began before the stop", { times, quiescedAt: "2026-11-21T00:50:00Z", now: at("01:05") }, false],
  ])("%s", (_what, change, is) => {
    expect(isOverBudget(context(change))).toBe(is);
  });
  test("is the policy's", () => {
    expect(budgetOf(aPolicy().app({ maxDowntime: "3m" }).build().spec)).toBe(180_000);
    expect(budgetOf(aPolicy().app({ maxDowntime: "long" }).build().spec)).toBe(600_000);
  });
});

describe("what has started the app", () => {
  const late = pod.created("2026-11-21T01:00:30Z").ended({ name: "app", exitCode: 0 }).build();
  test("counts from when it was gone", () => {
    const seen = down({}, late);
    expect(startedSince(context({ app: seen, times: { goneAt: "2026-11-21T01:00:00Z" } }))).toBe("pod shop-0 has run");
    expect(startedSince(context({ app: seen, times: { goneAt: "2026-11-21T01:01:00Z" } }))).toBeUndefined();
    expect(startedSince(context({ app: seen, now: at("01:05") }))).toBeUndefined();
  });
});

describe("what came of it is taken over", () => {
  const draftOf = (status: object) => ({ status, steps: new Map(), actions: [] as unknown[], waits: [] as unknown[] });
  const step: StepRecord = { name: "Quiesce", state: "Done" };
  test("whole", () => {
    const draft = draftOf({ times: { goneAt: "a" }, pods: [{ name: "old", uid: "old" }], code: "x" });
    const pods = [{ name: "new", uid: "new" }];
    applyHold({ step, actions: ["act" as never], held, pods, times: { stopAt: "b" }, wakeAfter: 7 }, draft as never);
    expect(draft.steps.get("Quiesce")).toBe(step);
    expect(draft.actions).toEqual(["act"]);
    expect(draft.waits).toEqual([7]);
    expect(draft.status).toEqual({ times: { goneAt: "a", stopAt: "b" }, pods, workloads: held, code: "x" });
  });
  test("what is not told of stays, and pods that have ended are forgotten", () => {
    const status = { times: { goneAt: "a" }, pods: [{ name: "old", uid: "old" }], workloads: held };
    const same = draftOf(status);
    applyHold({ step, actions: [] }, same as never);
    expect(same.status).toEqual(status);
    const ended = draftOf(status);
    applyHold({ step, actions: [], pods: [] }, ended as never);
    expect(ended.status).toEqual({ times: { goneAt: "a" }, workloads: held });
  });
});
