/** Stopping with something in the way, or together with others: what ends it, what is waited for, who goes first. */
import { describe, expect, test } from "@jest/globals";
import type { HeldWorkload, Lease } from "../../../operator/api/kinds.ts";
import type { AppObservation } from "../../../operator/decide/app.ts";
import { type Holder, type QuiesceRecord, parseRecord } from "../../../operator/decide/record.ts";
import { type Move, decideStop, recordOf, whatStartedIt } from "../../../operator/decide/workload.ts";
import {
  aGuard,
  app,
  armedGuard,
  claims,
  down,
  held,
  holder,
  lease,
  other,
  stopped,
  zero,
} from "../../support/app-states.ts";
import { aClaim, aPod, aWorkload, anApp, anAutoscaler, at, namespace } from "../../support/builders.ts";

const shop = aWorkload().replicas(3);
const intent = { state: "Intent" as const, downGeneration: undefined as never };
const exchange: Holder = { ...holder, kind: "RestoreRequest" };
const stop = (
  seen: AppObservation,
  { of = held, as = holder, needed }: { of?: readonly HeldWorkload[]; as?: Holder; needed?: readonly string[] } = {},
): Move => decideStop(seen, namespace, of, { claims, ...(needed && { needed }) }, as, at("01:00"));
const written = ({ actions: [action] }: Move): QuiesceRecord | undefined =>
  action?.do === "updateRecord" || action?.do === "createRecord" ? parseRecord(action.record as Lease) : undefined;
/** Somebody has changed its spec, and all its replicas are of that. */
const edited = shop
  .meta({ generation: 3 })
  .status({ observedGeneration: 3, replicas: 3, readyReplicas: 3, updatedReplicas: 3 });
const rollout = aWorkload().replicas(3).status({ observedGeneration: 1, replicas: 3, updatedReplicas: 1 });
const woken = { autoscalers: [anAutoscaler("shop", 0)] };

describe("what stands against it", () => {
  test.each<[string, AppObservation]>([
    ["before a record is made", { ...app(shop.build()), ...woken }],
    ["before it is scaled, once the guard is armed", { ...app(shop.build(), intent, [armedGuard]), ...woken }],
  ])("ends it %s", (_when, seen) => {
    expect(stop(seen)).toMatchObject({ state: "lost", code: "HO-S205", actions: [] });
  });
  test.each<[string, AppObservation]>([
    ["before a record is made", app(rollout.build())],
    ["before it is scaled", app(rollout.build(), intent, [armedGuard])],
  ])("a rollout is waited for %s, and is the reason when it does not end", (_when, seen) => {
    expect(stop(seen)).toMatchObject({ state: "waiting", code: "HO-S204", actions: [] });
    // A broken app may be stuck in it, and is what a restore is for.
    expect(stop(app(rollout.build()), { as: exchange }).actions).toHaveLength(1);
  });
  test("a stranger at the claims of the app does, too", () => {
    const stranger = aPod("x").meta({ labels: {} }).mounting("shop-uploads").build();
    expect(stop({ ...app(shop.build()), pods: [stranger] })).toMatchObject({ state: "lost", code: "HO-S206" });
  });
  test("nothing does any more once it is down", () => {
    expect(stop({ ...down(), ...woken }).state).toBe("reached");
  });
});

describe("of claims that are needed while it is down", () => {
  const needs = (...needed: readonly string[]): Move => {
    const lost = new Map([...anApp().claims, ["vault", aClaim("vault", "Lost")]]);
    return stop({ ...app(shop.build()), claims: lost }, { needed });
  };
  test("one that is lost ends it before anything is touched", () => {
    expect(needs("shop-backups", "vault")).toMatchObject({ state: "lost", code: "HO-P103", actions: [] });
  });
  test("those that are there stand in nobody's way", () => {
    expect(needs("shop-backups").actions).toMatchObject([{ do: "createRecord" }]);
  });
});

describe("changed while it was being stopped", () => {
  const foreign = { state: "Stopping" as const };
  test.each<[string, ReturnType<typeof aWorkload>, Partial<AppObservation>, string]>([
    ["it was changed", edited, {}, "HO-S209"],
    ["it was changed, also by a rollout", rollout.meta({ generation: 3 }), {}, "HO-S209"],
    ["unless the change itself forbids it", edited, woken, "HO-S205"],
  ])("%s", (_what, workload, change, code) => {
    expect(stop({ ...app(workload.build(), foreign), ...change })).toMatchObject({ state: "lost", code, actions: [] });
  });
});

test.each<[string, Move["code"], () => Move]>([
  ["deleted, with its record", "HO-S211", () => stop(app(zero.build()), { of: stopped })],
  ["replaced", "HO-S211", () => stop(app(shop.meta({ uid: "new" }).build()))],
  ["scaled after it was down", "HO-S209", () => stop(app(zero.replicas(2).meta({ generation: 3 }).build(), {}))],
])("a workload that was %s ends it with %s", (_what, code, decided) => {
  expect(decided()).toMatchObject({ state: "lost", code, actions: [] });
});

