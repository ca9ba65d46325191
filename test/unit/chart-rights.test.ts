/**
 * The chart grants the rights that the controller uses, and no other. Which those are is not written down by hand: the
 * whole controller works here against a connection that records its requests.
 */
import { beforeAll, describe, expect, test } from "@jest/globals";
import {
  type BackupRun,
  type Job,
  deployments,
  policies,
  restores,
  runs,
  statefulSets,
} from "../../operator/api/kinds.ts";
import { act } from "../../operator/cluster/act.ts";
import { createClient } from "../../operator/cluster/client.ts";
import { EventRecorder } from "../../operator/cluster/events.ts";
import { createListWatch } from "../../operator/cluster/watch.ts";
import type { Action, Manifest } from "../../operator/decide/decision.ts";
import { buildGuard } from "../../operator/decide/guard.ts";
import { buildRecord, parseRecord } from "../../operator/decide/record.ts";
import { ownerOf } from "../../operator/decide/run-jobs.ts";
import { systemClock } from "../../operator/runtime/clock.ts";
import { LeaderElector } from "../../operator/runtime/leader.ts";
import { Metrics } from "../../operator/runtime/metrics.ts";
import { Operator } from "../../operator/runtime/operator.ts";
import { version } from "../../operator/version.ts";
import { settings } from "../support/builders.ts";
import { documents, installed } from "../support/installed.ts";
import { type Rights, recordRights, sortRights } from "../support/recorded-rights.ts";
import { recordingLog } from "./runtime/recording-log.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}
const rulesOf = (kind: string, name: string): readonly Rule[] => installed(kind, name).rules;
const rightsOf = (rules: readonly Rule[]): Rights =>
  sortRights(
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => [`${group || "core"}/${resource}`, verb] as const)),
      ),
    ),
  );

const metadata = (name: string) => ({ name, namespace: "shop", uid: `uid-${name}`, resourceVersion: "1" });
const workload = { metadata: metadata("shop"), spec: { replicas: 1, selector: {} } };
const holder = { kind: "BackupRun" as const, name: "gone", uid: "gone", deadline: "2026-01-01T00:00:00Z" };
const record = { ...buildRecord("shop", workload, "Deployment", holder) };
const lease = { ...record, metadata: { ...record.metadata, uid: "uid-lease", resourceVersion: "1" } };
const policy = {
  metadata: { ...metadata("shop"), generation: 1 },
  spec: {
    app: {
      workloads: [
        { kind: "Deployment", name: "shop" },
        { kind: "StatefulSet", name: "shop-queue" },
      ],
      quiesce: "ScaleToZero",
      stopTimeout: "2m",
      maxDowntime: "10m",
    },
    store: { claimName: "store" },
    sinks: [],
    schedules: [],
    retention: { source: {}, sinks: {} },
    mover: {},
  },
};
const run = { metadata: metadata("by-hand"), spec: { policyName: "shop", type: "Full", sinks: [] } };
const restore = { metadata: metadata("back"), spec: { policyName: "shop", from: { latest: true } } };
const guardObjects: readonly (Manifest & { readonly rules?: readonly Rule[] })[] = buildGuard(
  lease,
  parseRecord(lease)!,
  settings,
);
/** Exists already, so that its owner has to be looked at. */
const job: Job = { metadata: { ...metadata("job"), ownerReferences: [ownerOf("BackupRun", run.metadata)] }, spec: {} };

/** One of each kind of write. A new kind of action does not compile before it is here. */
const actions: Readonly<Record<Action["do"], Action>> = {
  createJob: {
    do: "createJob",
    job: { apiVersion: "batch/v1", kind: "Job", ...job, spec: {} },
    ownerUID: run.metadata.uid,
  },
  deleteJob: { do: "deleteJob", name: "job", uid: "uid-job" },
  createGuard: { do: "createGuard", objects: guardObjects },
  createRecord: { do: "createRecord", record },
  updateRecord: { do: "updateRecord", record: lease },
  deleteRecord: { do: "deleteRecord", name: lease.metadata.name, uid: "uid-lease", resourceVersion: "1" },
  scale: { do: "scale", resource: deployments, name: "shop", replicas: 0, resourceVersion: "1" },
  createRun: { do: "createRun", name: "shop-nightly", spec: {}, labels: {} },
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its name and uid are used
  deleteRun: { do: "deleteRun", run: run as unknown as BackupRun },
  setFinalizers: { do: "setFinalizers", finalizers: [] },
};

