/** What the workloads, their records and the pods of the namespace say about the app: running, stopping, stopped, back. */
import { type Autoscaler, type Claim, type HeldWorkload, type Lease, type Pod, type Workload } from "../api/kinds.ts";
import { labels } from "../api/names.ts";
import { type Instant, formatInstant } from "../domain/instant.ts";
import type { Action } from "./decision.ts";
import { isTerminated } from "./job-state.ts";
import { guardTrouble, isArmed, isGuardOf } from "./guard.ts";
import { type Holder, type QuiesceRecord, buildRecord, changeRecord, parseRecord, rebuildRecord } from "./record.ts";

export interface AppObservation {
  /** By `<kind>/<name>`. */
  readonly workloads: ReadonlyMap<string, Workload>;
  /** Quiesce records by the uid of their workload. */
  readonly records: ReadonlyMap<string, Lease>;
  readonly claims: ReadonlyMap<string, Claim>;
  readonly autoscalers: readonly Autoscaler[];
  /** Every pod of the namespace, read live. */
  readonly pods: readonly Pod[];
  /** By uid: pods that are gone, as they were when they went, as far as that is known. */
  readonly lastStates: ReadonlyMap<string, Pod>;
}

export const workloadKey = (of: { readonly kind: string; readonly name: string }): string => `${of.kind}/${of.name}`;

export function matchesSelector(pod: Pod, workload: Workload): boolean {
  const own = pod.metadata.labels ?? {};
  const { matchLabels = {}, matchExpressions = [] } = workload.spec.selector;
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) return false;
  return (
    Object.entries(matchLabels).every(([key, value]) => own[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = own[key];
      if (operator === "Exists") return value !== undefined;
      if (operator === "DoesNotExist") return value === undefined;
      if (operator === "In") return value !== undefined && values.includes(value);
      return value === undefined || !values.includes(value);
    })
  );
}

export const mountsClaim = (pod: Pod, claims: ReadonlySet<string>): boolean =>
  pod.spec.volumes?.some(
    (volume) => volume.persistentVolumeClaim !== undefined && claims.has(volume.persistentVolumeClaim.claimName),
  ) ?? false;

/** A pod of a Job of Handover: it may use the claims of the app, because it never does so with an app that it does not know stopped. */
export const isMover = (pod: Pod): boolean =>
  pod.metadata.labels?.[labels.owner] !== undefined && pod.metadata.labels[labels.step] !== undefined;

/** Pods that still may touch the app's data. A pod on a node that does not answer has containers without an end, so it counts. */
export function runningPods(
  app: AppObservation,
  held: readonly HeldWorkload[],
  claims: ReadonlySet<string>,
): readonly Pod[] {
  const workloads = held
    .map((workload) => app.workloads.get(workloadKey(workload)))
    .filter((workload) => workload !== undefined);
  return app.pods.filter(
    (pod) =>
      !isMover(pod) &&
      !isTerminated(pod) &&
      (mountsClaim(pod, claims) || workloads.some((workload) => matchesSelector(pod, workload))),
  );
}

export interface Move {
  readonly state: "waiting" | "reached" | "lost";
  readonly actions: readonly Action[];
  readonly message: string;
  /** The workload that is taken hold of by the actions, as the holder has to remember it before they are carried out. */
  readonly held?: HeldWorkload;
  /** What is waited for is the guard; nothing of the app has been touched. */
  readonly unguarded?: boolean;
}

const waiting = (message: string, ...actions: readonly Action[]): Move => ({ state: "waiting", actions, message });
export const recordOf = (app: AppObservation, uid: string): { lease: Lease; record: QuiesceRecord } | undefined => {
  const lease = app.records.get(uid);
  const record = lease === undefined ? undefined : parseRecord(lease);
  return lease === undefined || record === undefined ? undefined : { lease, record };
};

const deletedRecord = ({ kind, name }: HeldWorkload): string => `the quiesce record of ${kind} ${name} was deleted`;

/** One step towards "no process of the app runs", in the order of the policy. The scaling itself is the record's business. */
export function decideStop(
  app: AppObservation,
  namespace: string,
  held: readonly HeldWorkload[],
  claims: ReadonlySet<string>,
  holder: Holder,
  now: Instant,
): Move {
  const heldAt = formatInstant(now);
  for (const item of held) {
    const workload = app.workloads.get(workloadKey(item));
    if (workload === undefined || workload.metadata.uid !== item.uid)
      return { state: "lost", actions: [], message: `${item.kind} ${item.name} was deleted` };
    const found = recordOf(app, item.uid);
    if (found === undefined && app.records.has(item.uid))
      return waiting(`the quiesce record of ${item.kind} ${item.name} cannot be read`);
    if (found === undefined) {
      const replicas = workload.spec.replicas ?? 1;
      // Between our scaling and our look somebody has deleted the record. The way back remembers the number.
      if (replicas === 0 && item.heldAt !== undefined)
        return { state: "lost", actions: [], message: deletedRecord(item) };
      // At zero without a record: a person parked it. It stays parked, and nothing has to be given back.
      if (replicas === 0) continue;
      const record = buildRecord(namespace, workload, item.kind, holder);
      return {
        ...waiting(`stopping ${item.kind} ${item.name}`, { do: "createRecord", record }),
        held: { ...item, replicas, heldAt },
      };
    }
    const { lease, record } = found;
    if (!record.holders.some(({ uid }) => uid === holder.uid)) {
      if (record.state === "Restoring" || record.holders.length === 0)
        return waiting(`${item.kind} ${item.name} is being given back by another holder`);
      // Two captures may share a hold. An exchange changes the data, so it shares with nobody.
      if ([holder, ...record.holders].some(({ kind }) => kind === "RestoreRequest"))
        return waiting(`${item.kind} ${item.name} is held by ${record.holders.map(({ name }) => name).join(", ")}`);
      const joined = changeRecord(lease, { ...record, holders: [...record.holders, holder] });
      return {
        ...waiting(`joining the hold of ${item.kind} ${item.name}`, { do: "updateRecord", record: joined }),
        held: { ...item, replicas: record.original, heldAt },
      };
    }
    const armed = app.pods.some((pod) => isGuardOf(pod, lease) && isArmed(pod));
    if (record.state === "Intent" && !armed) {
      const message = `waiting for the guard of ${item.kind} ${item.name}: ${guardTrouble(app.pods, lease)}`;
      return { ...waiting(message), unguarded: true };
    }
  }
  // Only now, so that no workload is down while another still waits for its guard.
  for (const item of held) {
    const { lease, record } = recordOf(app, item.uid) ?? {};
    if (lease === undefined || record === undefined || record.state === "Down") continue;
    const message = `stopping ${item.kind} ${item.name}`;
    if (record.state !== "Intent") return waiting(message);
    return waiting(message, { do: "updateRecord", record: changeRecord(lease, { ...record, state: "Stopping" }) });
  }
  const left = runningPods(app, held, claims);
  const [first] = left;
  return first === undefined
    ? { state: "reached", actions: [], message: "no process of the app runs" }
    : waiting(`${left.length} pods still run, ${first.metadata.name} among them`);
}

