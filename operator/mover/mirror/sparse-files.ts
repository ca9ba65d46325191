/**
 * Large files that are mostly holes, in a mirror that has them already. rsync knows no holes when it reads: to bring one changed page
 * of a file of 20 GB with 12 MB in it, it reads 40 GB, while the app is stopped. So a changed one is copied before the pass by
 * `cp`, which asks the file system where the data is; rsync then finds size and time as they should be. Which files these are is
 * found out by the warm passes; one that is new since is brought by rsync, slowly and rightly.
 */
import { closeSync, constants, fstatSync, type BigIntStats } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { errnoOf, MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { argvSetTimeOf } from "../tools/restore-files.ts";
import { openBelow } from "./below.ts";
import type { ChangeMark } from "./changes.ts";

const blockBytes = 512n;
/** More of them are brought by rsync. */
const maxFiles = 1000;

export interface SparseJob {
  readonly source: string;
  readonly mirror: string;
  /** `blocks size name`, NUL-terminated, of all large files; names are bytes. */
  readonly largeFiles: string;
  /** Where the names of those that were copied go, NUL-separated. */
  readonly copiedList: string;
  readonly mark: ChangeMark;
  readonly frozen: boolean;
  readonly signal: AbortSignal;
}

export interface SparseCopied {
  /** Inodes in the source of what was copied; nobody needs to compare their content again. */
  readonly inodes: readonly bigint[];
  /** Their names, bytes as latin1; another name of such a file is still to be brought. */
  readonly names: readonly string[];
  /** Names of files that were written to meanwhile. */
  readonly torn: readonly string[];
}

/** @throws MoverError HO-A402 when a file changes although the app is stopped. */
export async function copySparse(job: SparseJob): Promise<SparseCopied> {
  const inodes: bigint[] = [];
  const torn: string[] = [];
  const copied: string[] = [];
  for (const name of await sparseNames(job.largeFiles)) {
    const from = openBelow(job.source, name, constants.O_RDONLY);
    const to = from === undefined ? undefined : openBelow(job.mirror, name, constants.O_RDWR);
    try {
      if (from === undefined || to === undefined) continue;
      const before = fstatSync(from, { bigint: true });
      if (!isSparse(before) || !hasChanged(before, fstatSync(to, { bigint: true }), job.mark)) continue;
      // By descriptors, so that no name leads out of the volume, and none is an argument.
      const descriptors = `/proc/${process.pid}/fd`;
      const mirror = `${descriptors}/${to}`;
      await run(["cp", "--sparse=always", "--", `${descriptors}/${from}`, mirror], { signal: job.signal });
      await run(argvSetTimeOf(mirror, before.mtimeNs), { signal: job.signal });
      const after = fstatSync(from, { bigint: true });
      if (after.ctimeNs !== before.ctimeNs || after.size !== before.size) torn.push(name);
      inodes.push(before.ino);
      copied.push(name);
    } finally {
      for (const fd of [from, to]) if (fd !== undefined) closeSync(fd);
    }
  }
  if (job.frozen && torn.length > 0)
    throw new MoverError(
      "HO-A402",
      `${JSON.stringify(torn[0])} changed during the last pass, although the app is stopped`,
    );
  await writeFile(job.copiedList, copied.map((name) => `./${name}`).join("\0"), "latin1");
  return { inodes, names: copied, torn: torn.map((name) => Buffer.from(name, "latin1").toString("utf8")) };
}

type Room = Pick<BigIntStats, "size" | "blocks">;

/** Of a file system that packs what is written any file may look so. */
export const hasHoles = ({ size, blocks }: Room): boolean => blocks * blockBytes < size;

/** So many holes that it is worth to copy the file by them. */
const isSparse = ({ size, blocks }: Room): boolean => blocks * blockBytes * 2n < size;

const hasChanged = (source: BigIntStats, mirror: BigIntStats, mark: ChangeMark): boolean =>
  source.size !== mirror.size ||
  source.mtimeNs !== mirror.mtimeNs ||
  source.ctimeNs / 1_000_000_000n >= BigInt(Number.parseInt(mark, 10));

async function sparseNames(largeFiles: string): Promise<readonly string[]> {
  let text: string;
  try {
    text = await readFile(largeFiles, "latin1");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
  return text
    .split("\0")
    .flatMap((line) => {
      const [, blocks, size, name] = /^([0-9]+) ([0-9]+) (.*)$/s.exec(line) ?? [];
      if (blocks === undefined || size === undefined || name === undefined) return [];
      return isSparse({ blocks: BigInt(blocks), size: BigInt(size) }) ? [name] : [];
    })
    .slice(0, maxFiles);
}
