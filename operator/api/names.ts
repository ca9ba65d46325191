/** Labels, annotations, finalizers and the names of everything Handover creates. Names are deterministic: they are locks. */
import { groupName } from "./kinds.ts";

const prefixed = (name: string): string => `${groupName}/${name}`;

export const labels = {
  /** Name of the policy; on runs that a schedule made and on Jobs. */
  policy: prefixed("policy"),
  /** UID of the BackupRun or RestoreRequest; on Jobs and their pods. */
  owner: prefixed("owner"),
  /** Step that a Job works on; on Jobs and their pods. */
  step: prefixed("step"),
  /** On quiesce records. */
  record: prefixed("quiesce-record"),
  /** UID of a quiesce record; on its guard and the guard's pods. */
  guard: prefixed("guard"),
  managedBy: "app.kubernetes.io/managed-by",
} as const;
/** Name of the Job; on its pods, set by Kubernetes. */
export const jobNameLabel = "batch.kubernetes.io/job-name";
export const managedBy = "handover";

export const annotations = {
  /** JSON of a quiesce record. */
  record: prefixed("record"),
  /** On a run or restore: stop it safely, the app first. */
  cancel: prefixed("cancel"),
  /** On a policy: beginnings of digests of plans, separated by commas; each may remove what it names, although it is more than half. */
  acknowledgePrune: prefixed("acknowledge-prune"),
  /** On a policy: numbers or ids, separated by commas, that are taken back out of the trash. */
  undelete: prefixed("undelete"),
  /** On a run: `<RFC 3339 or forever> <reason>`; until then its generation is not pruned. */
  hold: prefixed("hold"),
  /** On a policy: UID of a former policy of the same name whose generations are taken over. */
  adoptLineage: prefixed("adopt-lineage"),
  /** On a policy: `<location>`, and any word behind it to ask once more; runs are made of what lies there and has none. */
  adopt: prefixed("adopt"),
  /** On a run that was made of a generation: `<location>/<id>`. It never starts anything. */
  adopted: prefixed("adopted"),
  /** On a policy: names of volumes that may be empty, separated by commas. */
  acceptEmpty: prefixed("accept-empty"),
} as const;

/** On runs and restores from acceptance to the end, so that deleting one gives the app back first. */
export const finalizer = prefixed("give-back");

/** Quiesce record of a workload: one for each uid, whatever it is called. */
export const recordName = (workloadUID: string): string => `handover-${workloadUID}`;

/** Of the record's own uid: the guard of a record that is gone is not in the way of the next one's. */
export const guardName = (recordUID: string): string => `handover-guard-${recordUID}`;

/** FNV-1a, 32 bits, in hexadecimal. Tells long names apart; not a digest. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, "0");
}

/** Pods carry the name of their Job as a label, so it has 63 characters at most. */
const maxJobName = 63;

export function jobName(owner: string, step: string, attempt: number): string {
  const suffix = `${step.toLowerCase().replaceAll("/", "-")}-${attempt}`;
  const full = `${owner}-${suffix}`;
  // `a.b` and `a-b` are different owners.
  if (full.length <= maxJobName && !owner.includes(".")) return full;
  // Of a long step the beginning goes, never the hash, or the runs of a month would share one name.
  const hashed = `${shortHash(full)}-${suffix.slice(-30)}`;
  return `${owner.replaceAll(".", "-").slice(0, maxJobName - 1 - hashed.length)}-${hashed}`;
}

export const scheduledRunName = (policy: string, schedule: string, slot: string): string =>
  `${policy}-${schedule}-${slot}`;
