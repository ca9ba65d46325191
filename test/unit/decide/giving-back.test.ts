/** What workloads and records say on the way back: whose zero it is, when it is given back, when it is ready. */
import { describe, expect, test } from "@jest/globals";
import type { Lease, Workload } from "../../../operator/api/kinds.ts";
import type { AppObservation } from "../../../operator/decide/app.ts";
import { decideGiveBack, unreadyWorkloads } from "../../../operator/decide/giving-back.ts";
import { parseRecord } from "../../../operator/decide/record.ts";
import { app, down, held, other, stopped, zero } from "../../support/app-states.ts";
import { aPod, aWorkload, anApp, namespace } from "../../support/builders.ts";

describe("giving back", () => {
  test.each<{ name: string; seen: AppObservation; state: string; does?: string }>([
    { name: "held by us: our hold is dropped", seen: down(), state: "waiting", does: "updateRecord" },
    {
      name: "dropped: waits for the record to do its work",
      seen: down({ state: "Restoring", holders: [] }),
      state: "waiting",
    },
    { name: "held by another run: not up yet", seen: down({ holders: [other] }), state: "waiting" },
    { name: "a record that cannot be read: not up yet", seen: app(zero.build(), "{"), state: "waiting" },
    { name: "no record: given back", seen: app(aWorkload().replicas(3).build()), state: "reached" },
    { name: "no record, never stopped by us: it stays parked", seen: app(zero.build()), state: "reached" },
  ])("$name", ({ seen, state, does }) => {
    const move = decideGiveBack(seen, namespace, held, "run-uid");
    expect(move.state).toBe(state);
    expect(move.actions.map((action) => action.do)).toEqual(does === undefined ? [] : [does]);
  });

  test.each<{ name: string; seen: AppObservation; state: string; does?: string }>([
    { name: "still at zero", seen: app(zero.build()), state: "waiting", does: "createRecord" },
    { name: "started by somebody", seen: app(aWorkload().replicas(1).build()), state: "reached" },
    {
      name: "given back by its guard, and parked by a person since",
      seen: app(zero.meta({ generation: 4 }).build()),
      state: "reached",
    },
    {
      name: "still at zero, with another change of its spec",
      seen: app(zero.meta({ generation: 3 }).build()),
      state: "waiting",
      does: "createRecord",
    },
    { name: "of the same name, but another one", seen: app(zero.meta({ uid: "new" }).build()), state: "reached" },
    { name: "gone", seen: app(undefined), state: "reached" },
  ])("stopped by us, its record deleted, the workload $name", ({ seen, state, does }) => {
    const move = decideGiveBack(seen, namespace, stopped, "run-uid");
    expect(move.state).toBe(state);
    expect(move.actions.map((action) => action.do)).toEqual(does === undefined ? [] : [does]);
  });
});

test("a record that somebody has spoilt is written anew, over the very one that was seen", () => {
  const seen = app(zero.build(), "{");
  const [action] = decideGiveBack(seen, namespace, stopped, "run-uid").actions;
  expect(action).toMatchObject({ do: "updateRecord", record: { metadata: { resourceVersion: expect.any(String) } } });
  expect(parseRecord((action as { record: Lease }).record)).toMatchObject({
    state: "Restoring",
    original: 3,
    holders: [],
  });
  // Somebody has started it meanwhile, and a newer release has its own idea of a record.
  for (const untouched of [app(aWorkload().replicas(1).build(), "{"), app(zero.build(), '{"version":2}')])
    expect(decideGiveBack(untouched, namespace, stopped, "run-uid")).toMatchObject({ actions: [], unreadable: true });
});

describe("ready", () => {
  const leaving = aPod("shop-0").meta({ deletionTimestamp: "2026-11-21T01:00:00Z" });
  test.each([
    { name: "whose only pod is on its way out is not", kind: "StatefulSet" as const, pod: leaving, is: false },
    { name: "whose pod has ended is", kind: "StatefulSet" as const, pod: leaving.ended(), is: true },
    { name: "has a new pod beside the old one", kind: "Deployment" as const, pod: leaving, is: true },
  ])("a $kind $name", ({ kind, pod, is }) => {
    const seen = anApp({ workloads: [aWorkload().replicas(1).build()], pods: [pod.build()] });
    const all = { ...seen, workloads: new Map([[`${kind}/shop`, aWorkload().replicas(1).build()]]) };
    expect(unreadyWorkloads(all, [{ ...held[0]!, kind }])).toEqual(is ? [] : [`${kind} shop`]);
  });
  test("one that was made anew while it was stopped has our zero, and is not", () => {
    const made = app(zero.meta({ uid: "new" }).build());
    expect(unreadyWorkloads(made, stopped)).toEqual(["Deployment shop (made anew at 0 replicas, it had 3)"]);
    const parked = app(zero.meta({ uid: "new", generation: 1 }).build());
    expect(unreadyWorkloads(parked, held)).toEqual([]);
  });

  test.each<{ name: string; workload: Workload; unready: readonly string[] }>([
    { name: "all replicas are ready", workload: aWorkload().replicas(3).build(), unready: [] },
    { name: "one is missing", workload: aWorkload().replicas(3).ready(2).build(), unready: ["Deployment shop"] },
    {
      name: "the count is of an older generation",
      workload: aWorkload().replicas(3).meta({ generation: 9 }).build(),
      unready: ["Deployment shop"],
    },
    { name: "parked", workload: zero.meta({ generation: 1 }).build(), unready: [] },
  ])("$name", ({ workload, unready }) => {
    expect(unreadyWorkloads(app(workload), held)).toEqual(unready);
  });
});
