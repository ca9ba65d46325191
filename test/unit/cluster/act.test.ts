/** Each action is the write that was decided, with what was observed when it was decided, and with nothing that was read since. */
import { describe, expect, test } from "@jest/globals";
import { type Job, deployments, jobs, leases, runs } from "../../../operator/api/kinds.ts";
import { finalizer, labels } from "../../../operator/api/names.ts";
import { act } from "../../../operator/cluster/act.ts";
import type { Action } from "../../../operator/decide/decision.ts";
import { ownerOf } from "../../../operator/decide/run-jobs.ts";
import { aJob, aRun } from "../../support/builders.ts";
import { type Call, recordCluster } from "../../support/recorded-cluster.ts";

const run = aRun().meta({ resourceVersion: "41" }).build();
const record = {
  metadata: { name: "handover-w", namespace: "shop", uid: "record-uid", resourceVersion: "7" },
  spec: {},
};
const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease" };

const cases: readonly { readonly action: Action; readonly calls: readonly Call[] }[] = [
  {
    action: { do: "scale", resource: deployments, name: "shop", replicas: 0, resourceVersion: "12" },
    calls: [["scale", deployments, "shop", "shop", 0, "12"]],
  },
  {
    action: { do: "updateRecord", record },
    calls: [["update", leases, "shop", "handover-w", { ...lease, ...record }]],
  },
  {
    action: { do: "deleteRecord", name: "handover-w", uid: "record-uid", resourceVersion: "7" },
    calls: [["remove", leases, "shop", "handover-w", { uid: "record-uid", resourceVersion: "7" }]],
  },
  {
    action: { do: "deleteJob", name: "shop-1-warm-1", uid: "job-uid" },
    calls: [["remove", jobs, "shop", "shop-1-warm-1", { uid: "job-uid" }]],
  },
  {
    action: { do: "deleteRun", run },
    calls: [["remove", runs, "shop", "shop-1", { uid: "shop-1-uid" }]],
  },
  {
    action: { do: "setFinalizers", finalizers: [finalizer] },
    calls: [["patch", runs, "shop", "shop-1", { metadata: { resourceVersion: "41", finalizers: [finalizer] } }]],
  },
];

test.each(cases)("$action.do carries what was observed, and asks for nothing else", async ({ action, calls }) => {
  const recorded = recordCluster();
  await expect(act(recorded.cluster, runs, run, action)).resolves.toBe("done");
  expect(recorded.calls).toEqual(calls);
});

test.each(["conflict", "exists"])("a write that meets with %p is looked at again, and not repeated", async (answer) => {
  const { cluster, calls } = recordCluster({ scale: answer, create: answer });
  const action: Action =
    answer === "exists"
      ? { do: "createRecord", record }
      : { do: "scale", resource: deployments, name: "shop", replicas: 0, resourceVersion: "12" };
  await expect(act(cluster, runs, run, action)).resolves.toBe("again");
  expect(calls).toHaveLength(1);
});

describe("a Job under our name", () => {
  const { metadata } = aJob("shop-1-warm-1").build();
  const create: Action = {
    do: "createJob",
    job: { apiVersion: "batch/v1", kind: "Job", metadata, spec: {} },
    ownerUID: "shop-1-uid",
  };
  const among = (existing: Job | undefined) => recordCluster({ create: "exists", get: existing }).cluster;

  test("that is ours is from an earlier attempt to create it", async () => {
    const ours = aJob("shop-1-warm-1").meta({ ownerReferences: [ownerOf("BackupRun", run.metadata)] });
    await expect(act(among(ours.build()), runs, run, create)).resolves.toBe("done");
  });

  test.each([
    ["a stranger's", []],
    ["of a deleted run of the same name", [ownerOf("BackupRun", { ...run.metadata, uid: "former-uid" })]],
  ])("that is %s is never taken for ours", async (_, ownerReferences) => {
    // Whoever copies a Job copies its labels.
    const theirs = aJob("shop-1-warm-1").meta({ labels: { [labels.owner]: run.metadata.uid }, ownerReferences });
    await expect(act(among(theirs.build()), runs, run, create)).rejects.toThrow("belongs to something else");
  });
});
