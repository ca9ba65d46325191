/** What is to be done for one quiesce record now. The record alone scales workloads, down and up. */
import type { Lease, Workload } from "../api/kinds.ts";
import { type Instant, formatInstant, parseInstant } from "../domain/instant.ts";
import { type Action, type Decision, type DomainEvent, type Settings, earliest } from "./decision.ts";
import { buildGuard } from "./guard.ts";
import { type Holder, type QuiesceRecord, changeRecord, isForeign, parseRecord, workloadResource } from "./record.ts";
import { refuseWorkload } from "./stop-checks.ts";

export interface RecordObservation {
  readonly lease: Lease;
  /** undefined when it does not exist any more, or exists with another uid. */
  readonly workload: Workload | undefined;
  /** Uids of holders that exist and have not finished. */
  readonly liveHolders: ReadonlySet<string>;
  /** What is known of the guard before the workload is down; later nobody asks. */
  readonly guard: "absent" | "starting" | "armed";
}

/** What giving back needs to know of a workload: its scale is enough. */
export interface Scalable {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string };
  readonly spec: { readonly replicas?: number };
}

/** Between looks at a guard that starts: the app still runs, the run waits. */
const guardGlance = 250;
/** An Intent is looked at again by its holder's writes; this is for the case that they are missed. */
const longestIntent = 10_000;
/** Between giving the replicas back and looking whether they are. */
const readBack = 200;
/**
 * How long a scaling whose answer never came may still be carried out: 15 s on its way to the API server, and the minute that a server
 * gives a request.
 */
const latestScaling = 75_000;

/** Whether the hold is void by the clock. */
export const isOverdue = ({ deadline, exchanging }: Holder, now: Instant): boolean =>
  exchanging !== true && (parseInstant(deadline) ?? 0) <= now;

const settle = (
  actions: readonly Action[],
  wakeAfter?: number,
  event?: Omit<DomainEvent, "type">,
): Decision<undefined> => ({
  status: undefined,
  actions,
  events: event === undefined ? [] : [{ type: "Normal", ...event }],
  wakeAfter,
});

// It may be the only memory of an app that is down, so it is never deleted.
const unreadable: Decision<undefined> = {
  status: undefined,
  actions: [],
  events: [
    {
      type: "Warning",
      reason: "RecordUnreadable",
      message: "the quiesce record cannot be read; the replicas of its workload have to be set by hand",
    },
  ],
};

const update = (lease: Lease, record: QuiesceRecord, change: Partial<QuiesceRecord>): Action => ({
  do: "updateRecord",
  record: changeRecord(lease, { ...record, ...change }),
});
const remove = ({ metadata: { name, uid, resourceVersion } }: Lease): Action => ({
  do: "deleteRecord",
  name,
  uid,
  resourceVersion,
});
const scale = ({ target }: QuiesceRecord, { metadata }: Scalable, replicas: number): Action => ({
  do: "scale",
  resource: workloadResource(target.kind),
  name: target.name,
  replicas,
  resourceVersion: metadata.resourceVersion,
});

const toOriginal = (record: QuiesceRecord, workload: Scalable): Action => scale(record, workload, record.original);

/** One step for one record: what brings the workload to where its holders, or nobody any more, want it. */
export function decideRecord(seen: RecordObservation, settings: Settings, now: Instant): Decision<undefined> {
  const { lease, workload } = seen;
  const record = parseRecord(lease);
  if (record === undefined) return unreadable;
  if (workload === undefined) return settle([remove(lease)]);
  const live = record.holders.filter((holder) => seen.liveHolders.has(holder.uid) && !isOverdue(holder, now));
  if (live.length === 0) return decideRelease(lease, workload, now);
  if (live.length < record.holders.length) return settle([update(lease, record, { holders: live })], 0);
  if (record.state === "Intent" || record.state === "Stopping") return decideStopping(seen, record, workload, settings);
  // A new holder joined while the last one was being given back: it has to begin again.
  if (record.state === "Restoring") return settle([update(lease, record, { holders: [] })], 0);
  const deadlines = live.filter(({ exchanging }) => exchanging !== true).map(({ deadline }) => parseInstant(deadline));
  return settle([], earliest(...deadlines.map((deadline) => (deadline ?? now) - now)));
}

