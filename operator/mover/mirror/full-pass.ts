/** Compares the whole mirror with the whole volume, and makes it equal. Believes nothing of what is known of either. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { MoverError } from "../errors.ts";
import { together } from "../together.ts";
import {
  argvCompareContent,
  argvMirror,
  argvMirrorListed,
  argvMirrorRoot,
  parseStats,
  type Attributes,
} from "../tools/rsync.ts";
import { listChanged, noMark, type Changed, type ChangeMark } from "./changes.ts";
import { finishDirectories } from "./directories.ts";
import { listHardLinks, readHardLinks, untangleHardLinks } from "./hard-links.ts";
import { readDirectories, readRecords } from "./inventory.ts";
import { freshInventory, largeFiles, linksFile, type MirrorJob } from "./mirror-state.ts";
import { NameFile } from "./name-file.ts";
import { copySparse, type SparseCopied } from "./sparse-files.ts";
import { transfer, transferWhole, type PassStats } from "./transfer.ts";
import { checkThere } from "./vanished.ts";

export interface PassOptions {
  /** What the mirror can keep. */
  readonly attributes: Attributes;
  /** What changed since is compared by content; undefined when the mirror was empty. */
  readonly mark: ChangeMark | undefined;
  /**
   * What else is compared by content, for a directory may have got the name of another, and brought with it files whose own change times are of
   * long ago: the file of all names that differ from what is known, which goes before the mark, or, when nothing is known, `below`, all that is in
   * directories that changed since. Undefined when such have been brought already.
   */
  readonly others?: "below" | { readonly names: string } | undefined;
  /** Newest change time in the volume, as the fresh inventory was taken. */
  readonly newest: ChangeMark;
  readonly frozen: boolean;
}

/** @throws MoverError HO-A401, HO-A402; CommandError */
export async function fullPass(job: MirrorJob, options: PassOptions): Promise<PassStats> {
  await listHardLinks(job.mirror, linksFile(job), job.signal);
  untangleHardLinks(job.source, job.mirror, await readHardLinks(linksFile(job)));
  const listFile = join(job.scratch, `changed-${job.volume.name}`);
  const sparse = await copySparseFiles(job, options);
  const [stats, changed] = await together<[PassStats, Changed]>(job.signal, (signal) => [
    // Attributes of all: what is new in the mirror has those of the directory that it is made in, and not its own.
    mirrorAll({ ...job, signal }, options.attributes, options.frozen),
    listToCompare({ ...job, signal }, options, listFile, sparse),
  ]);
  const torn = [...sparse.torn, ...stats.torn];
  // The directories on the way to a name are brought up to date with it, the root among them.
  if (changed.names) {
    // After the beginning of time everything is listed by its own name.
    const below = options.others === "below" && options.mark !== noMark ? (["--recursive"] as const) : [];
    const argv = argvCompareContent(job.mirror, listFile, job.volume, options.attributes, ...below);
    torn.push(...(await transfer(job, argv, options.frozen)).torn);
    if (options.frozen) await checkThere(job, (check) => readRecords(listFile, check, job.signal));
  }
  if (changed.root && !changed.names)
    await transfer(job, argvMirrorRoot(job.mirror, options.attributes), options.frozen);
  const inventory = freshInventory(job);
  await finishDirectories(job, options.newest, async (look) => await readDirectories(inventory, look, job.signal));
  return { ...stats, torn: [...new Set(torn)] };
}

async function listToCompare(
  job: MirrorJob,
  { mark, others }: PassOptions,
  listFile: string,
  { inodes, names: copied }: SparseCopied,
): Promise<Changed> {
  if (mark === undefined) return { names: false, root: false };
  if (typeof others !== "object") return await listChanged(job.source, mark, listFile, job.signal, inodes);
  const without = new Set(copied.map((name) => `./${name}`));
  await rm(listFile, { force: true });
  const list = new NameFile(listFile);
  try {
    await readRecords(
      others.names,
      (name) => {
        if (!without.has(name)) list.add(name.slice(2));
      },
      job.signal,
    );
  } finally {
    list.close();
  }
  return { names: list.count > 0, root: list.count === 0 };
}

async function copySparseFiles(job: MirrorJob, { mark, frozen, attributes }: PassOptions): Promise<SparseCopied> {
  if (mark === undefined) return { inodes: [], names: [], torn: [] };
  return await bringSparseFiles(job, { mark, frozen, attributes });
}

export async function bringSparseFiles(
  job: MirrorJob,
  { mark, frozen, attributes }: Pick<PassOptions, "frozen" | "attributes"> & { readonly mark: ChangeMark },
): Promise<SparseCopied> {
  const copiedList = join(job.scratch, `sparse-${job.volume.name}`);
  const copied = await copySparse({ ...job, mark, frozen, largeFiles: largeFiles(job), copiedList });
  if (copied.inodes.length > 0)
    await transfer(job, argvMirrorListed(job.mirror, copiedList, job.volume, attributes), frozen);
  return copied;
}

async function mirrorAll(job: MirrorJob, attributes: Attributes, frozen: boolean): Promise<PassStats> {
  // After such an error rsync removes nothing more, so the mirror may hold what is long gone.
  const { stdout, torn } = await transferWhole(job, argvMirror(job.mirror, job.volume, attributes), frozen);
  const stats = parseStats(stdout);
  if (stats === undefined) throw new MoverError("HO-A403", "rsync printed no statistics");
  return { ...stats, torn };
}
