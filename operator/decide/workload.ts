/** What the workloads, their records and the pods of the namespace say about the app on its way down: running, stopping, stopped. */
import type { ErrorCode } from "../api/codes.ts";
import type { HeldWorkload, Lease } from "../api/kinds.ts";
import { type Instant, formatInstant } from "../domain/instant.ts";
import { type AppObservation, podsSince, runningPods, workloadKey } from "./app.ts";
import type { Action } from "./decision.ts";
import { trackerOf } from "./gitops.ts";
import { guardTrouble, isArmed, isGuardOf } from "./guard.ts";
import { isTerminated } from "./job-state.ts";
import { claimTrouble } from "./locations.ts";
import { type Holder, type QuiesceRecord, buildRecord, changeRecord, isForeign, parseRecord } from "./record.ts";
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
  /** What is waited for does not come by itself: a person has to look at the record. */
  readonly unreadable?: boolean;
}

export const waiting = (message: string, ...actions: readonly Action[]): Move => ({
  state: "waiting",
  actions,
  message,
});
export const recordOf = (app: AppObservation, uid: string): { lease: Lease; record: QuiesceRecord } | undefined => {
  const lease = app.records.get(uid);
  const record = lease === undefined ? undefined : parseRecord(lease);
  return lease === undefined || record === undefined ? undefined : { lease, record };
};

export const deletedRecord = ({ kind, name }: HeldWorkload): string =>
  `the quiesce record of ${kind} ${name} was deleted`;

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
    const workload = app.workloads.get(workloadKey(item));
    const refusal = mayStop(item);
    if (record.state === "Stopping" && workload !== undefined && isForeign(record, workload)) {
      const changed = `${item.kind} ${item.name} was changed while it was being stopped`;
      return ended(
        refusal === undefined || refusal.code === "HO-S204" ? { code: "HO-S209", message: changed } : refusal,
      );
    }
    // Parked by a person while its guard was waited for: the record goes, and with it what would be given back.
    if (record.state !== "Intent" || workload?.spec.replicas === 0) return waiting(message);
    if (refusal !== undefined) return refused(refusal);
    // From now on it may be scaled, so from now on zero replicas may be ours, and not before: a person may park the app while its
    // record waits for the guard.
    const stopAt = formatInstant(now);
    const downGeneration = (workload?.metadata.generation ?? 0) + 1;
    const stopping: QuiesceRecord = { ...renewHolder(record, holder), state: "Stopping", stopAt, downGeneration };
    return {
      ...waiting(message, { do: "updateRecord", record: changeRecord(lease, stopping) }),
      held: { ...item, replicas: record.original, heldAt: stopAt, downGeneration },
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
      ...noteStop(item, record, now),
    };
  }
  const armed = app.pods.some((pod) => isGuardOf(pod, lease) && isArmed(pod));
  if (record.state === "Intent" && !armed) {
    const message = `waiting for the guard of ${item.kind} ${item.name}: ${guardTrouble(app.pods, lease, now)}`;
    return { ...waiting(message), unguarded: true };
  }
  // Another has stopped it since this one joined, and its way back has to know the zero as well.
  if (record.downGeneration !== undefined && record.downGeneration !== item.downGeneration)
    return { ...waiting(`stopping ${item.kind} ${item.name}`), ...noteStop(item, record, now) };
  // Another has brought it down, and this one had waited so long for it that less than its budget would be left.
  if (record.state === "Down" && own.deadline < holder.deadline)
    return waiting(`stopping ${item.kind} ${item.name}`, {
      do: "updateRecord",
      record: changeRecord(lease, renewHolder(record, holder)),
    });
  return undefined;
}

/** What a holder remembers of a workload that somebody else has stopped, or is about to; nothing while it is an Intent. */
const noteStop = (
  item: HeldWorkload,
  { original, downGeneration }: QuiesceRecord,
  now: Instant,
): { readonly held?: HeldWorkload } =>
  downGeneration === undefined
    ? {}
    : { held: { ...item, replicas: original, heldAt: item.heldAt ?? formatInstant(now), downGeneration } };

const renewHolder = (record: QuiesceRecord, holder: Holder): QuiesceRecord => ({
  ...record,
  holders: record.holders.map((one) => (one.uid === holder.uid ? holder : one)),
});

/** What somebody has done to a workload since it was brought to zero. */
function whatChanged(app: AppObservation, item: HeldWorkload, record: QuiesceRecord | undefined): string | undefined {
  const workload = app.workloads.get(workloadKey(item));
  if (workload === undefined) return undefined;
  // Also when the look at the workload is older than that at its record, and shows it before it was scaled down.
  if (record !== undefined && !isForeign(record, workload)) return undefined;
  const replicas = workload.spec.replicas ?? 1;
  const tracker = trackerOf(item, workload);
  if (replicas !== 0)
    return `${item.kind} ${item.name} was scaled to ${replicas}${tracker === undefined ? "" : `, as it seems by ${tracker}`}`;
  return record === undefined ? undefined : `${item.kind} ${item.name} was changed`;
}

/**
 * Whether the app has been at zero all the time since it was stopped.
 * @param goneAt when no process of it ran any more. @returns what has started it, if anything has.
 */
export function whatStartedIt(
  app: AppObservation,
  held: readonly HeldWorkload[],
  claims: ReadonlySet<string>,
  holderUID: string,
  goneAt: Instant,
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
  const [pod] = podsSince(goneAt, app, held, claims);
  if (pod === undefined) return undefined;
  return `pod ${pod.metadata.name} ${isTerminated(pod) ? "has run" : "runs"}`;
}