const scaleStatefulSet: Action = {
  do: "scale",
  resource: statefulSets,
  name: "shop-queue",
  replicas: 0,
  resourceVersion: "1",
};

/** Lets the whole controller work on a small world, then makes every write that a decision can ask for. */
async function rightsOfController(): Promise<Rights> {
  const connection = recordRights({
    backuppolicies: [policy],
    backupruns: [run],
    restorerequests: [restore],
    deployments: [workload],
    statefulsets: [{ ...workload, metadata: metadata("shop-queue") }],
    leases: [lease],
    jobs: [job],
  });
  const cluster = createClient(connection, { attempts: 1 });
  const log = recordingLog();
  const instant = { now: () => 0, monotonic: () => 0 };
  const events = new EventRecorder({ cluster, instance: "test", ...instant, onFailure: () => undefined });

  for (const action of Object.values(actions)) await act(cluster, runs, run, action);
  await act(cluster, restores, restore, actions.setFinalizers);
  await act(cluster, runs, run, scaleStatefulSet);
  const note = { type: "Normal", reason: "Twice", message: "the second time the count is raised" } as const;
  for (let time = 0; time < 2; time++) await events.record(policies, policy, note);

  const stop = new AbortController();
  const operator = new Operator({
    cluster,
    source: (resource, selector) =>
      createListWatch(connection, resource, selector === undefined ? {} : { labels: selector }),
    events,
    settings,
    clock: systemClock,
    log,
    metrics: new Metrics({ version }),
    workers: 2,
  });
  const ended = [operator.watch(stop.signal), operator.work(stop.signal)];
  await settled(() => JSON.stringify(connection.rights()));
  stop.abort();
  await Promise.all(ended);
  return connection.rights();
}

/** Waits until the value has not changed for a while. */
async function settled(value: () => string): Promise<void> {
  for (let before = "", same = 0; same < 5;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    same = value() === before ? same + 1 : 0;
    before = value();
  }
}

async function rightsOfElection(): Promise<Rights> {
  const empty = recordRights({});
  const held = recordRights({ leases: [{ metadata: metadata("handover-controller"), spec: {} }] });
  for (const connection of [empty, held]) {
    const stop = new AbortController();
    const elector = new LeaderElector({
      cluster: createClient(connection, { attempts: 1 }),
      namespace: "handover-system",
      name: "handover-controller",
      identity: "test",
      clock: systemClock,
      log: recordingLog(),
    });
    await elector.run(stop.signal, async () => stop.abort());
  }
  return sortRights(
    [empty, held].flatMap((connection) =>
      Object.entries(connection.rights()).flatMap(([resource, verbs]) =>
        verbs.map((verb) => [resource, verb] as const),
      ),
    ),
  );
}

