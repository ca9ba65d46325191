/**
 * Content of a mirror that is not what it was though nobody has written to it: a disk has lost a bit. rsync takes the size and the time
 * for the content, so such a file would go into the next full generation, and everything after it would call it whole. But a full generation
 * reads everything, and what was known of the mirror says what each file was: where the record is the same and the digest is not, it is rotten.
 * It is brought anew from the volume, when the volume still has it as it was at the last pass.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { count } from "../../domain/quantities.ts";
import { clip } from "../../domain/text.ts";
import { MoverError } from "../errors.ts";
import { argvCompareContent } from "../tools/rsync.ts";
import { statBelow } from "./below.ts";
import { maxDifferences, nanoseconds, readInventory, type Differences } from "./inventory.ts";
import { parseEntry } from "./lines.ts";
import { doubt, freshInventory, readState, type MirrorJob } from "./mirror-state.ts";
import { pairsOf, partsOf } from "./pairs.ts";
import { forget, stateFiles } from "./state-list.ts";
import { transfer } from "./transfer.ts";

type Lines = AsyncGenerator<readonly string[], undefined>;

export interface Rotten {
  readonly volume: string;
  /** Bytes as latin1. */
  readonly paths: readonly string[];
}

/** Thrown by who lists the mirrors, caught by who can bring the files anew; uncaught when that has not helped. */
export class RottenMirrors extends MoverError {
  readonly rotten: readonly Rotten[];

  constructor(rotten: readonly Rotten[]) {
    super("HO-A408", clip(rotten.map(describeRotten).join("; "), 900));
    this.rotten = rotten;
  }
}

function describeRotten({ volume, paths }: Rotten): string {
  const [first = ""] = paths;
  const example = JSON.stringify(Buffer.from(first, "latin1").toString("utf8")).slice(0, 80);
  return `volume ${volume}: ${count(paths.length, "file")} in its mirror, ${example} for one, changed though nobody wrote to it`;
}

/** @param known lines of a list that is believed @param fresh of what was read just now @param differences of the two inventories */
export async function findRotten(known: Lines, fresh: Lines, { now }: Differences): Promise<readonly string[]> {
  const differing = new Set(now.map(({ path }) => path));
  const rotten: string[] = [];
  for await (const part of partsOf({ base: () => known, now: () => fresh, baseId: "" }))
    for (const { line, base, equal } of pairsOf(part, "")) {
      if (equal || line === undefined || base === undefined || contentOf(base) === contentOf(line)) continue;
      const { path } = parseEntry(line);
      // More than that is no disk that loses a bit.
      if (!differing.has(path) && rotten.length < maxDifferences) rotten.push(path);
    }
  return rotten;
}

const contentOf = (line: string): string | undefined => /,"h":"[0-9a-f]+"}$/.exec(line)?.[0];

/**
 * Makes them what the volume has, where that is certain to be what it had at the last pass.
 * @returns a warning @throws MoverError HO-A408 when it is not, and then nothing is known of the mirror any more
 */
export async function bringAnew(job: MirrorJob, paths: readonly string[]): Promise<string> {
  const files = stateFiles(job.stateDirectory, job.volume.name);
  // As before anything is written into a mirror (pass.ts).
  await rm(files.source, { force: true });
  const unchanged = async (): Promise<boolean> => await isAsAtLastPass(job, new Set(paths));
  const what = describeRotten({ volume: job.volume.name, paths });
  if (paths.length < maxDifferences && (await unchanged())) {
    const listFile = join(job.scratch, `rotten-${job.volume.name}`);
    await writeFile(listFile, paths.map((path) => `./${path}\0`).join(""), { encoding: "latin1", mode: 0o600 });
    const attributes = (await readState(job))?.attributes ?? { acls: true, xattrs: true };
    const { torn } = await transfer(job, argvCompareContent(job.mirror, listFile, job.volume, attributes), false);
    if (torn.length === 0 && (await unchanged())) return `${what}, and was brought anew (HO-A408)`;
  }
  await forget(files);
  await doubt(job);
  throw new MoverError(
    "HO-A408",
    `${what}, and the volume no longer has what it had then; the next run compares everything`,
  );
}

/** The app may be running again: what it has written since belongs to a later state. */
async function isAsAtLastPass(job: MirrorJob, paths: ReadonlySet<string>): Promise<boolean> {
  let same = 0;
  await readInventory(
    freshInventory(job),
    ({ path, inode, changed }) => {
      if (!paths.has(path)) return;
      const now = statBelow(job.source, path);
      if (String(now?.ino) === inode && now?.ctimeNs === nanoseconds(changed)) same += 1;
    },
    job.signal,
  );
  return same === paths.size;
}
