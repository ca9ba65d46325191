/** Whether a location can hold what a run will write, with the numbers when it cannot. */
import { statfs } from "node:fs/promises";
import { needsBase, type GenerationType } from "../../domain/generation.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { formatBytes } from "../../domain/quantities.ts";
import { MoverError } from "../errors.ts";

export interface SpaceNeed {
  /** For messages: "the store". */
  readonly what: string;
  readonly code: "HO-C901" | "HO-C902";
  readonly bytes: number;
  readonly inodes: number;
  /** Bytes of dead runs that will be removed before anything is written. */
  readonly reclaimable?: number;
}

/** @throws MoverError with the code of the need. */
export async function checkSpace(root: string, need: SpaceNeed): Promise<void> {
  const { bavail, bsize, blocks, files, ffree } = await statfs(root);
  // A file system that does not tell its size.
  if (blocks === 0) return;
  const free = bavail * bsize + (need.reclaimable ?? 0);
  if (need.bytes > free)
    throw new MoverError(
      need.code,
      `${need.what} has ${formatBytes(free)} free, about ${formatBytes(need.bytes)} are needed`,
    );
  // Some file systems have no fixed number of inodes, and say 0.
  if (files > 0 && need.inodes > ffree)
    throw new MoverError(need.code, `${need.what} has ${ffree} free inodes, about ${need.inodes} are needed`);
}

export interface Expected {
  /** What will be made. */
  readonly type: GenerationType;
  /** Generations of the lineage, the newest first. */
  readonly known: readonly Manifest[];
  /** Of the volumes. */
  readonly bytes: number;
  readonly databaseBytes: number;
  /** Sizes of the files that differ from the mirror, and so, but for a differential, from the generation before. */
  readonly changed: number;
}

/**
 * Bytes that the generation will take: a fifth more than the newest of its type, and not less than what compression usually makes of
 * what has to be stored.
 */
export function estimateStored({ type, known, bytes, databaseBytes, changed }: Expected): number {
  const newest = known.find((manifest) => manifest.type === type);
  const asBefore = newest === undefined ? undefined : Math.ceil(newest.totals.storedBytes * growth);
  if (!needsBase(type)) return asBefore ?? Math.ceil((bytes + databaseBytes) / compression);
  const dumped = known.find(({ databases }) => databases.length > 0);
  const databases = dumped === undefined ? databaseBytes / compression : dumpBytes(dumped) * growth;
  return Math.max(asBefore ?? 0, Math.ceil(changed / compression + databases));
}

const growth = 1.2;
const compression = 2;

const dumpBytes = ({ files }: Manifest): number =>
  files.filter(({ path }) => path.startsWith("databases/")).reduce((sum, { size }) => sum + size, 0);
