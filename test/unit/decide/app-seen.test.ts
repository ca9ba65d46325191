/** What may be said of the app by whoever looks at it, is about to stop it, or has given it back. */
import { describe, expect, test } from "@jest/globals";
import type { HeldWorkload, Workload } from "../../../operator/api/kinds.ts";
import { appGivenBack, hasStopped, isBecauseOfAnother, judgeApp, seeApp } from "../../../operator/decide/app-state.ts";
import { app, held, stopped } from "../../support/app-states.ts";
import { aPolicy, aWorkload, anApp } from "../../support/builders.ts";

const up = aWorkload().replicas(3).build();
const parked = aWorkload().replicas(0).build();
const slow = aWorkload().replicas(3).ready(2).build();
const anew = aWorkload().replicas(3).meta({ uid: "another-uid" }).build();
const policy = aPolicy().build().spec;

describe("who only looks", () => {
  test.each<[string, Workload | undefined, Parameters<typeof app>[1], string]>([
    ["up", up, undefined, "Up"],
    [
      "of no number of replicas is one, and up",
      aWorkload()
        .spec({ replicas: undefined as never })
        .build(),
      undefined,
      "Up",
    ],
    ["not all ready", slow, undefined, "Unknown"],
    ["parked", parked, undefined, "Parked"],
    ["gone", undefined, undefined, "Unknown"],
    ["with a record that touches nothing yet", up, { state: "Intent" }, "Up"],
    ["with a record that may scale it", up, { state: "Stopping" }, "Unknown"],
    ["down under a record", parked, { state: "Down" }, "Unknown"],
    ["with a record that cannot be read", up, "{", "Unknown"],
  ])("%s", (_what, workload, record, state) => {
    expect(seeApp(app(workload, record), policy)).toBe(state);
  });
  test("knows nothing without a policy, or of a policy without workloads", () => {
    expect(seeApp(app(up), undefined)).toBe("Unknown");
    expect(seeApp(app(up), aPolicy().workloads().build().spec)).toBe("Unknown");
  });
  test("calls up what is up as a whole", () => {
    const two = aPolicy().workloads({ kind: "Deployment", name: "shop" }, { kind: "Deployment", name: "rest" });
    const seen = (...workloads: readonly Workload[]): string => seeApp(anApp({ workloads }), two.build().spec);
    expect(seen(up)).toBe("Unknown");
    expect(seen(up, aWorkload("rest").replicas(1).build())).toBe("Up");
    expect(seen(up, aWorkload("rest").replicas(0).build())).toBe("Up");
    expect(seen(parked, aWorkload("rest").replicas(0).build())).toBe("Parked");
  });
});

describe("who is about to stop it", () => {
  test.each<[string, Workload | undefined, Parameters<typeof app>[1], string]>([
    ["up", up, undefined, "Up"],
    ["not all ready", slow, undefined, "Down"],
    ["gone", undefined, undefined, "Down"],
    ["parked", parked, undefined, "Parked"],
    ["made anew", anew, undefined, "Up"],
    ["with a record that touches nothing yet", up, { state: "Intent" }, "Up"],
    ["down under a record", parked, { state: "Down" }, "Unknown"],
  ])("%s", (_what, workload, record, state) => {
    expect(judgeApp(app(workload, record), held)).toBe(state);
  });
  test("an app of nothing is up, not parked", () => {
    expect(judgeApp(app(up), [])).toBe("Up");
  });
  test("of two, both have to be parked", () => {
    const both: readonly HeldWorkload[] = [...held, { kind: "Deployment", name: "rest", uid: "rest-uid", replicas: 1 }];
    const rest = aWorkload("rest");
    expect(judgeApp(anApp({ workloads: [parked, rest.build()] }), both)).toBe("Up");
    expect(judgeApp(anApp({ workloads: [parked, rest.replicas(0).build()] }), both)).toBe("Parked");
  });
});

describe("who has given it back", () => {
  const times = { readyAt: "2026-11-21T01:00:00Z" };
  test.each<[string, Workload | undefined, Parameters<typeof app>[1], object, string]>([
    ["ready", up, undefined, {}, "Up"],
    ["not ready now, but ready then", slow, undefined, { times }, "Up"],
    ["not ready, then or now", slow, undefined, {}, "Unknown"],
    ["not ready, with other times", slow, undefined, { times: {} }, "Unknown"],
    ["parked by a person since", parked, undefined, { times }, "Parked"],
    ["stopped by another since", parked, { state: "Down" }, { times }, "Up"],
  ])("%s", (_what, workload, record, status, state) => {
    expect(appGivenBack(app(workload, record), { workloads: held, ...status })).toBe(state);
  });
  test("nothing is up", () => {
    expect(appGivenBack(app(up), {})).toBe("Up");
  });
});

test("it has begun to stop with the first workload that is taken down", () => {
  expect(hasStopped({})).toBe(false);
  expect(hasStopped({ workloads: held })).toBe(false);
  expect(hasStopped({ workloads: [...held, ...stopped] })).toBe(true);
});

test("two codes say that another was active", () => {
  expect((["HO-P109", "HO-R806"] as const).every(isBecauseOfAnother)).toBe(true);
  expect((["HO-P101", "", undefined] as const).some(isBecauseOfAnother)).toBe(false);
});