describe("rights", () => {
  let used: Rights;
  beforeAll(async () => {
    used = await rightsOfController();
  }, 30_000);

  const group = "backup.handover.dev";
  // For people to read; the next tests hold it equal to the code and to the chart.
  const table: Rights = {
    "apps/deployments": ["get"],
    "apps/deployments/scale": ["update"],
    "apps/statefulsets": ["get"],
    "apps/statefulsets/scale": ["update"],
    "autoscaling/horizontalpodautoscalers": ["list"],
    [`${group}/backuppolicies`]: ["get", "list", "watch"],
    [`${group}/backuppolicies/status`]: ["update"],
    [`${group}/backupruns`]: ["create", "delete", "get", "list", "patch", "watch"],
    [`${group}/backupruns/status`]: ["update"],
    [`${group}/restorerequests`]: ["get", "list", "patch", "watch"],
    [`${group}/restorerequests/status`]: ["update"],
    "batch/jobs": ["create", "delete", "get", "list", "watch"],
    "coordination.k8s.io/leases": ["create", "delete", "get", "list", "update", "watch"],
    "core/events": ["create", "patch"],
    "core/persistentvolumeclaims": ["list"],
    "core/pods": ["list", "watch"],
    "core/serviceaccounts": ["create"],
    "rbac.authorization.k8s.io/rolebindings": ["create"],
    "rbac.authorization.k8s.io/roles": ["create"],
  };
  /** Held only to be passed on to guards. */
  const passedOn: Rights = {
    "apps/deployments/scale": ["get", "update"],
    "apps/statefulsets/scale": ["get", "update"],
  };

  test("the controller makes these requests", () => {
    expect(used).toEqual(table);
  });

  test("the chart grants exactly them", () => {
    // Asked for by an admission plugin, on behalf of the requests that create Jobs: their owner cannot go before them.
    expect(ownerOf("BackupRun", { name: "run", uid: "uid" }).blockOwnerDeletion).toBe(true);
    const finalizers = {
      [`${group}/backupruns/finalizers`]: ["update"],
      [`${group}/restorerequests/finalizers`]: ["update"],
    };
    expect(rightsOf(rulesOf("ClusterRole", "handover"))).toEqual({ ...table, ...passedOn, ...finalizers });
  });

  test("the controller has every right that it gives to a guard, and a guard has them for one object each", () => {
    const rules = guardObjects.flatMap(({ rules: of = [] }) => of);
    const own = rightsOf(rulesOf("ClusterRole", "handover"));
    for (const [resource, verbs] of Object.entries(rightsOf(rules)))
      expect(own[resource]).toEqual(expect.arrayContaining([...verbs]));
    expect(rules.map(({ resourceNames }) => resourceNames)).toEqual([["shop"], [lease.metadata.name]]);
  });

  test("the election asks for its Lease at home", async () => {
    expect(await rightsOfElection()).toEqual({ "coordination.k8s.io/leases": ["create", "get", "update"] });
    const rules = rulesOf("Role", "handover-election");
    expect(rightsOf(rules)).toEqual({ "coordination.k8s.io/leases": ["create", "get", "update"] });
    const named = rules.filter(({ verbs }) => !verbs.includes("create"));
    expect(named.map(({ resourceNames }) => resourceNames)).toEqual([["handover-controller"]]);
  });

  test("no wildcard, no Secret, nothing that enters or makes pods, nothing that grants rights which one does not have", () => {
    const all = documents.flatMap((object): readonly Rule[] => object.rules ?? []);
    expect(all.length).toBeGreaterThan(10);
    expect(all.flatMap(({ apiGroups, resources, verbs }) => [apiGroups, resources, verbs].flat())).not.toContain("*");
    const resources = all.flatMap((rule) => rule.resources);
    expect(
      resources.filter((name) => /secret|configmap|exec|attach|portforward|token|clusterrole|webhook/.test(name)),
    ).toEqual([]);
    const pods = all.filter((rule) => rule.resources.some((name) => name.startsWith("pods")));
    expect(pods.flatMap((rule) => rule.verbs)).toEqual(["list", "watch"]);
    const granting = all.filter((rule) => rule.resources.some((name) => /role|serviceaccount/.test(name)));
    expect(new Set(granting.flatMap((rule) => rule.verbs))).toEqual(new Set(["create"]));
    expect(all.flatMap((rule) => rule.verbs).filter((verb) => /escalate|bind|impersonate/.test(verb))).toEqual([]);
  });

  test("people: view reads, edit writes specs, nobody writes a status", () => {
    expect(rulesOf("ClusterRole", "handover-view")[0]?.verbs).toEqual(["get", "list", "watch"]);
    const edit = rulesOf("ClusterRole", "handover-edit")[0];
    expect(edit?.verbs).toEqual(["create", "update", "patch", "delete", "deletecollection"]);
    expect(edit?.resources).toEqual(["backuppolicies", "backupruns", "restorerequests"]);
  });
});
