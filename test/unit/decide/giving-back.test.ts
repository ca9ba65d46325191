/** What workloads and records say on the way back: whose zero it is, when it is given back, when it is ready. */
import { describe, expect, test } from "@jest/globals";
import type { Workload } from "../../../operator/api/kinds.ts";
import type { AppObservation } from "../../../operator/decide/app.ts";
import { decideGiveBack, unreadyWorkloads } from "../../../operator/decide/giving-back.ts";
import { app, down, held, other, stopped, zero } from "../../support/app-states.ts";
import { aWorkload, namespace } from "../../support/builders.ts";

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
    { name: "of the same name, but another one", seen: app(zero.meta({ uid: "new" }).build()), state: "reached" },
    { name: "gone", seen: app(undefined), state: "reached" },
  ])("stopped by us, its record deleted, the workload $name", ({ seen, state, does }) => {
    const move = decideGiveBack(seen, namespace, stopped, "run-uid");
    expect(move.state).toBe(state);
    expect(move.actions.map((action) => action.do)).toEqual(does === undefined ? [] : [does]);
  });
});

describe("ready", () => {
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
