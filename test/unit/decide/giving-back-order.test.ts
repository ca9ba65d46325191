/** An app of several workloads, or of several holders, on its way back: which is next, what is written, what it waits for. */
import { describe, expect, test } from "@jest/globals";
import type { HeldWorkload, Lease, Workload } from "../../../operator/api/kinds.ts";
import type { AppObservation } from "../../../operator/decide/app.ts";
import { decideGiveBack, isLeftAtZero, unreadyWorkloads } from "../../../operator/decide/giving-back.ts";
import { type QuiesceRecord, parseRecord } from "../../../operator/decide/record.ts";
import type { Move } from "../../../operator/decide/workload.ts";
import { app, down, held, holder, lease, other, stopped, zero } from "../../support/app-states.ts";
import { aPod, aWorkload, anApp, namespace } from "../../support/builders.ts";

const [shop] = stopped;
const web: HeldWorkload = { ...shop!, name: "web", uid: "web-uid" };
const webAtZero = aWorkload("web").replicas(0).meta({ generation: 2 });
/** The records of shop and of web; both workloads are at zero. */
const both = (ofShop: Partial<QuiesceRecord> | string | undefined, ofWeb?: Partial<QuiesceRecord>): AppObservation =>
  anApp({
    workloads: [zero.build(), webAtZero.build()],
    records: new Map([
      ...(ofShop === undefined ? [] : [["shop-uid", lease(ofShop)] as const]),
      ...(ofWeb === undefined ? [] : [["web-uid", lease(ofWeb)] as const]),
    ]),
  });
const give = (seen: AppObservation, items: readonly HeldWorkload[] = [shop!, web]): Move =>
  decideGiveBack(seen, namespace, items, "run-uid");
const written = ({ actions: [action] }: Move): QuiesceRecord | undefined =>
  action?.do === "updateRecord" || action?.do === "createRecord" ? parseRecord(action.record as Lease) : undefined;

describe("of two workloads", () => {
  const released = { state: "Restoring" as const, holders: [] };
  test.each<[string, AppObservation, string]>([
    ["the last of the policy comes back first", both({}, {}), "giving back Deployment web"],
    ["the other waits until that is done", both({}, released), "giving back Deployment web"],
    ["then it is its turn", both({}, undefined), "the quiesce record of Deployment web was deleted"],
    ["one that another holds does not keep the other", both({}, { holders: [other] }), "giving back Deployment shop"],
  ])("%s", (_what, seen, message) => {
    expect(give(seen)).toMatchObject({ state: "waiting", message });
  });
  test("what cannot be read keeps nobody, and is said at the end, before what is held by others", () => {
    // Of a newer release: nobody here knows whether it is ours to give back.
    const newer = '{"version":2}';
    expect(give(both(newer, {}))).toMatchObject({ message: "giving back Deployment web" });
    const told = give(both(newer, { holders: [other] }));
    expect(told).toMatchObject({ state: "waiting", unreadable: true });
    expect(told.message).toBe("the quiesce record of Deployment shop cannot be read");
  });
  test("the app is not up while others hold it, and the last of the policy is named with all of them", () => {
    const move = give(both({ holders: [other] }, { holders: [other, { ...other, name: "third", uid: "third" }] }));
    expect(move).toEqual({ state: "waiting", actions: [], message: "Deployment web is still held by other, third" });
  });
  test("there is nothing to do when none was stopped", () => {
    const parked = { ...web, heldAt: undefined as never };
    expect(give(both(undefined), [parked])).toEqual({
      state: "reached",
      actions: [],
      message: "replicas given back",
    });
  });
});

