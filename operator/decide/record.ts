/**
 * The quiesce record: one Lease per workload uid, owned by the workload, never by a run. It exists before the workload is
 * scaled to zero and until its replicas are back, so that whoever finds it knows what to give back.
 *
 *   Intent     written, not scaled yet     -> scale to 0 with the observed resourceVersion -> Down
 *   Down       at zero, held               -> no holder left -> Restoring
 *   Restoring  giving back                 -> scale to `original` -> read back -> record deleted
 *
 * `original` is read once, when the record is made, and never again: after a crash the workload shows 0.
 */
import * as z from "zod";
import {
  type HeldWorkload,
  type Lease,
  type Resource,
  type Workload,
  deployments,
  statefulSets,
} from "../api/kinds.ts";
import { annotations, labels, managedBy, recordName } from "../api/names.ts";
import { type Instant, formatInstant, parseInstant } from "../domain/instant.ts";
import type { Action, Decision, DomainEvent, RecordManifest } from "./decision.ts";

const holderSchema = z.object({
  kind: z.enum(["BackupRun", "RestoreRequest"]),
  name: z.string(),
  uid: z.string(),
  /** After this moment the hold is void, whatever its owner does. */
  deadline: z.string(),
});
const recordSchema = z.object({
  version: z.literal(1),
  target: z.object({ kind: z.enum(["Deployment", "StatefulSet"]), name: z.string(), uid: z.string() }),
  original: z.number().int().min(1).max(10_000),
  state: z.enum(["Intent", "Down", "Restoring"]),
  downAt: z.string().optional(),
  /** metadata.generation of the workload at zero: another value later means that somebody changed its spec. */
  downGeneration: z.number().int().optional(),
  holders: z.array(holderSchema).readonly(),
});
export type Holder = Readonly<z.infer<typeof holderSchema>>;
export type QuiesceRecord = Readonly<z.infer<typeof recordSchema>>;

export const workloadResource = (kind: string): Resource => (kind === "StatefulSet" ? statefulSets : deployments);

const holdersOf = ({ holders }: QuiesceRecord): string => holders.map(({ name }) => name).join(",");

/** @returns undefined when the Lease holds no record of a version that is understood. */
export function parseRecord(lease: Lease): QuiesceRecord | undefined {
  const text = lease.metadata.annotations?.[annotations.record];
  if (text === undefined) return undefined;
  try {
    return recordSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The record of a workload that is about to be stopped. */
export function buildRecord(
  namespace: string,
  workload: Workload,
  kind: QuiesceRecord["target"]["kind"],
  holder: Holder,
): RecordManifest {
  const { name, uid } = workload.metadata;
  const original = workload.spec.replicas ?? 1;
  return newRecord(namespace, {
    version: 1,
    target: { kind, name, uid },
    original,
    state: "Intent",
    holders: [holder],
  });
}

/** The record of a workload that is down and whose record somebody has deleted: it says only that it is to be given back. */
export function rebuildRecord(namespace: string, { kind, name, uid, replicas }: HeldWorkload): RecordManifest {
  return newRecord(namespace, {
    version: 1,
    target: { kind, name, uid },
    original: replicas,
    state: "Restoring",
    holders: [],
  });
}

function newRecord(namespace: string, record: QuiesceRecord): RecordManifest {
  const { kind, name, uid } = record.target;
  return {
    metadata: {
      name: recordName(uid),
      namespace,
      labels: { [labels.record]: "true", [labels.managedBy]: managedBy },
      ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid }],
      annotations: { [annotations.record]: JSON.stringify(record) },
    },
    spec: { holderIdentity: holdersOf(record) },
  };
}

export function changeRecord(lease: Lease, record: QuiesceRecord): RecordManifest {
  return {
    ...lease,
    metadata: {
      ...lease.metadata,
      annotations: { ...lease.metadata.annotations, [annotations.record]: JSON.stringify(record) },
    },
    spec: { ...lease.spec, holderIdentity: holdersOf(record) },
  };
}

export interface RecordObservation {
  readonly lease: Lease;
  /** undefined when it does not exist any more, or exists with another uid. */
  readonly workload: Workload | undefined;
  /** Uids of holders that exist and have not finished. */
  readonly liveHolders: ReadonlySet<string>;
}

/** One step for one record: what brings the workload to where its holders, or nobody any more, want it. */
export function decideRecord(seen: RecordObservation, now: Instant): Decision<undefined> {
  const { lease, workload } = seen;
  const record = parseRecord(lease);
  const settle = (
    actions: readonly Action[],
    events: readonly DomainEvent[] = [],
    wakeAfter?: number,
  ): Decision<undefined> => ({
    status: undefined,
    actions,
    events,
    wakeAfter,
  });
  // A record that cannot be read is never deleted: it may be the only memory of an app that is down.
  if (record === undefined)
    return settle(
      [],
      [
        {
          type: "Warning",
          reason: "RecordUnreadable",
          message: "the quiesce record cannot be read; the replicas of its workload have to be set by hand",
        },
      ],
    );
  const { name, uid, resourceVersion } = lease.metadata;
  const remove: Action = { do: "deleteRecord", name, uid, resourceVersion };
  const update = (change: Partial<QuiesceRecord>): Action => ({
    do: "updateRecord",
    record: changeRecord(lease, { ...record, ...change }),
  });
  if (workload === undefined) return settle([remove]);

  const live = record.holders.filter(
    (holder) => seen.liveHolders.has(holder.uid) && (parseInstant(holder.deadline) ?? 0) > now,
  );
  const replicas = workload.spec.replicas ?? 1;
  const scale = (to: number): Action => ({
    do: "scale",
    resource: workloadResource(record.target.kind),
    name: record.target.name,
    replicas: to,
    resourceVersion: workload.metadata.resourceVersion,
  });

  if (live.length === 0) {
    // Not at zero: never scaled, or somebody else's value stands. At zero: ours, because a parked app gets no record.
    if (replicas !== 0) {
      const given = record.state === "Restoring" && replicas === record.original;
      return settle(
        [remove],
        given
          ? [
              {
                type: "Normal",
                reason: "AppRestored",
                message: `${record.target.kind} ${record.target.name} scaled 0 -> ${replicas}`,
              },
            ]
          : [],
      );
    }
    return record.state === "Restoring"
      ? settle([scale(record.original)], [], 200)
      : settle([update({ state: "Restoring", holders: [] })], [], 0);
  }
  const deadline = Math.min(...live.map((holder) => parseInstant(holder.deadline) ?? now)) - now;
  if (live.length < record.holders.length) return settle([update({ holders: live })], [], 0);
  if (record.state === "Intent") {
    if (replicas === 0)
      return settle([
        update({ state: "Down", downAt: formatInstant(now), downGeneration: workload.metadata.generation ?? 0 }),
      ]);
    // Somebody changed the count between our reading it and our scaling: give up, the holder starts over or fails.
    if (replicas !== record.original) return settle([remove]);
    return settle(
      [scale(0)],
      [
        {
          type: "Normal",
          reason: "AppStopping",
          message: `${record.target.kind} ${record.target.name} scaled ${replicas} -> 0`,
        },
      ],
      0,
    );
  }
  // A new holder joined while the last one was being given back: it has to begin again.
  if (record.state === "Restoring") return settle([update({ holders: [] })], [], 0);
  return settle([], [], deadline);
}
