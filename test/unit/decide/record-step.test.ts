/** One step for one quiesce record beside its tables of states: what is told of it, when it is looked at again, and how it is given back. */
import { describe, expect, test } from "@jest/globals";
import type { Lease, Workload } from "../../../operator/api/kinds.ts";
import { statefulSets } from "../../../operator/api/kinds.ts";
import type { Decision } from "../../../operator/decide/decision.ts";
import { type QuiesceRecord, parseRecord } from "../../../operator/decide/record.ts";
import {
  type RecordObservation,
  decideRecord,
  decideRelease,
  isOverdue,
  scaleBack,
} from "../../../operator/decide/record-step.ts";
import { holder, lease, other } from "../../support/app-states.ts";
import { aWorkload, at, settings } from "../../support/builders.ts";

const now = at("01:05");
const shop = aWorkload().replicas(3).meta({ resourceVersion: "42" });
const zero = shop.replicas(0).meta({ generation: 2 });
const unset = (): Workload => {
  const { replicas: _replicas, ...spec } = shop.build().spec;
  return { ...shop.build(), spec };
};
const decide = (
  record: Partial<QuiesceRecord> | string,
  workload: Workload | undefined,
  change: Partial<RecordObservation> = {},
): Decision<undefined> =>
  decideRecord(
    { lease: lease(record), workload, liveHolders: new Set(["run-uid"]), guard: "armed", ...change },
    settings,
    now,
  );
const release = (record: Partial<QuiesceRecord> | string, workload: Workload | undefined): Decision<undefined> =>
  decideRelease(lease(record), workload, now);
const written = ({ actions: [action] }: Decision<undefined>): QuiesceRecord | undefined =>
  action?.do === "updateRecord" ? parseRecord(action.record as Lease) : undefined;
const does = ({ actions }: Decision<undefined>): readonly string[] => actions.map((action) => action.do);
const toThree = { do: "scale", name: "shop", replicas: 3, resourceVersion: "42" };

describe("people are told", () => {
  test("that the app is stopped, when it is", () => {
    expect(decide({ state: "Stopping" }, shop.build()).events).toEqual([
      { type: "Normal", reason: "AppStopping", message: "Deployment shop scaled 3 -> 0" },
    ]);
  });
  test("that it is back, once it is seen to be", () => {
    const back = { state: "Restoring" as const, holders: [] };
    expect(release(back, shop.build()).events).toEqual([
      { type: "Normal", reason: "AppRestored", message: "Deployment shop scaled 0 -> 3" },
    ]);
    expect(release(back, zero.build()).events).toEqual([]);
    // Another number is of a person, who knows.
    expect(release(back, shop.replicas(2).build()).events).toEqual([]);
    expect(release({ state: "Down", holders: [] }, shop.build()).events).toEqual([]);
  });
  test.each([
    ["held", () => decide("{", zero.build())],
    ["to be given back", () => release("{", zero.build())],
  ])("that a record that is %s cannot be read, and it is left alone", (_what, decided) => {
    expect(decided()).toMatchObject({ actions: [], events: [{ type: "Warning", reason: "RecordUnreadable" }] });
  });
});

describe("it is looked at again", () => {
  const deadline = (clock: string, exchanging = false): QuiesceRecord["holders"][number] => ({
    ...holder,
    deadline: `2026-11-21T${clock}:00Z`,
    exchanging,
  });
  test.each<[string, () => Decision<undefined>, number]>([
    ["soon, while its guard is made", () => decide({ state: "Intent" }, shop.build(), { guard: "absent" }), 250],
    ["soon, while its guard starts", () => decide({ state: "Intent" }, shop.build(), { guard: "starting" }), 250],
    ["some time, while its holder has to act", () => decide({ state: "Intent" }, shop.build()), 10_000],
    [
      "some time, while its holder has to end",
      () => decide({ state: "Stopping" }, shop.replicas(5).meta({ generation: 2 }).build()),
      10_000,
    ],
    ["at once, when it is scaled down", () => decide({ state: "Stopping" }, shop.build()), 0],
    ["at once, when a holder is dropped", () => decide({ holders: [holder, other] }, zero.build()), 0],
    ["at once, when a holder came too late", () => decide({ state: "Restoring" }, zero.build()), 0],
    ["at once, when it is to be given back", () => release({ holders: [] }, zero.build()), 0],
    ["at once, when a scaling may come late", () => release({ state: "Stopping" }, shop.build()), 0],
    ["shortly after it is scaled up", () => release({ state: "Restoring", holders: [] }, zero.build()), 200],
    [
      "when no late scaling can come any more",
      () => release({ state: "Stopping", holders: [], releasedAt: "2026-11-21T01:04:00Z" }, shop.build()),
      15_000,
    ],
    [
      "at the first end of a hold that ends by the clock",
      () => decide({ holders: [deadline("01:20"), deadline("01:10"), deadline("01:07", true)] }, zero.build()),
      5 * 60_000,
    ],
  ])("%s", (_when, decided, wakeAfter) => {
    expect(decided().wakeAfter).toBe(wakeAfter);
  });
});

