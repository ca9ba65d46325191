/** What a quiesce record says when it is made, and when none is. */
import { describe, expect, test } from "@jest/globals";
import type { Lease } from "../../../operator/api/kinds.ts";
import { type Holder, buildRecord, parseRecord } from "../../../operator/decide/record.ts";
import { decideStop } from "../../../operator/decide/workload.ts";
import { aWorkload, anApp, at, namespace } from "../../support/builders.ts";

const now = at("01:05");
const holder: Holder = { kind: "BackupRun", name: "run", uid: "run-uid", deadline: "2026-11-21T01:10:00Z" };
const running = aWorkload().replicas(3).build();

describe("how a record comes to be", () => {
  const stop = (replicas: number): ReturnType<typeof decideStop> =>
    decideStop(
      anApp({ workloads: [aWorkload().replicas(replicas).build()] }),
      namespace,
      [{ kind: "Deployment", name: "shop", uid: "shop-uid", replicas }],
      { claims: new Set() },
      holder,
      now,
    );

  test("it holds the replicas that are there, and belongs to the workload", () => {
    const made = buildRecord(namespace, running, "Deployment", holder);
    expect(parseRecord(made as Lease)).toMatchObject({ original: 3, state: "Intent", holders: [{ uid: "run-uid" }] });
    expect(made.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual(["shop-uid"]);
  });
  test("one replica when the workload says nothing", () => {
    const { replicas: _replicas, ...spec } = running.spec;
    const made = buildRecord(namespace, { ...running, spec }, "Deployment", holder);
    expect(parseRecord(made as Lease)?.original).toBe(1);
  });
  test("an app found at zero gets none", () => {
    expect(stop(0)).toMatchObject({ state: "reached", actions: [] });
    expect(stop(3).actions.map(({ do: what }) => what)).toEqual(["createRecord"]);
  });
});
