/**
 * The times of the directories of a mirror. rsync sets them once more at its end, after it has put into them what they hold, and ends
 * with success when that fails (3.5.0). Such a directory would keep the wrong time for as long as the app leaves it alone.
 */
import { closeSync } from "node:fs";
import { MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { argvSetTime } from "../tools/restore-files.ts";
import { Below } from "./below.ts";
import type { ChangeMark } from "./changes.ts";
import { nanoseconds, parseItem, readRecords } from "./inventory.ts";
import type { MirrorJob } from "./mirror-state.ts";

type TimesJob = Pick<MirrorJob, "source" | "mirror" | "volume" | "signal">;

/** Of the source, and those on the way to them: "" is the root. */
export function directoriesTo(paths: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const path of paths)
    for (let at = path; !found.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) found.add(at);
  return found;
}

/** @param inventory uncompressed @param take gets the path of each directory in it */
export async function readDirectories(
  inventory: string,
  take: (path: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const isDirectory = /^[0-9]+ \S+ \S+ d /;
  await readRecords(inventory, (record) => isDirectory.test(record) && take(parseItem(record).path), signal);
}

/**
 * Gives directories of the mirror the time of those of the source, where it differs.
 * @param until newest change time that the pass knows of: what has changed since, the next one finds
 * @param each gives `check` the paths to look at, which need not be directories
 * @throws CommandError when a time cannot be set; MoverError HO-A403 when the directory cannot be reached
 */
export async function settleDirectoryTimes(
  { source, mirror, volume, signal }: TimesJob,
  until: ChangeMark,
  each: (check: (path: string) => void) => void | Promise<void>,
): Promise<void> {
  const last = nanoseconds(until);
  const trees = { source: new Below(source), mirror: new Below(mirror) };
  const wrong = new Map<string, bigint>();
  const missedBy = (path: string): bigint | undefined => {
    const [now, held] = [trees.source, trees.mirror].map((tree) => tree.stat(path === "" ? "." : path));
    if (now?.isDirectory() !== true || now.ctimeNs > last || held?.isDirectory() !== true) return undefined;
    return held.mtimeNs === now.mtimeNs ? undefined : now.mtimeNs;
  };
  try {
    await each((path) => {
      const time = missedBy(path);
      if (time !== undefined) wrong.set(path, time);
    });
    for (const [path, time] of wrong) {
      const fd = trees.mirror.openDirectory(path);
      if (fd === undefined)
        throw new MoverError("HO-A403", `volume ${volume.name}: a directory of the mirror cannot be opened`);
      try {
        // By its descriptor, so that no name is an argument.
        await run(argvSetTime(time), { cwd: `/proc/${process.pid}/fd/${fd}`, signal });
      } finally {
        closeSync(fd);
      }
      // A file system that keeps no nanoseconds has made the best of each of them before.
      if (missedBy(path) !== undefined) return;
    }
  } finally {
    for (const tree of Object.values(trees)) tree.close();
  }
}
