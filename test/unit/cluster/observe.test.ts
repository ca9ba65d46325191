/** What is there by name counts only when it is the one that was meant: names are used again, uids never. */
import { describe, expect, test } from "@jest/globals";
import type { KubeObject, Lease, Pod, Resource } from "../../../operator/api/kinds.ts";
import { observeRecord, observeRun } from "../../../operator/cluster/observe.ts";
import {
  type Holder,
  type QuiesceRecord,
  buildRecord,
  changeRecord,
  parseRecord,
} from "../../../operator/decide/record.ts";
import { aGuard } from "../../support/app-states.ts";
import { aPod, aPolicy, aRestore, aRun, aWorkload, namespace, settings } from "../../support/builders.ts";
import { recordCluster } from "../../support/recorded-cluster.ts";

const shop = aWorkload().replicas(3).build();
const byRun: Holder = { kind: "BackupRun", name: "shop-1", uid: "shop-1-uid", deadline: "2026-11-21T01:10:00Z" };
const byRestore: Holder = { ...byRun, kind: "RestoreRequest", name: "back", uid: "back-uid" };

function lease(state: QuiesceRecord["state"], ...holders: readonly Holder[]): Lease {
  const made = buildRecord(namespace, shop, "Deployment", byRun);
  const stored: Lease = { metadata: { ...made.metadata, uid: "record-uid", resourceVersion: "7" }, spec: {} };
  const { metadata } = changeRecord(stored, { ...parseRecord(stored)!, state, holders });
  return { ...stored, metadata: { ...stored.metadata, ...metadata } };
}

/** @param objects by plural and name */
const observe = async (holders: readonly Holder[], objects: Readonly<Record<string, KubeObject>>) =>
  observeRecord(
    recordCluster({ get: (resource: Resource, _: string, name: string) => objects[`${resource.plural}/${name}`] })
      .cluster,
    lease("Down", ...holders),
  );

describe("the workload of a record", () => {
  test("is the one on record", async () => {
    expect((await observe([byRun], { "deployments/shop": shop })).workload).toBe(shop);
  });
  test("is gone when another one has its name", async () => {
    const another = aWorkload().meta({ uid: "another-uid" }).build();
    expect((await observe([byRun], { "deployments/shop": another })).workload).toBeUndefined();
  });
});

describe("the guard of a record whose workload still runs", () => {
  const guardOf = (ready: "True" | "False", change?: object): Pod => aGuard("guard", "record-uid", ready, change);
  test.each([
    { name: "that nobody has made is absent", job: undefined, pods: [], is: "absent" },
    { name: "that has no pod yet starts", job: {}, pods: [], is: "starting" },
    { name: "whose pod does not reach the API server starts", job: {}, pods: [guardOf("False")], is: "starting" },
    {
      name: "whose pod is being deleted starts anew",
      job: {},
      pods: [guardOf("True", { deletionTimestamp: "2026-11-21T01:00:00Z" })],
      is: "starting",
    },
    { name: "whose pod says so is armed", job: {}, pods: [guardOf("True")], is: "armed" },
  ])("$name", async ({ job, pods, is }) => {
    const get = (resource: Resource): unknown => (resource.plural === "jobs" ? job : undefined);
    const { guard } = await observeRecord(recordCluster({ get, list: pods }).cluster, lease("Stopping", byRun));
    expect(guard).toBe(is);
  });
});

describe("a holder of a record", () => {
  test("is live while it exists and has not finished, whatever its kind", async () => {
    const objects = { "backupruns/shop-1": aRun().build(), "restorerequests/back": aRestore().build() };
    expect((await observe([byRun, byRestore], objects)).liveHolders).toEqual(new Set(["shop-1-uid", "back-uid"]));
  });
  test.each([
    ["that was deleted", {}],
    ["that has finished", { "backupruns/shop-1": aRun().finished("Complete").build() }],
    ["whose name another one has by now", { "backupruns/shop-1": aRun().meta({ uid: "another-uid" }).build() }],
  ])("%s holds nothing", async (_, objects: Readonly<Record<string, KubeObject>>) => {
    expect((await observe([byRun], objects)).liveHolders.has("shop-1-uid")).toBe(false);
  });
});

describe("a pod that is gone without having been seen to end", () => {
  const run = aRun()
    .status({
      policy: aPolicy().build().spec,
      steps: [{ name: "Quiesce", state: "Running", attempt: 1 }],
      pods: [{ name: "shop-0", uid: "shop-0-uid" }],
    })
    .build();
  const last = aPod("shop-0").build();
  const look = async (guards: readonly Pod[]): Promise<readonly unknown[]> => {
    const stored = lease("Down", byRun);
    const { cluster, calls } = recordCluster({
      get: ({ plural }: Resource) => ({ deployments: shop, leases: stored })[plural],
      list: ({ plural }: Resource) => (plural === "pods" ? guards : []),
      lastState: last,
    });
    const { app } = await observeRun(cluster, run, [], settings);
    const since = calls.filter(([method]) => method === "lastState").map((call) => call.at(-1));
    expect([...app.lastStates.values()]).toEqual(since.map(() => last));
    return since;
  };
  // That of another app may be younger than the end of the pod, and then nothing is told of it.
  test("is asked for since the guard of its own app, whichever is listed first", async () => {
    const own = aGuard("own", "record-uid", "True", { resourceVersion: "100" });
    const others = aGuard("others", "others-uid", "True", { resourceVersion: "200" });
    expect(await look([others, own])).toEqual(["100"]);
    expect(await look([others])).toEqual([]);
  });
});
