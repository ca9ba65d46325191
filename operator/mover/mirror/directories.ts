/**
 * What rsync does to the directories of a mirror at its very end, after it has put into them what they hold: it sets their times once more,
 * and as a user without capabilities takes back the right to write that it has given itself. When that fails it ends with success all the
 * same (3.5.0), and such a directory would stay wrong for as long as the app leaves it alone. So they are looked at.
 */
import { closeSync, fchmodSync } from "node:fs";
import { errnoOf, MoverError, quote } from "../errors.ts";
import { run } from "../exec.ts";
import { argvSetTimeOf } from "../tools/restore-files.ts";
import { Below } from "./below.ts";
import type { ChangeMark } from "./changes.ts";
import { nanoseconds } from "./inventory.ts";
import type { MirrorJob } from "./mirror-state.ts";

const ownerMayWrite = 0o200n;
/** Nanoseconds. Where times are kept to the second, or to two as on FAT, all differ by less. */
const coarsest = 2_000_000_000n;
/** Times that a file system cannot keep. A process for each of more is not worth it, nor the memory of more small differences. */
const [maxVain, maxSmall] = [100, 20_000];

/** What is to be done to a directory of the mirror. */
interface Wrong {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** Nanoseconds between that and what it has. */
  readonly off: bigint;
  /** Undefined when it is right. */
  readonly mode: number | undefined;
}

/** The paths, and every directory above them; "" is the root. */
export function withAncestors(paths: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const path of paths)
    for (let at = path; !found.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) found.add(at);
  return found;
}

/**
 * Gives directories of the mirror the time of those of the volume, and takes the owner's right to write that those do not have.
 * @param newest change time that the scan has found: what has changed since, the next pass will bring
 * @param eachPath gives the paths to look at, which need not be directories
 * @throws CommandError when a time cannot be set; MoverError HO-A403 when the directory cannot be opened
 */
export async function finishDirectories(
  { source, mirror, volume, signal }: Pick<MirrorJob, "source" | "mirror" | "volume" | "signal">,
  newest: ChangeMark,
  eachPath: (look: (path: string) => void) => void | Promise<void>,
): Promise<void> {
  const trees = { source: new Below(source), mirror: new Below(mirror) };
  const last = nanoseconds(newest);
  const wrong = new Map<string, Wrong>();
  let small = 0;
  try {
    await eachPath((path) => {
      const found = compare(trees, path, last);
      if (found === undefined) return;
      if (found.off >= coarsest || found.mode !== undefined || (small += 1) <= maxSmall) wrong.set(path, found);
    });
    let vain = 0;
    for (const [path, { time, off, mode }] of wrong) {
      if (mode === undefined && vain > 0 && off < coarsest) continue;
      const fd = trees.mirror.openDirectory(path);
      if (fd === undefined) throw unopened(volume.name, path);
      try {
        if (mode !== undefined) fchmodSync(fd, mode);
        // By its descriptor, so that no name is an argument.
        if (off > 0n) await run(argvSetTimeOf(`/proc/${process.pid}/fd/${fd}`, time), { signal });
      } finally {
        closeSync(fd);
      }
      if (compare(trees, path, last) !== undefined) vain += 1;
      if (vain === maxVain) return;
    }
  } finally {
    for (const tree of Object.values(trees)) tree.close();
  }
}

/** @param last nanoseconds @returns undefined when nothing is wrong, or it is not for this pass */
function compare(trees: Readonly<Record<"source" | "mirror", Below>>, path: string, last: bigint): Wrong | undefined {
  const name = path === "" ? "." : path;
  try {
    // First: what is left out is not there, and may be as deep and as closed as the app likes.
    const held = trees.mirror.stat(name);
    if (held?.isDirectory() !== true) return undefined;
    const now = trees.source.stat(name);
    if (now?.isDirectory() !== true || now.ctimeNs > last) return undefined;
    const off = held.mtimeNs < now.mtimeNs ? now.mtimeNs - held.mtimeNs : held.mtimeNs - now.mtimeNs;
    const isOpened = (held.mode & ~now.mode & ownerMayWrite) !== 0n;
    const mode = isOpened ? Number(held.mode & 0o7777n & ~ownerMayWrite) : undefined;
    return off === 0n && mode === undefined ? undefined : { time: now.mtimeNs, off, mode };
  } catch (error) {
    // Of a running app, which may have closed it since: rsync would have said so.
    if (["EACCES", "EPERM", "ENAMETOOLONG"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}

function unopened(volume: string, path: string): MoverError {
  const shown = quote(path).slice(0, 200);
  return new MoverError("HO-A403", `volume ${volume}: the directory ${shown} of its mirror cannot be opened`);
}
