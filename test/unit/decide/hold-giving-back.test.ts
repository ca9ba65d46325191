/** The step that gives the app back, pass by pass: what is done, what is remembered, and when it gives up. */
import { describe, expect, test } from "@jest/globals";
import type { HeldWorkload, StepRecord } from "../../../operator/api/kinds.ts";
import { type HoldContext, type HoldMove, advanceGiveBack } from "../../../operator/decide/hold-steps.ts";
import { app, down, held, other, zero } from "../../support/app-states.ts";
import { aWorkload, anApp, at } from "../../support/builders.ts";
import { context } from "./hold-context.ts";

const shop = aWorkload().replicas(3);
const gives: StepRecord = { name: "GiveBack", state: "Running", startedAt: "2026-11-21T01:00:00Z" };
const waits: StepRecord = { ...gives, state: "Waiting", message: "waiting" };
const give = (change: Partial<HoldContext> = {}, step = gives): HoldMove => advanceGiveBack(step, context(change));
const back = app(shop.build());

describe("when the app went down", () => {
  const stopAt = (change: Partial<HoldContext>): string | undefined => give(change).times?.stopAt;
  const heldAt = "2026-11-21T00:30:00Z";
  const before = [{ ...held[0]!, heldAt }];
  test.each<[string, Partial<HoldContext>, string | undefined]>([
    ["is known", { times: { stopAt: "2026-11-21T00:10:00Z" }, app: down({ stopAt: heldAt }) }, undefined],
    ["is in the record", { app: down({ stopAt: heldAt }) }, heldAt],
    ["is not what a record of others says", { app: down({ stopAt: heldAt, holders: [other] }) }, undefined],
    ["is remembered when there is no record", { app: app(zero.build()), held: before }, heldAt],
    ["is not when it was to go down and did not", { app: app(shop.build()), held: before }, undefined],
    ["is not known of a workload that is gone", { app: app(undefined), held: before }, undefined],
    [
      "is not known of one that nobody remembers",
      { app: app(zero.build()), held: [{ ...held[0]!, downGeneration: undefined as never }] },
      undefined,
    ],
    [
      "is not yet, while the record is about to scale it",
      { app: app(shop.build(), { state: "Stopping", stopAt: heldAt }) },
      undefined,
    ],
    [
      "is in the record, not in what was remembered",
      { app: down({ stopAt: "2026-11-21T00:31:00Z" }), held: before },
      "2026-11-21T00:31:00Z",
    ],
  ])("%s", (_what, change, expected) => {
    expect(stopAt(change)).toBe(expected);
  });
  test("is when the first of them did", () => {
    const second: HeldWorkload = { ...held[0]!, name: "rest", uid: "rest-uid", heldAt: "2026-11-21T00:20:00Z" };
    const seen = anApp({ workloads: [zero.build(), aWorkload("rest").replicas(0).meta({ generation: 2 }).build()] });
    expect(stopAt({ app: seen, held: [{ ...held[0]!, heldAt }, second] })).toBe("2026-11-21T00:20:00Z");
  });
});

