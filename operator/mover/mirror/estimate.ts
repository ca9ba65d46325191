/** What is in a volume, and whether it may be captured at all. Reads only. */
import { lstat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { VolumeRef } from "../../contract/task.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { MoverContext } from "../context.ts";
import { CommandError, errnoOf, MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { mirrorStateDirectory } from "../store/claim.ts";
import type { Layout } from "../store/layout.ts";
import { argvEstimate, firstUnreadable, parseStats, partialTransfer, vanishedSource } from "../tools/rsync.ts";
import { mirroredBytes } from "./mirror-state.ts";

export interface VolumeEstimate {
  readonly files: number;
  readonly bytes: number;
  /** Bytes by which the mirror will grow. */
  readonly growth: number;
  /** Entries that are not in the mirror yet. */
  readonly created: number;
  /** Sizes of the files that differ from those of the mirror. */
  readonly transferred: number;
}

export interface EstimateOptions {
  readonly layout: Layout;
  /** Manifest of the newest generation that holds the volume, which tells what to expect. */
  readonly newest: Manifest | undefined;
  readonly acceptEmpty: boolean;
}

/** @throws MoverError HO-P107 for an emptied volume or a missing path, HO-A401 for what cannot be read. */
export async function checkVolume(
  volume: VolumeRef,
  options: EstimateOptions,
  context: MoverContext,
): Promise<VolumeEstimate> {
  const root = context.roots.volume(volume.name);
  for (const path of volume.paths) {
    await lstat(join(root, path)).catch((error: unknown) => {
      if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
      throw new MoverError("HO-P107", `volume ${volume.name}: the path ${path} does not exist`);
    });
  }
  const argv = argvEstimate(options.layout.mirror(volume.name), volume);
  const { code, signal, stdout, stderrTail } = await run(argv, {
    cwd: root,
    stdout: "capture",
    signal: context.abort,
    okCodes: [0, vanishedSource, partialTransfer],
  });
  if (code === partialTransfer) {
    const unreadable = firstUnreadable(stderrTail);
    if (unreadable !== undefined) throw new MoverError("HO-A401", `volume ${volume.name}: ${unreadable}`);
    throw new CommandError("rsync", code, signal, stderrTail);
  }
  const stats = parseStats(stdout);
  if (stats === undefined) throw new Error("rsync printed no statistics");
  const before = options.newest?.volumes.find(({ name }) => name === volume.name)?.files ?? 0;
  if (stats.files === 0 && before > 0 && !options.acceptEmpty)
    throw new MoverError(
      "HO-P107",
      `volume ${volume.name} is empty, the newest generation of it holds ${before} files`,
    );
  // Sparse files look larger than they are, but a volume never holds more than it has used.
  const { blocks, bfree, bsize } = await statfs(root);
  const bytes = Math.min(stats.bytes, (blocks - bfree) * bsize);
  const growth = Math.max(0, bytes - (await mirroredBytes(mirrorStateDirectory(options.layout), volume.name)));
  return { files: stats.files, bytes, growth, created: stats.created, transferred: stats.transferred };
}
