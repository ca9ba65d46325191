/** What a restore of a volume will replace, whether there is room for it, and what a person should know before. Reads only. */
import { statfs } from "node:fs/promises";
import { setImmediate as breathe } from "node:timers/promises";
import type { VolumePart } from "../../domain/manifest.ts";
import { count, formatBytes } from "../../domain/quantities.ts";
import { MoverError } from "../errors.ts";
import { Tree } from "../mirror/tree.ts";
import { isReserved } from "./names.ts";
import { refusePinned } from "./pinned.ts";
import { bytesOf } from "./place.ts";

export interface PartPlan {
  readonly replaces: string;
  readonly warnings: readonly string[];
}

/** Directories, the ends of files in blocks, and the record of the exchange. */
const bytesPerFile = 4096;
const spareBytes = 16 * 1024 * 1024;

/**
 * @param beside bytes that are needed for a while beside the restored state
 * @throws MoverError HO-R811 when something there cannot be exchanged, HO-C903 when the restored state does not fit beside the present one.
 */
export async function planVolume(root: string, part: VolumePart, beside: number): Promise<PartPlan> {
  refusePinned(root, part);
  const { bavail, bsize, ffree, files } = await statfs(root);
  const needed = (part.allocated ?? part.bytes) + part.files * bytesPerFile + spareBytes + beside;
  const refuse = (what: string): MoverError =>
    new MoverError("HO-C903", `volume ${part.name} (claim ${part.claimName}): ${what}`);
  if (bavail * bsize < needed)
    throw refuse(
      `the restored state needs ${formatBytes(needed)} beside the present one, ${formatBytes(bavail * bsize)} are free`,
    );
  // Some file systems have no fixed number of inodes and say 0.
  if (files > 0 && ffree < part.files)
    throw refuse(`the restored state needs ${part.files} inodes beside the present one, ${ffree} are free`);
  const present = await measure(root, part);
  return {
    replaces: `volume ${part.name} (${count(present.files, "file")}, ${formatBytes(present.bytes)})`,
    warnings:
      part.exclude.length === 0
        ? []
        : [
            `volume ${part.name}: ${part.exclude.join(", ")} is not in the generation; what is there now stays as it is`,
          ],
  };
}

async function measure(root: string, part: VolumePart): Promise<{ readonly files: number; readonly bytes: number }> {
  const tree = new Tree(root);
  const paths = part.paths.map(bytesOf);
  const isMeant = (path: string): boolean =>
    paths.includes(".") || paths.some((chosen) => path === chosen || path.startsWith(`${chosen}/`));
  let [files, bytes, seen] = [0, 0, 0];
  try {
    for (const { path, stat } of tree.walk()) {
      seen += 1;
      if (seen % 4096 === 0) await breathe();
      if (stat.isDirectory() || !isMeant(path) || isReserved(path.split("/", 1)[0] ?? "")) continue;
      files += 1;
      if (stat.isFile()) bytes += Number(stat.size);
    }
  } finally {
    tree.close();
  }
  return { files, bytes };
}