function decideStopping(
  { lease, guard }: RecordObservation,
  record: QuiesceRecord,
  workload: Workload,
  settings: Settings,
): Decision<undefined> {
  const { kind, name } = record.target;
  const replicas = workload.spec.replicas ?? 1;
  // At zero before anybody was told to scale: a person has parked it.
  if (replicas === 0 && record.state === "Intent") return settle([remove(lease)]);
  if (replicas === 0) return settle([update(lease, record, { state: "Down" })]);
  // It may have been at zero and somebody has started it again, which only its generation tells: the holder ends.
  if (record.state === "Stopping" && isForeign(record, workload)) return settle([], longestIntent);
  // Somebody changed the count, or what speaks against stopping it, between our reading it and our scaling: give up, the holder
  // starts over or fails. A rollout it has waited for, and one that begins in this very moment does no harm.
  if (replicas !== record.original || refuseWorkload(record.target, workload, { restores: true }) !== undefined)
    return settle([remove(lease)]);
  // Nothing is stopped before somebody else than this process can start it again.
  if (guard === "absent")
    return settle([{ do: "createGuard", objects: buildGuard(lease, record, settings) }], guardGlance);
  if (guard === "starting") return settle([], guardGlance);
  // The holder says when, workload by workload, once all its guards are armed.
  if (record.state === "Intent") return settle([], longestIntent);
  const message = `${kind} ${name} scaled ${replicas} -> 0`;
  return settle([scale(record, workload, 0)], 0, { reason: "AppStopping", message });
}

/** Of a workload that was stopped and that nobody holds any more; undefined when there is nothing to scale. */
export function scaleBack(lease: Lease, workload: Scalable | undefined): Action | undefined {
  const record = parseRecord(lease);
  if (record === undefined || record.state === "Intent" || workload?.spec.replicas !== 0) return undefined;
  return toOriginal(record, workload);
}

/** One step towards a workload that nobody holds: for the controller, for its guard, and for whoever gives back by hand. */
export function decideRelease(lease: Lease, workload: Scalable | undefined, now: Instant): Decision<undefined> {
  const record = parseRecord(lease);
  if (record === undefined) return unreadable;
  if (workload === undefined) return settle([remove(lease)]);
  const replicas = workload.spec.replicas ?? 1;
  if (replicas === 0) {
    // Nothing is scaled before the record says Stopping: a person has parked it while its guard was waited for.
    if (record.state === "Intent") return settle([remove(lease)]);
    return record.state === "Restoring"
      ? settle([toOriginal(record, workload)], readBack)
      : settle([update(lease, record, { state: "Restoring", holders: [] })], 0);
  }
  if (record.state === "Stopping" && replicas === record.original) return awaitLateScaling(lease, record, now);
  // Not at zero: given back, or never scaled, or somebody else's value stands.
  if (record.state !== "Restoring" || replicas !== record.original) return settle([remove(lease)]);
  const message = `${record.target.kind} ${record.target.name} scaled 0 -> ${replicas}`;
  return settle([remove(lease)], undefined, { reason: "AppRestored", message });
}

/**
 * Not scaled as far as can be seen, but a request may be on its way whose answer was lost. Without its record, a workload that such a
 * late one brings to zero would stay there.
 */
function awaitLateScaling(lease: Lease, record: QuiesceRecord, now: Instant): Decision<undefined> {
  const releasedAt = parseInstant(record.releasedAt);
  if (releasedAt === undefined || record.holders.length > 0)
    return settle([update(lease, record, { holders: [], releasedAt: formatInstant(now) })], 0);
  const left = releasedAt + latestScaling - now;
  return left > 0 ? settle([], left) : settle([remove(lease)]);
}
