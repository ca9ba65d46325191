/** What the workloads, their records and the pods of the namespace say about the app: running, stopping, stopped, back. */
import type { ErrorCode } from "../api/codes.ts";
import type { HeldWorkload, Lease } from "../api/kinds.ts";
import { type Instant, formatInstant } from "../domain/instant.ts";
import { type AppObservation, runningPods, workloadKey } from "./app.ts";
import type { Action } from "./decision.ts";
import { trackerOf } from "./gitops.ts";
import { guardTrouble, isArmed, isGuardOf } from "./guard.ts";
import { claimTrouble } from "./locations.ts";
import { type Holder, type QuiesceRecord, buildRecord, changeRecord, parseRecord, rebuildRecord } from "./record.ts";
import { type Refusal, refuseStop } from "./stop-checks.ts";

export interface Move {
  readonly state: "waiting" | "reached" | "lost";
  readonly actions: readonly Action[];
  readonly message: string;
  /** Of the step, if it ends here. */
  readonly code?: ErrorCode;
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

const ended = (move: Refusal): Move => ({ state: "lost", actions: [], ...move });
/** A rollout ends by itself, so it is waited for; what else is in the way stays there. */
const refused = (refusal: Refusal): Move =>
  refusal.code === "HO-S204" ? { ...waiting(refusal.message), code: refusal.code } : ended(refusal);

/**
 * One step towards "no process of the app runs". The scaling itself is the record's business. Workloads are taken hold of in the order
 * of their uids, whatever the policy says, so that two who want the same ones never wait for each other; they go down in the
 * order of the policy.
 */
export function decideStop(
  app: AppObservation,
  namespace: string,
  held: readonly HeldWorkload[],
  { claims, needed = [] }: { readonly claims: ReadonlySet<string>; readonly needed?: readonly string[] },
  holder: Holder,
  now: Instant,
): Move {
  const mayStop = (item: HeldWorkload): Refusal | undefined =>
    needed.map((name) => claimTrouble(name, app.claims)).find((trouble) => trouble !== undefined) ??
    refuseStop(app, held, { claims, restores: holder.kind === "RestoreRequest" }, [item]);
  for (const item of held.toSorted((a, b) => (a.uid < b.uid ? -1 : 1))) {
    const move = takeHold(app, namespace, item, holder, now, mayStop);
    if (move !== undefined) return move;
  }
  // Only now, so that no workload is down while another still waits for its guard.
  for (const item of held) {
    const { lease, record } = recordOf(app, item.uid) ?? {};
    if (lease === undefined || record === undefined) continue;
    if (record.state === "Down") {
      const started = whatChanged(app, item, record);
      if (started !== undefined) return ended({ code: "HO-S209", message: started });
      continue;
    }
    const message = `stopping ${item.kind} ${item.name}`;
    if (record.state !== "Intent") return waiting(message);
    const refusal = mayStop(item);
    if (refusal !== undefined) return refused(refusal);
    // From now on it may be scaled, so from now on zero replicas without a record are ours, and not before: a person may park
    // the app while its record waits for the guard.
    const stopping: QuiesceRecord = { ...renewHolder(record, holder), state: "Stopping" };
    return {
      ...waiting(message, { do: "updateRecord", record: changeRecord(lease, stopping) }),
      held: { ...item, replicas: record.original, heldAt: formatInstant(now) },
    };
  }
  const left = runningPods(app, held, claims);
  const [first] = left;
  return first === undefined
    ? { state: "reached", actions: [], message: "no process of the app runs" }
    : waiting(
        left.length === 1
          ? `pod ${first.metadata.name} still runs`
          : `${left.length} pods still run, ${first.metadata.name} among them`,
      );
}

/** @returns undefined when the workload is held, its guard is armed, or it was found at zero */
function takeHold(
  app: AppObservation,
  namespace: string,
  item: HeldWorkload,
  holder: Holder,
  now: Instant,
  mayStop: (item: HeldWorkload) => Refusal | undefined,
): Move | undefined {
  const heldAt = formatInstant(now);
  const workload = app.workloads.get(workloadKey(item));
  if (workload === undefined || workload.metadata.uid !== item.uid)
    return ended({ code: "HO-S211", message: `${item.kind} ${item.name} was deleted` });
  const found = recordOf(app, item.uid);
  if (found === undefined && app.records.has(item.uid))
    return waiting(`the quiesce record of ${item.kind} ${item.name} cannot be read`);
  if (found === undefined) {
    const replicas = workload.spec.replicas ?? 1;
    // Between our scaling and our look somebody has deleted the record. The way back remembers the number.
    if (replicas === 0 && item.heldAt !== undefined) return ended({ code: "HO-S211", message: deletedRecord(item) });
    // At zero without a record: a person parked it. It stays parked, and nothing has to be given back.
    if (replicas === 0) return undefined;
    const refusal = mayStop(item);
    if (refusal !== undefined) return refused(refusal);
    const record = buildRecord(namespace, workload, item.kind, holder);
    return waiting(`stopping ${item.kind} ${item.name}`, { do: "createRecord", record });
  }
  const { lease, record } = found;
  const own = record.holders.find(({ uid }) => uid === holder.uid);
  if (own === undefined) {
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
  // Another has brought it down, and this one had waited so long for it that less than its budget would be left.
  if (record.downAt !== undefined && own.deadline < holder.deadline)
    return waiting(`stopping ${item.kind} ${item.name}`, {
      do: "updateRecord",
      record: changeRecord(lease, renewHolder(record, holder)),
    });
  return undefined;
}

const renewHolder = (record: QuiesceRecord, holder: Holder): QuiesceRecord => ({
  ...record,
  holders: record.holders.map((one) => (one.uid === holder.uid ? holder : one)),
});

/** What somebody has done to a workload since it was brought to zero. */
function whatChanged(app: AppObservation, item: HeldWorkload, record: QuiesceRecord | undefined): string | undefined {
  const workload = app.workloads.get(workloadKey(item));
  if (workload === undefined) return undefined;
  const replicas = workload.spec.replicas ?? 1;
  const tracker = trackerOf(item, workload);
  if (replicas !== 0)
    return `${item.kind} ${item.name} was scaled to ${replicas}${tracker === undefined ? "" : `, as it seems by ${tracker}`}`;
  return record === undefined || record.downGeneration === workload.metadata.generation
    ? undefined
    : `${item.kind} ${item.name} was changed`;
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
    const found = recordOf(app, item.uid);
    if (item.heldAt !== undefined && !app.records.has(item.uid)) return deletedRecord(item);
    const changed = whatChanged(app, item, found?.record);
    if (changed !== undefined) return changed;
    // Parked before us: there is no record, and zero replicas are what is wanted.
    if (found === undefined) continue;
    if (!found.record.holders.some(({ uid }) => uid === holderUID))
      return `the hold on ${item.kind} ${item.name} has ended`;
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
  let stuck: Move | undefined;
  for (const item of held.toReversed()) {
    const found = recordOf(app, item.uid);
    if (found === undefined && app.records.has(item.uid)) {
      stuck ??= waiting(`the quiesce record of ${item.kind} ${item.name} cannot be read`);
      continue;
    }
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
    // Nobody holds it any more: it comes back before the next one is let go.
    if (record.holders.length === 0) return waiting(`giving back ${item.kind} ${item.name}`);
    // Held by somebody else, who may be waiting for what we still hold: so the next one is let go, too.
    stuck ??= waiting(
      `${item.kind} ${item.name} is still held by ${record.holders.map(({ name }) => name).join(", ")}`,
    );
  }
  // Given back by us, but the app is not up yet, and this must not say so.
  return stuck ?? { state: "reached", actions: [], message: "replicas given back" };
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