describe("giving back", () => {
  const message = "replicas given back, waiting for them to be ready";
  const leaving = "replicas given back; nobody waits for them to be ready, because this is being deleted";

  test("begins at once, with what it does", () => {
    expect(give({}, { name: "GiveBack", state: "Pending" })).toMatchObject({
      step: {
        name: "GiveBack",
        state: "Running",
        startedAt: "2026-11-21T01:00:00.000Z",
        message: "giving back Deployment shop",
      },
      actions: [{ do: "updateRecord" }],
      wakeAfter: 100,
    });
    const [done] = [give({ app: back }, { name: "GiveBack", state: "Pending" })];
    expect(done.step).toMatchObject({ startedAt: "2026-11-21T01:00:00.000Z", message });
  });
  test("looks often at first, and less often later", () => {
    expect(give({ now: at("01:00:59") }).wakeAfter).toBe(100);
    expect(give({ now: at("01:01") }).wakeAfter).toBe(2_000);
    expect(give({ now: at("09:00") }, { name: "GiveBack", state: "Running" }).wakeAfter).toBe(100);
  });
  test("knows of the stop although nobody has looked since", () => {
    expect(give({ app: down({ stopAt: "2026-11-21T00:50:00Z" }) }).times).toEqual({ stopAt: "2026-11-21T00:50:00Z" });
  });
  test("waits for readiness when the replicas are back, from then on", () => {
    expect(give({ app: back, times: { stopAt: "2026-11-21T00:50:00Z" } })).toEqual({
      step: { ...gives, state: "Waiting", message },
      actions: [],
      times: { givenBackAt: "2026-11-21T01:00:00.000Z" },
      wakeAfter: 100,
    });
  });
  test.each([gives, waits])("of what is being deleted is over with the replicas", (step) => {
    const move = give({ app: back, leaving: true }, step);
    expect(move).toMatchObject({ step: { state: "Done", message: leaving }, actions: [], wakeAfter: 0 });
    expect(move.times?.givenBackAt).toBe(step === gives ? "2026-11-21T01:00:00.000Z" : undefined);
  });
  test("goes on for what is being deleted as long as something is held", () => {
    expect(give({ leaving: true }).step).toMatchObject({ state: "Running" });
  });
  test.each<[string, HoldContext["app"], string, StepRecord["state"]]>([
    ["not before its time", app(zero.build(), "{"), "01:04:59", "Running"],
    ["on a record that cannot be read", app(zero.build(), "{"), "01:05", "Failed"],
    ["not on another holder", down({ holders: [other] }), "05:00", "Running"],
  ])("gives up %s", (_what, seen, now, state) => {
    const move = give({ app: seen, held: [{ ...held[0]!, downGeneration: 0 }], now: at(now) });
    const end = { step: { state, code: "HO-S210" }, actions: [], wakeAfter: 0 };
    expect(move).toMatchObject(state === "Failed" ? end : { step: { state } });
  });
});

describe("waiting for the app to be ready", () => {
  const times = { stopAt: "2026-11-21T00:50:00Z", givenBackAt: "2026-11-21T01:00:00Z" };
  const slow = app(shop.ready(1).build());

  test("is over when it is, with the downtime", () => {
    expect(give({ app: back, times, now: at("01:00:05") }, waits)).toEqual({
      step: {
        ...waits,
        state: "Done",
        finishedAt: "2026-11-21T01:00:05.000Z",
        message: "the app is ready, downtime 10m5s",
      },
      actions: [],
      times: { readyAt: "2026-11-21T01:00:05.000Z" },
      wakeAfter: 0,
    });
    expect(give({ app: back, times: {} }, waits).step.message).toBe("the app was not stopped");
  });
  test.each([
    { now: "01:00:59", wakeAfter: 200 },
    { now: "01:01", wakeAfter: 2_000 },
    { now: "01:04:59", wakeAfter: 2_000 },
  ])("goes on at $now, with another look in $wakeAfter ms", ({ now, wakeAfter }) => {
    expect(give({ app: slow, times, now: at(now) }, waits)).toEqual({ step: waits, actions: [], wakeAfter });
  });
  test("goes on when nobody knows since when", () => {
    expect(give({ app: slow, times: {}, now: at("09:00") }, waits)).toMatchObject({ step: waits, wakeAfter: 200 });
  });
  test("gives up after five minutes, and names whoever is not", () => {
    const rest: HeldWorkload = { kind: "Deployment", name: "rest", uid: "rest-uid", replicas: 1 };
    expect(give({ app: slow, held: [...held, rest], times, now: at("01:05") }, waits)).toMatchObject({
      step: {
        state: "Failed",
        code: "HO-S210",
        message: "Deployment shop, Deployment rest not ready 5m after the replicas were given back",
      },
      actions: [],
      wakeAfter: 0,
    });
  });
  test("begins anew when somebody who had waited for it has stopped it again", () => {
    expect(give({ times, now: at("01:00:05") }, waits)).toMatchObject({
      step: { state: "Running", message: "giving back Deployment shop" },
      actions: [{ do: "updateRecord" }],
      wakeAfter: 100,
    });
  });
});