/** Whether the app has been at zero all the time since it was stopped. @returns what has started it, if anything has. */
export function whatStartedIt(
  app: AppObservation,
  held: readonly HeldWorkload[],
  claims: ReadonlySet<string>,
  holderUID: string,
): string | undefined {
  for (const item of held) {
    const workload = app.workloads.get(workloadKey(item));
    if (workload === undefined || workload.metadata.uid !== item.uid)
      return `${item.kind} ${item.name} was deleted or replaced`;
    if ((workload.spec.replicas ?? 1) !== 0)
      return `${item.kind} ${item.name} was scaled to ${workload.spec.replicas ?? 1}`;
    const found = recordOf(app, item.uid);
    if (item.heldAt !== undefined && !app.records.has(item.uid)) return deletedRecord(item);
    // Parked before us: there is no record, and zero replicas are what is wanted.
    if (found === undefined) continue;
    if (!found.record.holders.some(({ uid }) => uid === holderUID))
      return `the hold on ${item.kind} ${item.name} has ended`;
    if (found.record.downGeneration !== workload.metadata.generation) return `${item.kind} ${item.name} was changed`;
  }
  const [pod] = runningPods(app, held, claims);
  return pod === undefined ? undefined : `pod ${pod.metadata.name} runs`;
}

/** One step towards "nothing but the end of its holder gives the app back": before an exchange of its data begins. */
export function decideExchange(app: AppObservation, held: readonly HeldWorkload[], holderUID: string): Move {
  for (const item of held) {
    const found = recordOf(app, item.uid);
    const own = found?.record.holders.find(({ uid }) => uid === holderUID);
    if (found === undefined || own === undefined || own.exchanging === true) continue;
    const holders = found.record.holders.map((holder) => (holder === own ? { ...own, exchanging: true } : holder));
    return waiting(`closing ${item.kind} ${item.name} for the exchange`, {
      do: "updateRecord",
      record: changeRecord(found.lease, { ...found.record, holders }),
    });
  }
  return { state: "reached", actions: [], message: "" };
}

/** One step towards "nothing of the app is held by us", in the reverse order of the policy. */
export function decideGiveBack(
  app: AppObservation,
  namespace: string,
  held: readonly HeldWorkload[],
  holderUID: string,
): Move {
  for (const item of held.toReversed()) {
    const found = recordOf(app, item.uid);
    if (found === undefined && app.records.has(item.uid))
      return waiting(`the quiesce record of ${item.kind} ${item.name} cannot be read`);
    if (found === undefined) {
      const workload = app.workloads.get(workloadKey(item));
      if (item.heldAt === undefined || workload?.metadata.uid !== item.uid || workload.spec.replicas !== 0) continue;
      return waiting(deletedRecord(item), { do: "createRecord", record: rebuildRecord(namespace, item) });
    }
    const { lease, record } = found;
    if (record.holders.some(({ uid }) => uid === holderUID)) {
      const holders = record.holders.filter(({ uid }) => uid !== holderUID);
      const state = holders.length === 0 && record.state === "Down" ? "Restoring" : record.state;
      return waiting(`giving back ${item.kind} ${item.name}`, {
        do: "updateRecord",
        record: changeRecord(lease, { ...record, holders, state }),
      });
    }
    // Given back by us, held by somebody else: the app is not up yet, and this must not say so.
    if (record.holders.length > 0)
      return waiting(`${item.kind} ${item.name} is still held by ${record.holders.map(({ name }) => name).join(", ")}`);
    return waiting(`giving back ${item.kind} ${item.name}`);
  }
  return { state: "reached", actions: [], message: "replicas given back" };
}

/** Workloads that are not there, or whose ready replicas are fewer than they should be. */
export function unreadyWorkloads(app: AppObservation, held: readonly HeldWorkload[]): readonly string[] {
  return held
    .filter((item) => {
      const workload = app.workloads.get(workloadKey(item));
      if (workload === undefined) return true;
      const settled = (workload.status?.observedGeneration ?? 0) >= (workload.metadata.generation ?? 0);
      return !settled || (workload.status?.readyReplicas ?? 0) < (workload.spec.replicas ?? 1);
    })
    .map((item) => `${item.kind} ${item.name}`);
}
