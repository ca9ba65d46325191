/**
 * The quiesce record: one Lease per workload uid, owned by the workload, never by a run. It exists before the workload is
 * scaled to zero and until its replicas are back, so that whoever finds it knows what to give back.
 *
 *   Intent     not scaled, guard not armed -> the guards of all workloads of the holder are armed -> Stopping
 *   Stopping   may be scaled at any moment -> scale to 0 with the observed resourceVersion -> Down
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
import type { RecordManifest } from "./decision.ts";

const holderSchema = z.object({
  kind: z.enum(["BackupRun", "RestoreRequest"]),
  name: z.string(),
  uid: z.string(),
  /** After this moment the hold is void, whatever its owner does. */
  deadline: z.string(),
  /** An exchange of the app's data has begun: the hold ends with its owner only, because the app must not start on a mixture. */
  exchanging: z.boolean().optional(),
});
const recordSchema = z.object({
  version: z.literal(1),
  target: z.object({ kind: z.enum(["Deployment", "StatefulSet"]), name: z.string(), uid: z.string() }),
  original: z.number().int().min(1).max(10_000),
  state: z.enum(["Intent", "Stopping", "Down", "Restoring"]),
  /** Written with Stopping: from when on the workload may be down. The downtime counts from here, whoever dies meanwhile. */
  stopAt: z.string().optional(),
  /**
   * Written with Stopping: what metadata.generation the workload has when it was scaled to zero and nothing else. Any other value,
   * then or later, means that somebody has changed its spec.
   */
  downGeneration: z.number().int().optional(),
  /** Nobody wants it stopped any more, but a scaling was under way whose answer nobody has: the record stays until none can arrive. */
  releasedAt: z.string().optional(),
  holders: z.array(holderSchema).readonly(),
  /** Why nothing that is captured under this hold is worth anything: a process of the app may still write. */
  doubt: z.string().optional(),
});
export type Holder = Readonly<z.infer<typeof holderSchema>>;
export type QuiesceRecord = Readonly<z.infer<typeof recordSchema>>;

/** An exchange of the app's data is under way, and no clock ends the hold. */
export const isExchanging = ({ holders }: QuiesceRecord): boolean =>
  holders.some(({ exchanging }) => exchanging === true);

export const workloadResource = (kind: string): Resource => (kind === "StatefulSet" ? statefulSets : deployments);

/**
 * Whether somebody else has changed the spec of a workload since it was to be stopped, by what the record or its holder knows of it;
 * who knows nothing takes it for changed.
 */
export const isForeign = (
  { downGeneration = Number.NaN }: Pick<QuiesceRecord, "downGeneration">,
  { metadata, spec }: Workload,
): boolean => metadata.generation !== ((spec.replicas ?? 1) === 0 ? downGeneration : downGeneration - 1);

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

/** Of a workload that is down and whose record somebody has deleted or spoilt: it says only that it is to be given back. */
export const restoringRecord = ({ kind, name, uid, replicas }: HeldWorkload): QuiesceRecord => ({
  version: 1,
  target: { kind, name, uid },
  original: replicas,
  state: "Restoring",
  holders: [],
});
export const rebuildRecord = (namespace: string, item: HeldWorkload): RecordManifest =>
  newRecord(namespace, restoringRecord(item));

/**
 * Whether somebody has spoilt the record. One of a version that is not known is not damaged: a newer release wrote it, and knows what
 * it is for.
 */
export function isDamaged(lease: Lease): boolean {
  if (parseRecord(lease) !== undefined) return false;
  try {
    const found: unknown = JSON.parse(lease.metadata.annotations?.[annotations.record] ?? "");
    const version = z.looseObject({ version: z.number() }).safeParse(found).data?.version ?? 1;
    return version <= 1;
  } catch {
    return true;
  }
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
