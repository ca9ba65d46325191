/** What workloads, records and pods say about the app on the way down: stopping, stopped, disturbed. */
import { describe, expect, test } from "@jest/globals";
import type { HeldWorkload, Lease, Pod } from "../../../operator/api/kinds.ts";
import type { AppObservation } from "../../../operator/decide/app.ts";
import { guardTrouble } from "../../../operator/decide/guard.ts";
import type { Holder } from "../../../operator/decide/record.ts";
import { decideGiveBack } from "../../../operator/decide/giving-back.ts";
import { decideStop, whatStartedIt } from "../../../operator/decide/workload.ts";
import { app, armedGuard, claims, down, held, holder, lease, other, stopped, zero } from "../../support/app-states.ts";
import { aPod, aWorkload, anApp, at, namespace } from "../../support/builders.ts";

const exchange: Holder = { ...other, kind: "RestoreRequest" };
const now = at("01:00");

describe("stopping", () => {
  const cases: readonly {
    name: string;
    seen: AppObservation;
    of?: readonly HeldWorkload[];
    as?: Holder;
    state: string;
    says: string;
    does?: string;
  }[] = [
    {
      name: "running: a record first",
      seen: app(aWorkload().replicas(3).build()),
      state: "waiting",
      says: "stopping Deployment shop",
      does: "createRecord",
    },
    {
      name: "taken hold of, and the record was given up before anything was scaled: begins anew",
      seen: app(aWorkload().replicas(3).build()),
      of: stopped,
      state: "waiting",
      says: "stopping Deployment shop",
      does: "createRecord",
    },
    {
      name: "taken hold of, at zero, and the record was deleted",
      seen: app(zero.build()),
      of: stopped,
      state: "lost",
      says: "the quiesce record of Deployment shop was deleted",
    },
    {
      name: "the guard is not armed yet: waits, and says why",
      seen: app(aWorkload().replicas(3).build(), { state: "Intent" }),
      state: "waiting",
      says: "guard of Deployment shop: its pod was not created",
    },
    {
      name: "the guard is there, and is not armed: waits, and says why",
      seen: app(aWorkload().replicas(3).build(), { state: "Intent" }, [
        { ...armedGuard, status: { phase: "Running" } },
      ]),
      state: "waiting",
      says: "guard of Deployment shop: pod guard does not get through to the API server",
    },
    {
      name: "the guard is armed: goes on to stop",
      seen: app(aWorkload().replicas(3).build(), { state: "Intent" }, [armedGuard]),
      state: "waiting",
      says: "stopping",
      does: "updateRecord",
    },
    {
      name: "the guard is armed, and a person has parked it meanwhile: waits for the record to go",
      seen: app(zero.build(), { state: "Intent" }, [armedGuard]),
      state: "waiting",
      says: "stopping",
    },
    {
      name: "the record is not Down yet: waits",
      seen: app(aWorkload().replicas(3).build(), { state: "Stopping" }, [armedGuard]),
      state: "waiting",
      says: "stopping",
    },
    {
      name: "may be scaled, and somebody has brought it back: ends",
      seen: app(aWorkload().replicas(3).meta({ generation: 3 }).build(), { state: "Stopping" }, [armedGuard]),
      state: "lost",
      says: "Deployment shop was changed while it was being stopped",
    },
    {
      name: "Down, and a pod still runs: waits",
      seen: down({}, aPod().build()),
      state: "waiting",
      says: "pod shop-0 still runs",
    },
    {
      name: "Down, and a stranger has the claim: waits",
      seen: down({}, aPod("x").meta({ labels: {} }).mounting("shop-uploads").build()),
      state: "waiting",
      says: "pod x still runs",
    },
    {
      name: "Down, and every container has ended, although the pod is there",
      seen: down({}, aPod().ended({ name: "app", exitCode: 137 }).build()),
      state: "reached",
      says: "no process",
    },
    { name: "Down, and no pod is left", seen: down(), state: "reached", says: "no process" },
    {
      name: "Down by another, and too little time left of its own: takes the whole",
      seen: down({
        holders: [{ ...holder, deadline: "2026-11-21T00:00:00.000Z" }],
      }),
      state: "waiting",
      says: "stopping Deployment shop",
      does: "updateRecord",
    },
    {
      name: "held by another run: joins it",
      seen: down({ holders: [other] }),
      state: "waiting",
      says: "joining",
      does: "updateRecord",
    },
    {
      name: "held by a restore: does not join it",
      seen: down({ holders: [exchange] }),
      state: "waiting",
      says: "is held by other",
    },
    { name: "a restore joins nobody", seen: down(), as: exchange, state: "waiting", says: "is held by run" },
    {
      name: "being given back: waits for its end",
      seen: down({ state: "Restoring", holders: [] }),
      state: "waiting",
      says: "given back by another",
    },
    {
      name: "a record that cannot be read",
      seen: app(aWorkload().replicas(3).build(), "{"),
      state: "waiting",
      says: "cannot be read",
    },
    { name: "the workload is gone", seen: app(undefined), state: "lost", says: "was deleted" },
    {
      name: "the workload was made anew",
      seen: app(aWorkload().meta({ uid: "new" }).build()),
      state: "lost",
      says: "was deleted",
    },
    { name: "found at zero: nothing to do", seen: app(zero.build()), state: "reached", says: "no process" },
  ];
  test.each(cases)("$name", ({ seen, of = held, as = holder, state, says, does }) => {
    const move = decideStop(seen, namespace, of, { claims }, as, now);
    expect(move.state).toBe(state);
    expect(move.message).toContain(says);
    expect(move.actions.map((action) => action.do)).toEqual(does === undefined ? [] : [does]);
  });

  test("a look at the workload that is older than its record starts nothing", () => {
    const old = app(aWorkload().replicas(3).build(), {});
    expect(whatStartedIt(old, held, claims, "run-uid", at("01:00"))).toBeUndefined();
    expect(decideStop(old, namespace, stopped, { claims }, holder, now).state).toBe("reached");
  });
  test("a guard that is only being made alarms nobody", () => {
    const fresh = { metadata: { uid: "record", creationTimestamp: "2026-11-21T01:00:00Z" } } as Lease;
    expect(guardTrouble([], fresh, at("01:00") + 9_999)).toBe("it is starting");
    expect(guardTrouble([], fresh, at("01:00") + 10_000)).toContain("was not created");
  });
  test("whoever joins a hold remembers the count on record, not the zero that is there", () => {
    const accepted = held.map((item) => ({ ...item, replicas: 1 }));
    const move = decideStop(down({ holders: [other] }), namespace, accepted, { claims }, holder, now);
    expect(move.held).toMatchObject({ uid: "shop-uid", replicas: 3, heldAt: expect.any(String), downGeneration: 2 });
  });
  test("whoever shares a hold remembers the generation of the zero, too", () => {
    const [item] = held;
    const of = [{ ...item!, heldAt: "2026-11-21T00:59:00Z", downGeneration: undefined! }];
    const move = decideStop(down(), namespace, of, { claims }, holder, now);
    expect(move).toMatchObject({ state: "waiting", actions: [], held: { heldAt: of[0]!.heldAt, downGeneration: 2 } });
  });
  test("workloads go down in the order of the policy and come back in the reverse one", () => {
    const both: readonly HeldWorkload[] = ["web", "worker"].map((name) => ({
      kind: "Deployment",
      name,
      uid: `${name}-uid`,
      replicas: 1,
    }));
    const running = anApp({ workloads: [aWorkload("web").build(), aWorkload("worker").build()] });
    const first = decideStop(running, namespace, both, { claims }, holder, now).actions;
    expect(first).toMatchObject([{ record: { metadata: { name: "handover-web-uid" } } }]);
    const records = new Map(
      both.map(({ uid, name }) => [uid, { ...lease({}), metadata: { ...lease({}).metadata, name: `of-${name}` } }]),
    );
    const back = decideGiveBack({ ...running, records }, namespace, both, "run-uid").actions;
    expect(back).toMatchObject([{ do: "updateRecord", record: { metadata: { name: "of-worker" } } }]);
  });
});

