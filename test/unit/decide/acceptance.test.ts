/** What goes on record when a run or a restore is accepted, or refused. */
import { describe, expect, test } from "@jest/globals";
import type { HeldWorkload } from "../../../operator/api/kinds.ts";
import { acceptedStep, refusedStep, workloadsToHold } from "../../../operator/decide/acceptance.ts";
import { aPolicy, aWorkload, anApp, at } from "../../support/builders.ts";

const now = at("01:00");
const moment = "2026-11-21T01:00:00.000Z";

describe("the first step", () => {
  test("of what is accepted names the policy as it was, and what may spoil it", () => {
    const policy = aPolicy().meta({ generation: 7 }).build();
    const step = acceptedStep(now, policy, ["a tracker may scale it", "and another"]);
    expect(step).toEqual({
      name: "Accept",
      state: "Done",
      startedAt: moment,
      finishedAt: moment,
      message: "policy generation 7; a tracker may scale it; and another",
    });
    expect(acceptedStep(now, policy, []).message).toBe("policy generation 7");
  });
  test("of what is refused says why", () => {
    expect(refusedStep(now, { code: "HO-P104", message: "another run is active" })).toEqual({
      name: "Accept",
      state: "Failed",
      startedAt: moment,
      finishedAt: moment,
      code: "HO-P104",
      message: "another run is active",
    });
  });
});

describe("the workloads that are to be held", () => {
  const of = (...names: readonly string[]) => names.map((name) => ({ kind: "Deployment" as const, name }));
  const { replicas: _replicas, ...silent } = aWorkload("silent").build().spec;
  const app = anApp({
    workloads: [
      aWorkload("b").replicas(3).build(),
      aWorkload("a").replicas(0).build(),
      { ...aWorkload("silent").build(), spec: silent },
    ],
  });
  test.each<[string, readonly string[], readonly HeldWorkload[]]>([
    ["none", [], []],
    [
      "those that exist, in the order of the policy, as they are",
      ["a", "gone", "b"],
      [
        { kind: "Deployment", name: "a", uid: "a-uid", replicas: 0 },
        { kind: "Deployment", name: "b", uid: "b-uid", replicas: 3 },
      ],
    ],
    [
      "one replica where the workload says nothing",
      ["silent"],
      [{ kind: "Deployment", name: "silent", uid: "silent-uid", replicas: 1 }],
    ],
  ])("%s", (_name, names, expected) => {
    expect(
      workloadsToHold(
        app,
        aPolicy()
          .workloads(...of(...names))
          .build().spec,
      ),
    ).toEqual(expected);
  });
});
