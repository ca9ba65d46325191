/** Quiesce records as they are read and written: which are damaged, which a newer release wrote, and what a change of one keeps. */
import { describe, expect, test } from "@jest/globals";
import type { Lease } from "../../../operator/api/kinds.ts";
import { annotations, labels, managedBy } from "../../../operator/api/names.ts";
import {
  type QuiesceRecord,
  buildRecord,
  changeRecord,
  isDamaged,
  isExchanging,
  isForeign,
  parseRecord,
  rebuildRecord,
} from "../../../operator/decide/record.ts";
import { held, holder, lease, other } from "../../support/app-states.ts";
import { aWorkload, namespace } from "../../support/builders.ts";

const record = (change: Partial<QuiesceRecord> = {}): QuiesceRecord => parseRecord(lease(change))!;
const bare = (annotated?: Readonly<Record<string, string>>): Lease => {
  const { annotations: _annotations, ...metadata } = lease({}).metadata;
  return { metadata: { ...metadata, ...(annotated === undefined ? {} : { annotations: annotated }) }, spec: {} };
};

describe("a lease", () => {
  const whole = JSON.stringify(record());
  const newer = JSON.stringify({ version: 2, target: "of another form" });
  test.each<[string, Lease, { readonly isRead: boolean; readonly damaged: boolean }]>([
    ["with a record", lease({}), { isRead: true, damaged: false }],
    ["without annotations", bare(), { isRead: false, damaged: true }],
    ["without a record", bare({ other: whole }), { isRead: false, damaged: true }],
    ["with what is no JSON", lease("{"), { isRead: false, damaged: true }],
    ["with nothing", lease(""), { isRead: false, damaged: true }],
    ["with a record of this release that lacks something", lease('{"version":1}'), { isRead: false, damaged: true }],
    ["with a record without a version", lease("{}"), { isRead: false, damaged: true }],
    ["with a version that is none", lease('{"version":"2"}'), { isRead: false, damaged: true }],
    ["with a record of a newer release", lease(newer), { isRead: false, damaged: false }],
  ])("%s", (_name, of, { isRead, damaged }) => {
    expect(parseRecord(of) !== undefined).toBe(isRead);
    expect(isDamaged(of)).toBe(damaged);
  });
});

test("an exchange is under way as soon as one of the holders exchanges", () => {
  expect(isExchanging(record({ holders: [holder, { ...other, exchanging: true }] }))).toBe(true);
  expect(isExchanging(record({ holders: [holder, { ...other, exchanging: false }] }))).toBe(false);
  expect(isExchanging(record({ holders: [] }))).toBe(false);
});

describe("somebody else has changed the spec", () => {
  const { replicas: _replicas, ...silent } = aWorkload().build().spec;
  test.each<[string, ReturnType<typeof aWorkload>, number | undefined, boolean]>([
    ["not when it was scaled to zero and nothing else", aWorkload().replicas(0).meta({ generation: 2 }), 2, false],
    ["not when it was not scaled yet", aWorkload().replicas(3).meta({ generation: 1 }), 2, false],
    ["when it was scaled to zero twice", aWorkload().replicas(0).meta({ generation: 4 }), 2, true],
    ["when it is at zero without us", aWorkload().replicas(0).meta({ generation: 1 }), 2, true],
    ["when it was brought back", aWorkload().replicas(3).meta({ generation: 3 }), 2, true],
    ["for all that is known", aWorkload().replicas(3).meta({ generation: 1 }), undefined, true],
  ])("%s", (_name, workload, downGeneration, is) => {
    const known = downGeneration === undefined ? {} : { downGeneration };
    expect(isForeign(known, workload.build())).toBe(is);
  });
  test("a workload that says no number has one, and is not at zero", () => {
    const at = (generation: number) => ({ ...aWorkload().meta({ generation }).build(), spec: silent });
    expect(isForeign({ downGeneration: 2 }, at(1))).toBe(false);
    expect(isForeign({ downGeneration: 2 }, at(2))).toBe(true);
  });
});

describe("a record that is written", () => {
  test("is found by its label, goes with its workload, and names its holder", () => {
    const made = buildRecord(namespace, aWorkload().replicas(3).build(), "StatefulSet", holder);
    expect(made.metadata).toMatchObject({
      name: "handover-shop-uid",
      namespace,
      labels: { [labels.record]: "true", [labels.managedBy]: managedBy },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: "shop", uid: "shop-uid" }],
    });
    expect(made.spec).toEqual({ holderIdentity: "run" });
    expect(parseRecord(made as Lease)).toEqual({
      version: 1,
      target: { kind: "StatefulSet", name: "shop", uid: "shop-uid" },
      original: 3,
      state: "Intent",
      holders: [holder],
    });
  });
  test("in place of one that somebody has deleted or spoilt only gives back", () => {
    const made = rebuildRecord(namespace, held[0]!);
    expect(parseRecord(made as Lease)).toMatchObject({ original: 3, state: "Restoring", holders: [] });
    expect([made.metadata.name, made.spec]).toEqual(["handover-shop-uid", { holderIdentity: "" }]);
  });
  test("anew keeps whatever else is in its lease, and names its holders", () => {
    const before: Lease = {
      ...lease({}),
      metadata: { ...lease({}).metadata, annotations: { note: "of a person" } },
      spec: { leaseDurationSeconds: 7 } as Lease["spec"],
    };
    const after = changeRecord(before, record({ holders: [holder, other] }));
    expect(after.metadata).toMatchObject({ name: "handover-shop-uid", uid: "lease-uid", resourceVersion: "7" });
    expect(after.metadata.annotations?.["note"]).toBe("of a person");
    expect(JSON.parse(after.metadata.annotations?.[annotations.record] ?? "")).toMatchObject({ state: "Down" });
    expect(after.spec).toEqual({ leaseDurationSeconds: 7, holderIdentity: "run,other" });
  });
});
