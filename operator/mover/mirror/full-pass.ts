/** Compares the whole mirror with the whole volume, and makes it equal. Believes nothing of what is known of either. */
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
import { listChanged, type Changed, type ChangeMark } from "./changes.ts";
import { listHardLinks, readHardLinks, untangleHardLinks } from "./hard-links.ts";
import { readRecords } from "./inventory.ts";
import { largeFiles, linksFile, type MirrorJob } from "./mirror-state.ts";
import { copySparse, type SparseCopied } from "./sparse-files.ts";
import { transfer, transferWhole, type PassStats } from "./transfer.ts";
import { checkThere } from "./vanished.ts";

export interface PassOptions {
  /** What the mirror can keep. */
  readonly attributes: Attributes;
  /** Whether ACLs and extended attributes of every file are looked at, or only of those that changed since the mark. */
  readonly attributesOf: "all" | "changed";
  /** What changed since is compared by content; undefined when the mirror was empty. */
  readonly mark: ChangeMark | undefined;
  readonly frozen: boolean;
}

/** @throws MoverError HO-A401, HO-A402; CommandError */
export async function fullPass(job: MirrorJob, options: PassOptions): Promise<PassStats> {
  await listHardLinks(job.mirror, linksFile(job), job.signal);
  untangleHardLinks(job.source, job.mirror, await readHardLinks(linksFile(job)));
  const listFile = join(job.scratch, `changed-${job.volume.name}`);
  const sparse = await copySparseFiles(job, options);
  // Looking at them costs twice as much as everything else: 10 instead of 4 microseconds for each file.
  const attributes = options.attributesOf === "all" ? options.attributes : { acls: false, xattrs: false };
  const [stats, changed] = await together<[PassStats, Changed]>(job.signal, (signal) => [
    mirrorAll({ ...job, signal }, attributes, options.frozen),
    options.mark === undefined
      ? Promise.resolve({ names: false, root: false })
      : listChanged(job.source, options.mark, listFile, signal, sparse.inodes),
  ]);
  const torn = [...sparse.torn, ...stats.torn];
  // The directories on the way to a name are brought up to date with it, the root among them.
  if (changed.names) {
    const argv = argvCompareContent(job.mirror, listFile, job.volume, options.attributes);
    torn.push(...(await transfer(job, argv, options.frozen)).torn);
    if (options.frozen) await checkThere(job, (check) => readRecords(listFile, check, job.signal));
  }
  if (changed.root && !changed.names)
    await transfer(job, argvMirrorRoot(job.mirror, options.attributes), options.frozen);
  return { ...stats, torn: [...new Set(torn)] };
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