describe("of several workloads", () => {
  const item = (name: string): HeldWorkload => ({ kind: "Deployment", name, uid: `${name}-uid`, replicas: 1 });
  const [a, b] = [item("a"), item("b")];
  const seen = (records: Readonly<Record<string, Partial<QuiesceRecord>>>): AppObservation =>
    anApp({
      workloads: [aWorkload("a").build(), aWorkload("b").build()],
      records: new Map(
        Object.entries(records).map(([name, record]) => {
          const of = lease({ original: 1, target: { kind: "Deployment", name, uid: `${name}-uid` }, ...record });
          return [`${name}-uid`, { ...of, metadata: { ...of.metadata, uid: `${name}-lease`, name } }];
        }),
      ),
      pods: ["a", "b"].map((name) => aGuard(`guard-${name}`, `${name}-lease`, "True")),
    });
  const names = ({ actions }: Move): readonly unknown[] =>
    actions.map((action) =>
      action.do === "createRecord" || action.do === "updateRecord" ? action.record.metadata.name : "",
    );

  test("they are taken hold of in one order, whatever that of the policy", () => {
    for (const of of [
      [a, b],
      [b, a],
    ]) {
      expect(names(stop(seen({}), { of }))).toEqual(["handover-a-uid"]);
      expect(names(stop(seen({ a: intent }), { of }))).toEqual(["handover-b-uid"]);
    }
  });
  test("they go down in that of the policy, once each is held", () => {
    const all = seen({ a: intent, b: intent });
    expect(names(stop(all, { of: [b, a] }))).toEqual(["b"]);
    expect(names(stop(all, { of: [a, b] }))).toEqual(["a"]);
  });
  test("one that was found at zero is passed by", () => {
    const parked = {
      ...seen({ b: intent }),
      workloads: new Map(anApp({ workloads: [aWorkload("a").replicas(0).build(), aWorkload("b").build()] }).workloads),
    };
    expect(names(stop(parked, { of: [a, b] }))).toEqual(["b"]);
  });
});

describe("what is written", () => {
  test("when it may be scaled: from when on, its generation, and the whole deadline of its holder", () => {
    const late = { ...holder, deadline: "2026-11-21T01:20:00Z" };
    const move = stop(app(shop.build(), { ...intent, holders: [other, holder] }, [armedGuard]), { as: late });
    expect(written(move)).toMatchObject({
      state: "Stopping",
      stopAt: "2026-11-21T01:00:00.000Z",
      downGeneration: 2,
      holders: [other, late],
    });
    expect(move.held).toMatchObject({ replicas: 3, heldAt: "2026-11-21T01:00:00.000Z", downGeneration: 2 });
  });
  test("when it joins a hold: both holders; and nothing is remembered of one that may not be scaled yet", () => {
    const move = stop(app(shop.build(), { ...intent, holders: [other] }, [armedGuard]));
    expect(written(move)?.holders).toEqual([other, holder]);
    expect(move).not.toHaveProperty("held");
  });
  test("of a workload without a number: one replica", () => {
    const { replicas: _replicas, ...spec } = aWorkload().build().spec;
    expect(written(stop(app({ ...aWorkload().build(), spec })))).toMatchObject({ original: 1, holders: [holder] });
  });
});

describe("a hold that is being given back is not joined", () => {
  test.each<[string, Partial<QuiesceRecord>]>([
    ["with the last of its holders", { state: "Restoring", holders: [other] }],
    ["without any", { holders: [] }],
  ])("%s", (_what, record) => {
    expect(stop(down(record))).toEqual({
      state: "waiting",
      actions: [],
      message: "Deployment shop is being given back by another holder",
    });
  });
});

test("pods that are left are counted, and one of them is named", () => {
  const pods = ["shop-0", "shop-1"].map((name) => aPod(name).build());
  expect(stop(down({}, ...pods)).message).toBe("2 pods still run, shop-0 among them");
});

test("who has started it is named where a tool has left its mark", () => {
  const argo = "argocd.argoproj.io/tracking-id";
  const seen = app(zero.replicas(2).annotated(argo, "web:apps/Deployment:shop/shop").build(), {});
  expect(whatStartedIt(seen, held, claims, "run-uid", at("01:00"))).toContain(
    "scaled to 2, as it seems by Argo CD: add",
  );
  expect(whatStartedIt(app(zero.replicas(2).build(), {}), held, claims, "run-uid", at("01:00"))).toBe(
    "Deployment shop was scaled to 2",
  );
});

test("a record is found by the uid of its workload, if it can be read", () => {
  expect(recordOf(down(), "shop-uid")?.record.state).toBe("Down");
  expect(recordOf(down(), "another-uid")).toBeUndefined();
  expect(recordOf(app(zero.build(), "{"), "shop-uid")).toBeUndefined();
});