const ended = (createdAt: string): Pod =>
  aPod("x")
    .meta({ labels: {}, creationTimestamp: createdAt })
    .mounting("shop-uploads")
    .ended({ name: "app", exitCode: 0 })
    .build();

describe("what has started the app during a capture", () => {
  test.each<{ name: string; seen: AppObservation; of?: readonly HeldWorkload[]; says: string | undefined }>([
    { name: "nothing", seen: down(), says: undefined },
    { name: "somebody scaled it", seen: app(zero.replicas(2).build(), {}), says: "was scaled to 2" },
    {
      name: "it was scaled up and down again",
      seen: app(zero.meta({ generation: 4 }).build(), {}),
      says: "was changed",
    },
    { name: "our hold has ended", seen: down({ holders: [other] }), says: "hold on Deployment shop has ended" },
    { name: "it was deleted", seen: app(undefined), says: "deleted or replaced" },
    { name: "it was replaced", seen: app(zero.meta({ uid: "new" }).build(), {}), says: "deleted or replaced" },
    { name: "a pod of it runs", seen: down({}, aPod().build()), says: "pod shop-0 runs" },
    {
      name: "a stranger uses its claim",
      seen: down({}, aPod("x").meta({ labels: {} }).mounting("shop-uploads").build()),
      says: "pod x runs",
    },
    {
      name: "a stranger came and went",
      seen: down({}, ended("2026-11-21T01:00:01Z")),
      says: "pod x has run",
    },
    { name: "a stranger had ended before", seen: down({}, ended("2026-11-21T01:00:00Z")), says: undefined },
    {
      name: "our own Job does not count",
      seen: down({}, aPod("c").meta({ labels: {} }).ofJob("c", "run-uid").mounting("shop-uploads").build()),
      says: undefined,
    },
    { name: "parked before us, without a record", seen: app(zero.build()), says: undefined },
    {
      name: "the record was deleted",
      seen: app(zero.build()),
      of: stopped,
      says: "record of Deployment shop was deleted",
    },
  ])("$name", ({ seen, of = held, says }) => {
    const found = whatStartedIt(seen, of, claims, "run-uid", at("01:00"));
    expect(found ?? "nothing").toContain(says ?? "nothing");
  });
});