describe("our hold is dropped", () => {
  test.each<[string, Partial<QuiesceRecord>, Partial<QuiesceRecord>]>([
    ["and the replicas come back", {}, { state: "Restoring", holders: [] }],
    ["but not that of another", { holders: [other, holder] }, { state: "Down", holders: [other] }],
    ["before it was stopped", { state: "Stopping" }, { state: "Stopping", holders: [] }],
    ["before that was even meant", { state: "Intent" }, { state: "Intent", holders: [] }],
  ])("%s", (_what, record, expected) => {
    const move = give(down(record), held);
    expect(move.message).toBe("giving back Deployment shop");
    expect(written(move)).toMatchObject(expected);
  });
});

test("a record that was deleted is made anew in the namespace of the app, with what is to come back", () => {
  const move = give(app(zero.build()), stopped);
  expect(move.actions).toMatchObject([{ do: "createRecord", record: { metadata: { namespace: "shop" } } }]);
  expect(written(move)).toMatchObject({ state: "Restoring", original: 3, holders: [] });
});

describe("a zero is ours", () => {
  const [unknown] = [{ ...shop!, downGeneration: undefined as never }];
  test.each<[string, HeldWorkload, Workload | undefined, boolean]>([
    ["that we made", shop!, zero.build(), true],
    ["with one change of something else", shop!, zero.meta({ generation: 3 }).build(), true],
    ["not after two", shop!, zero.meta({ generation: 4 }).build(), false],
    ["not when we have stopped nothing", held[0]!, zero.build(), false],
    ["not when nobody knows when it was made", unknown, zero.build(), false],
    ["not of another workload of its name", shop!, zero.meta({ uid: "x" }).build(), false],
    ["not when it is none", shop!, aWorkload().replicas(3).meta({ generation: 2 }).build(), false],
    ["not of one that is gone", shop!, undefined, false],
  ])("%s", (_what, item, workload, expected) => {
    expect(isLeftAtZero(item, workload)).toBe(expected);
  });
});

describe("ready again", () => {
  const one = { ...shop!, replicas: 1 };
  const plain = aWorkload().replicas(1);
  const { replicas: _replicas, ...spec } = plain.build().spec;
  const { status: _status, ...unseen } = plain.build();
  test.each<[string, Workload | undefined, readonly string[]]>([
    ["is one without a number with one replica", { ...plain.build(), spec }, []],
    ["is not one without a number and none", { ...plain.ready(0).build(), spec }, ["Deployment shop"]],
    ["is not one of which nothing is known", unseen, ["Deployment shop"]],
    ["is not one that is gone", undefined, ["Deployment shop"]],
    ["is one with more than it needs", plain.ready(2).build(), []],
  ])("%s", (_what, workload, expected) => {
    expect(unreadyWorkloads(app(workload), [one])).toEqual(expected);
  });
  test.each<[string, HeldWorkload, Workload]>([
    [
      "one that was at zero before it was made anew",
      { ...shop!, replicas: 0 },
      zero.meta({ uid: "new", generation: 1 }).build(),
    ],
    ["one that was made anew with replicas", shop!, plain.meta({ uid: "new" }).build()],
    ["one at zero that is the same", shop!, aWorkload().replicas(0).build()],
  ])("is not blamed for a zero of ours: %s", (_what, item, workload) => {
    expect(unreadyWorkloads(app(workload), [item])).toEqual([]);
  });
  test("waits for a pod of its own that leaves, of a StatefulSet, and for no other", () => {
    const set = { ...one, kind: "StatefulSet" as const };
    const seen = (...pods: readonly ReturnType<typeof aPod>[]): AppObservation => ({
      ...anApp({ pods: pods.map((pod) => pod.build()) }),
      workloads: new Map([["StatefulSet/shop", plain.build()]]),
    });
    expect(unreadyWorkloads(seen(aPod()), [set])).toEqual([]);
    expect(unreadyWorkloads(seen(aPod().meta({ labels: {} }).deleting()), [set])).toEqual([]);
    expect(unreadyWorkloads(seen(aPod("shop-1"), aPod().deleting()), [set])).toEqual(["StatefulSet shop"]);
  });
});