describe("stopping", () => {
  test("is given up when the workload may no longer be stopped", () => {
    const going = shop.deleting().build();
    for (const state of ["Intent", "Stopping"] as const)
      expect(does(decide({ state }, going))).toEqual(["deleteRecord"]);
  });
  test("does not mind a rollout that begins at the last moment", () => {
    expect(does(decide({ state: "Stopping" }, shop.status({ updatedReplicas: 1 }).build()))).toEqual(["scale"]);
  });
  test("gets its guard with all that it consists of", () => {
    const { actions } = decide({ state: "Intent" }, shop.build(), { guard: "absent" });
    expect(actions).toMatchObject([{ do: "createGuard" }]);
    expect(actions[0]?.do === "createGuard" && actions[0].objects.map(({ kind }) => kind)).toContain("Job");
  });
  test("takes a workload without a number for one replica", () => {
    expect(does(decide({ state: "Stopping", original: 1 }, unset()))).toEqual(["scale"]);
  });
});

describe("giving back", () => {
  test("goes to the number on record, of the kind on record", () => {
    expect(release({ state: "Restoring", holders: [] }, zero.build()).actions).toMatchObject([toThree]);
    const target = { kind: "StatefulSet" as const, name: "shop", uid: "shop-uid" };
    expect(release({ state: "Restoring", holders: [], target }, zero.build()).actions).toMatchObject([
      { ...toThree, resource: statefulSets },
    ]);
  });
  test("of a workload that is gone leaves nothing", () => {
    expect(release({ holders: [] }, undefined).actions).toEqual([
      { do: "deleteRecord", name: "handover-shop-uid", uid: "lease-uid", resourceVersion: "7" },
    ]);
  });
  test("of one that was parked while it waited for its guard leaves it so", () => {
    expect(does(release({ state: "Intent", holders: [] }, zero.build()))).toEqual(["deleteRecord"]);
  });
  test("of one without a number is done at one replica", () => {
    expect(release({ state: "Restoring", original: 1, holders: [] }, unset()).events).toMatchObject([
      { reason: "AppRestored" },
    ]);
  });
  test.each<[string, Partial<QuiesceRecord>]>([
    ["that nobody was told of yet", { holders: [] }],
    ["that has still a holder", { releasedAt: "2026-11-21T01:00:00.000Z" }],
  ])("a late scaling %s is waited for from now on", (_what, change) => {
    expect(written(release({ state: "Stopping", ...change }, shop.build()))).toMatchObject({
      state: "Stopping",
      holders: [],
      releasedAt: "2026-11-21T01:05:00.000Z",
    });
  });
});

describe("a guard that may not write the record scales all the same", () => {
  test.each<[string, Partial<QuiesceRecord> | string, Workload | undefined, boolean]>([
    ["one that is down", {}, zero.build(), true],
    ["one that was being stopped, at zero", { state: "Stopping" }, zero.build(), true],
    ["not one that was parked before", { state: "Intent" }, zero.build(), false],
    ["not one that runs", {}, shop.build(), false],
    ["not one that is gone", {}, undefined, false],
    ["not one of which nothing can be read", "{", zero.build(), false],
  ])("%s", (_what, record, workload, isScaled) => {
    expect([scaleBack(lease(record), workload)]).toMatchObject([isScaled ? toThree : undefined]);
  });
});

test.each<[string, Partial<typeof holder>, boolean]>([
  ["before its deadline", { deadline: "2026-11-21T01:05:01Z" }, false],
  ["at it", { deadline: "2026-11-21T01:05:00Z" }, true],
  ["inside an exchange", { deadline: "2026-11-21T01:00:00Z", exchanging: true }, false],
  ["outside of one", { deadline: "2026-11-21T01:00:00Z", exchanging: false }, true],
  ["with a deadline that cannot be read", { deadline: "soon" }, true],
])("a hold %s is void by the clock: %s", (_what, change, expected) => {
  expect(isOverdue({ ...holder, ...change }, now)).toBe(expected);
});
