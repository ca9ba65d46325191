/** Reads everything that one object needs into one observation. Live reads throughout: what is decided on may stop or delete. */
import {
  type Autoscaler,
  type BackupPolicy,
  type BackupRun,
  type Claim,
  type Job,
  type Lease,
  type Pod,
  type PolicySpec,
  type RestoreRequest,
  type RestoreStatus,
  type RunStatus,
  type Workload,
  autoscalers,
  claims,
  deployments,
  jobs,
  leases,
  pods,
  policies,
  restores,
  runs,
  statefulSets,
} from "../api/kinds.ts";
import { isFinished } from "../api/conditions.ts";
import { guardName, labels, recordName } from "../api/names.ts";
import { type AdoptionWorld, isAdopting } from "../decide/adoption.ts";
import type { Settings } from "../decide/decision.ts";
import type { PolicyObservation } from "../decide/slots.ts";
import { isArmed, isGuardOf } from "../decide/guard.ts";
import { mindsHolds } from "../decide/prune-rounds.ts";
import { parseRecord, workloadResource } from "../decide/record.ts";
import type { RecordObservation } from "../decide/record-step.ts";
import type { RestoreObservation } from "../decide/restore-observation.ts";
import type { RunObservation } from "../decide/run-observation.ts";
import { vanishedPods } from "../decide/stopping.ts";
import { type AppObservation, workloadKey } from "../decide/app.ts";
import type { Cluster } from "./client.ts";

const emptyApp: AppObservation = {
  workloads: new Map(),
  records: new Map(),
  claims: new Map(),
  autoscalers: [],
  pods: [],
  lastStates: new Map(),
};

/** What a run or a restore has on record of the app. */
type Known = Pick<RunStatus & RestoreStatus, "steps" | "pods">;

async function observeApp(
  cluster: Cluster,
  namespace: string,
  policy: PolicySpec | undefined,
  known: Known = {},
): Promise<AppObservation> {
  if (policy === undefined) return emptyApp;
  const [found, claimList, autoscalerList, podList] = await Promise.all([
    Promise.all(
      policy.app.workloads.map(async (item) => {
        const workload = await cluster.get<Workload>(
          item.kind === "StatefulSet" ? statefulSets : deployments,
          namespace,
          item.name,
        );
        const lease =
          workload === undefined
            ? undefined
            : await cluster.get<Lease>(leases, namespace, recordName(workload.metadata.uid));
        return { key: workloadKey(item), workload, lease };
      }),
    ),
    cluster.list<Claim>(claims, { namespace }),
    cluster.list<Autoscaler>(autoscalers, { namespace }),
    cluster.list<Pod>(pods, { namespace }),
  ]);
  const records = new Map(
    found.flatMap(({ workload, lease }) =>
      workload === undefined || lease === undefined ? [] : [[workload.metadata.uid, lease]],
    ),
  );
  return {
    workloads: new Map(found.flatMap(({ key, workload }) => (workload === undefined ? [] : [[key, workload]]))),
    records,
    claims: new Map(claimList.map((claim) => [claim.metadata.name, claim])),
    autoscalers: autoscalerList,
    pods: podList,
    lastStates: await observeVanished(cluster, namespace, podList, [...records.values()], known),
  };
}

/**
 * Pods that were seen running and are gone without having been seen to end, as when this process was away for a while. Since the pod of
 * a guard of this app: it was there before anything was stopped. That of another app may have come when the pods had gone already.
 */
async function observeVanished(
  cluster: Cluster,
  namespace: string,
  present: readonly Pod[],
  records: readonly Lease[],
  { steps, pods: remembered = [] }: Known,
): Promise<ReadonlyMap<string, Pod>> {
  const stopping = steps?.some(({ name, state }) => name === "Quiesce" && state === "Running") === true;
  const guard = present.find((pod) => isArmed(pod) && records.some((lease) => isGuardOf(pod, lease)));
  const vanished = stopping ? vanishedPods(present, remembered) : [];
  if (guard === undefined || vanished.length === 0) return new Map();
  const states = await Promise.all(
    vanished.map((pod) => cluster.lastState<Pod>(pods, namespace, pod, guard.metadata.resourceVersion)),
  );
  return new Map(states.flatMap((pod) => (pod === undefined ? [] : [[pod.metadata.uid, pod]])));
}

const observeJobs = async (cluster: Cluster, namespace: string, ownerUID: string): Promise<ReadonlyMap<string, Job>> =>
  new Map(
    (await cluster.list<Job>(jobs, { namespace, labels: `${labels.owner}=${ownerUID}` })).map((job) => [
      job.metadata.name,
      job,
    ]),
  );

interface Others {
  readonly runs: readonly BackupRun[];
  readonly restores: readonly RestoreRequest[];
}

async function observeOthers(cluster: Cluster, namespace: string, policyName: string): Promise<Others> {
  const [runList, restoreList] = await Promise.all([
    cluster.list<BackupRun>(runs, { namespace }),
    cluster.list<RestoreRequest>(restores, { namespace }),
  ]);
  return {
    runs: runList.filter((run) => run.spec.policyName === policyName),
    restores: restoreList.filter((restore) => restore.spec.policyName === policyName),
  };
}

