/** What is seen and remembered of the pods of an app: which run, which are lost, and who is told of a doubt. */
import { describe, expect, test } from "@jest/globals";
import type { HeldWorkload, Lease, Pod } from "../../../operator/api/kinds.ts";
import { parseRecord } from "../../../operator/decide/record.ts";
import {
  describeLost,
  doubtOf,
  followPods,
  isOutOfReach,
  spreadDoubt,
  vanishedPods,
} from "../../../operator/decide/stopping.ts";
import { app as appWith, down, holder, other, zero } from "../../support/app-states.ts";
import { aPod, aWorkload, anApp } from "../../support/builders.ts";

const held: readonly HeldWorkload[] = [{ kind: "Deployment", name: "shop", uid: "shop-uid", replicas: 3 }];
const claims = new Set(["shop-uploads"]);
interface Found {
  readonly pods: readonly string[];
  readonly lost: readonly string[];
}
const follow = (seen: readonly Pod[], remembered: readonly string[] = [], last: readonly Pod[] = []): Found => {
  const app = anApp({
    workloads: [aWorkload().replicas(0).build()],
    pods: seen,
    lastStates: new Map(last.map((pod) => [pod.metadata.uid, pod])),
  });
  const found = followPods(
    app,
    held,
    claims,
    remembered.map((name) => ({ name, uid: `${name}-uid` })),
  );
  return { pods: found.pods.map(({ name }) => name), lost: found.lost.map(({ name }) => name) };
};
const ended = aPod("a").ended({ name: "app", exitCode: 143 }).build();
const waits = (reason: string, restartCount = 0): Pod =>
  aPod("a")
    .status({ phase: "Pending", containerStatuses: [{ name: "app", restartCount, state: { waiting: { reason } } }] })
    .build();

describe("of the pods of an app", () => {
  test.each<{
    name: string;
    seen: readonly Pod[];
    remembered?: readonly string[];
    last?: readonly Pod[];
    found: Found;
  }>([
    { name: "one that runs is remembered", seen: [aPod("a").build()], found: { pods: ["a"], lost: [] } },
    { name: "one that has ended is not", seen: [ended], remembered: ["a"], found: { pods: [], lost: [] } },
    {
      name: "one that never started need not be seen to end",
      seen: [waits("ContainerCreating")],
      found: { pods: [], lost: [] },
    },
    {
      name: "one that starts again and again does",
      seen: [waits("CrashLoopBackOff", 3)],
      found: { pods: ["a"], lost: [] },
    },
    { name: "one that is gone is lost", seen: [], remembered: ["a"], found: { pods: ["a"], lost: ["a"] } },
    {
      name: "one that had ended when it went is not",
      seen: [],
      remembered: ["a"],
      last: [ended],
      found: { pods: [], lost: [] },
    },
    {
      name: "one that is gone is lost beside one that runs",
      seen: [aPod("b").build()],
      remembered: ["a", "b"],
      found: { pods: ["b", "a"], lost: ["a"] },
    },
    {
      name: "one that had not is lost",
      seen: [],
      remembered: ["a"],
      last: [aPod("a").build()],
      found: { pods: ["a"], lost: ["a"] },
    },
    {
      name: "one of the same name is another one",
      seen: [aPod("a").meta({ uid: "new" }).build()],
      remembered: ["a"],
      found: { pods: ["a", "a"], lost: ["a"] },
    },
  ])("$name", ({ seen, remembered, last, found }) => {
    expect(follow(seen, remembered, last)).toEqual(found);
  });

  test("as many are remembered as a status holds, those that run first", () => {
    const gone = Array.from({ length: 1_000 }, (_, index) => `gone-${index}`);
    const found = follow([aPod("a").build()], gone);
    expect(found.pods).toEqual(["a", ...gone.slice(0, 999)]);
    expect(found.lost).toEqual(gone);
  });

  const conditions = (ready: string, containers: string): Pod =>
    aPod()
      .status({
        conditions: [
          { type: "PodScheduled", status: "True" },
          { type: "Ready", status: ready },
          { type: "ContainersReady", status: containers },
        ],
      })
      .build();
  test.each<{ name: string; pod: Pod; is: boolean }>([
    { name: "one that runs", pod: conditions("True", "True"), is: false },
    { name: "one that is not ready", pod: conditions("False", "False"), is: false },
    { name: "one of which nothing is known", pod: aPod().status(undefined).build(), is: false },
    { name: "one that was evicted", pod: aPod().status({ reason: "Evicted" }).build(), is: false },
    { name: "one whose node does not answer", pod: conditions("False", "True"), is: true },
    { name: "one of a lost node", pod: aPod().status({ reason: "NodeLost" }).build(), is: true },
  ])("$name is within reach: not $is", ({ pod, is }) => {
    expect(isOutOfReach(pod)).toBe(is);
  });
});

describe("of pods that are gone", () => {
  const refs = (...names: readonly string[]) => names.map((name) => ({ name, uid: `${name}-uid` }));
  test("the last state is asked for of those that are not there any more", () => {
    const seen = [aPod("a").build(), aPod("c").meta({ uid: "new" }).build()];
    expect(vanishedPods(seen, refs("a", "b", "c"))).toEqual(refs("b", "c"));
    expect(vanishedPods([], [])).toEqual([]);
  });
  test("one is named, and more are counted", () => {
    const deleted = "deleted before its processes were seen to end";
    expect(describeLost(refs("a"))).toBe(`pod a was ${deleted}`);
    expect(describeLost(refs("a", "b", "c"))).toBe(`pod a and 2 more was ${deleted}`);
  });
});

describe("a doubt", () => {
  const doubt = "pod a was deleted";
  const spread = (seen: Parameters<typeof spreadDoubt>[0], uid: string): unknown => {
    const move = spreadDoubt(seen, held, uid, doubt);
    const told = move.actions.map((action) =>
      action.do === "updateRecord" ? parseRecord(action.record as Lease) : action,
    );
    return { ...move, actions: told };
  };
  const nobody = { state: "reached", actions: [], message: doubt };

  test("is written into the record, for whoever shares the hold", () => {
    const seen = down({ holders: [holder, other] });
    expect(spread(seen, holder.uid)).toEqual({
      state: "waiting",
      actions: [expect.objectContaining({ doubt, state: "Down", original: 3, holders: [holder, other] })],
      message: doubt,
    });
  });
  test.each<[string, Parameters<typeof spreadDoubt>[0], string]>([
    ["that is on record already", down({ doubt: "another one" }), holder.uid],
    ["where there is no record", appWith(zero.build()), holder.uid],
    ["where the record is spoilt", appWith(zero.build(), "{"), holder.uid],
    ["of whom is no holder", down(), "someone-uid"],
  ])("%s is not written", (_name, seen, uid) => {
    expect(spread(seen, uid)).toEqual(nobody);
  });
  test("is written into the record of each workload, one after the other", () => {
    const two: readonly HeldWorkload[] = [{ ...held[0]!, name: "first", uid: "first-uid" }, ...held];
    expect(spreadDoubt(down(), two, holder.uid, doubt).actions).toHaveLength(1);
  });
  test("of any workload is a doubt of all", () => {
    const two: readonly HeldWorkload[] = [{ ...held[0]!, name: "first", uid: "first-uid" }, ...held];
    expect(doubtOf(down({ doubt }), two)).toBe(doubt);
    expect(doubtOf(down(), two)).toBeUndefined();
    expect(doubtOf(down({ doubt }), [])).toBeUndefined();
  });
});
