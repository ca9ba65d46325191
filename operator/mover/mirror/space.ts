/** Whether a location can hold what a run will write, with the numbers when it cannot. */
import { statfs } from "node:fs/promises";
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
