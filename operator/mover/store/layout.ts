/** What lies where in a store or sink. The only file that knows the names of directories; see docs/reference/store.md. */
import { join } from "node:path";

export interface Layout {
  /** Identity of the store itself, shared by every policy that uses the claim. */
  readonly sentinel: string;
  /** Everything of one policy. */
  readonly base: string;
  /** Identity of the lineage: which policy object owns this directory. */
  readonly lineage: string;
  /** Source only: private copies of the volumes, never hard-linked. */
  readonly mirror: (volume: string) => string;
  /** Work in progress; never read by restore or retention. */
  readonly staging: string;
  /** Source only: sealed generations that wait for transport. */
  readonly handover: string;
  /** Sealed generations. */
  readonly store: string;
  /** Facts about the generations here, outside of them because they never change: `<id>.json` with the digest of the manifest that was verified. */
  readonly verified: string;
  /** Ids that the last completed retention left here: tells what arrived since, and an emptied place from a new one. */
  readonly catalogue: string;
  /** Plans that wait for an administrator's acknowledgement, with the ids that each would remove. */
  readonly plans: string;
  /** Which generations are held, `<id>.json` with why and how long: the cluster that knows it may get lost. */
  readonly held: string;
  /** Removed, and not yet deleted: `<date>/<id>`, beside each `<id>.json` with when and why. */
  readonly trash: string;
  /** Copies that did not equal their manifest. */
  readonly damaged: string;
}

export function layoutOf(root: string, namespace: string, policy: string): Layout {
  const base = join(root, namespace, policy);
  return {
    sentinel: join(root, "handover.json"),
    base,
    lineage: join(base, "lineage.json"),
    mirror: (volume) => join(base, "mirror", volume),
    staging: join(base, "staging"),
    handover: join(base, "handover"),
    store: join(base, "store"),
    verified: join(base, "verified"),
    catalogue: join(base, "catalogue.json"),
    plans: join(base, "plans.json"),
    held: join(base, "held"),
    trash: join(base, "trash"),
    damaged: join(base, "damaged"),
  };
}

/** `000042-<pod uid>`: a second pod of the same Job writes elsewhere, and the number fences off an older run. */
export const stagingName = (seq: number, podUID: string): string => `${String(seq).padStart(6, "0")}-${podUID}`;

/** Names inside a generation. */
export const manifestFile = "manifest.json";
export const manifestDigestFile = "manifest.sha256";
export const checksumsFile = "SHA256SUMS";
export const filesListFile = "files.jsonl.zst";
export const databaseDump = (database: string): string => `databases/${database}/dump`;
export const databaseGlobals = (database: string): string => `databases/${database}/globals.sql`;
export const volumeArchive = (volume: string): string => `volumes/${volume}.tar.zst`;
/** Directory of the keys of an object, each a file of its name. */
export const configDirectory = (kind: "ConfigMap" | "Secret", name: string): string =>
  `config/${kind.toLowerCase()}/${name}`;
/** With a base: names of what is gone since. */
export const volumeDeleted = (volume: string): string => `volumes/${volume}.deleted`;
/** With a base: what has to be restored before, for restore.sh. */
export const chainFile = "chain";
/** Left by the parts of a capture for the seal; not part of the generation. */
export const dumpPartFile = "part-dump.json";
export const archivePartFile = "part-archive.json";
export const collectPartFile = "part-collect.json";