/** Whether its capture may end any moment, and find what another run has made. */
const mayFindUnchanged = ({ spec, status }: BackupRun): boolean =>
  spec.type === "Config" &&
  status?.steps?.some(({ name, state }) => name === "Capture" && state === "Running") === true;

/** @param known runs of the namespace in memory: enough for a finished run, whose copies later runs report on. */
export async function observeRun(
  cluster: Cluster,
  run: BackupRun,
  known: readonly BackupRun[],
  settings: Settings,
): Promise<RunObservation> {
  const { namespace, uid } = run.metadata;
  const { policyName } = run.spec;
  if (isFinished(run)) {
    const siblings = known.filter((other) => other.metadata.uid !== uid && other.spec.policyName === policyName);
    return { run, policy: undefined, siblings, restores: [], app: emptyApp, jobs: new Map(), settings };
  }
  const accepted = run.status?.policy;
  const [policy, others, ownJobs] = await Promise.all([
    cluster.get<BackupPolicy>(policies, namespace, policyName),
    // Who else works on the policy matters for the acceptance, what others hold for a prune, and what they have made for a look.
    accepted === undefined || mindsHolds(run.status) || mayFindUnchanged(run)
      ? observeOthers(cluster, namespace, policyName)
      : { runs: [], restores: [] },
    observeJobs(cluster, namespace, uid),
  ]);
  const app = await observeApp(cluster, namespace, accepted ?? policy?.spec, run.status);
  const siblings = others.runs.filter((other) => other.metadata.uid !== uid);
  return { run, policy, siblings, restores: others.restores, app, jobs: ownJobs, settings };
}

export async function observeRestore(
  cluster: Cluster,
  request: RestoreRequest,
  settings: Settings,
): Promise<RestoreObservation> {
  const { namespace, uid } = request.metadata;
  if (isFinished(request))
    return { request, policy: undefined, runs: [], siblings: [], app: emptyApp, jobs: new Map(), settings };
  const [policy, others, ownJobs] = await Promise.all([
    cluster.get<BackupPolicy>(policies, namespace, request.spec.policyName),
    observeOthers(cluster, namespace, request.spec.policyName),
    observeJobs(cluster, namespace, uid),
  ]);
  const app = await observeApp(cluster, namespace, request.status?.policy ?? policy?.spec, request.status);
  const siblings = others.restores.filter((other) => other.metadata.uid !== uid);
  return { request, policy, runs: others.runs, siblings, app, jobs: ownJobs, settings };
}

export async function observePolicy(
  cluster: Cluster,
  policy: BackupPolicy,
  settings: Settings,
): Promise<PolicyObservation> {
  const { name, namespace } = policy.metadata;
  const [runList, restoreList] = await Promise.all([
    cluster.list<BackupRun>(runs, { namespace }),
    cluster.list<RestoreRequest>(restores, { namespace }),
  ]);
  const own = runList.filter((run) => run.spec.policyName === name);
  const adoption = isAdopting(policy) ? await observeAdoption(cluster, policy, settings) : undefined;
  return {
    policy,
    runs: own,
    restores: restoreList.filter((restore) => restore.spec.policyName === name),
    takenNames: new Set(runList.filter((run) => !own.includes(run)).map((run) => run.metadata.name)),
    ...(adoption === undefined ? {} : { adoption }),
  };
}

async function observeAdoption(
  cluster: Cluster,
  { metadata: { namespace, uid } }: BackupPolicy,
  settings: Settings,
): Promise<AdoptionWorld> {
  const [ownJobs, ownPods] = await Promise.all([
    observeJobs(cluster, namespace, uid),
    cluster.list<Pod>(pods, { namespace, labels: `${labels.owner}=${uid}` }),
  ]);
  return { jobs: ownJobs, pods: ownPods, settings };
}

/** A holder is live while it exists under its uid and has not finished. */
export async function observeRecord(cluster: Cluster, lease: Lease): Promise<RecordObservation> {
  const record = parseRecord(lease);
  if (record === undefined) return { lease, workload: undefined, liveHolders: new Set(), guard: "absent" };
  const { namespace } = lease.metadata;
  const [guard, workload, holders] = await Promise.all([
    record.state === "Intent" || record.state === "Stopping" ? observeGuard(cluster, lease) : ("absent" as const),
    cluster.get<Workload>(workloadResource(record.target.kind), namespace, record.target.name),
    Promise.all(
      record.holders.map((holder) =>
        cluster.get<BackupRun | RestoreRequest>(holder.kind === "BackupRun" ? runs : restores, namespace, holder.name),
      ),
    ),
  ]);
  const live = holders
    .filter((holder) => holder !== undefined && !isFinished(holder))
    .map((holder) => holder?.metadata.uid ?? "");
  return {
    lease,
    workload: workload?.metadata.uid === record.target.uid ? workload : undefined,
    liveHolders: new Set(live),
    guard,
  };
}

async function observeGuard(cluster: Cluster, lease: Lease): Promise<RecordObservation["guard"]> {
  const { namespace, uid } = lease.metadata;
  const own = await cluster.list<Pod>(pods, { namespace, labels: `${labels.guard}=${uid}` });
  if (own.some((pod) => isGuardOf(pod, lease) && isArmed(pod))) return "armed";
  // Its Job is created last, so with it everything is there.
  return (await cluster.get<Job>(jobs, namespace, guardName(uid))) === undefined ? "absent" : "starting";
}
