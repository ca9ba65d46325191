/**
 * Fills a mirror that is empty: the contents of the files, by two readers at once, because one alone waits for the disk half of the
 * time. Only saves time: the pass after it compares everything, and brings what this one has left out, owners, ACLs and links too.
 * What an app writes to a file meanwhile gives it a change time after the mark, which was taken before.
 *
 * By `cp` from directory to directory, which lets the kernel move the bytes; rsync takes three times the processor time for the same. Where
 * a directory has so little that starting a program costs more than copying, rsync brings it, of all such directories together.
 */
import { isUtf8 } from "node:buffer";
import { closeSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { run } from "../exec.ts";
import { together } from "../together.ts";
import { argvCopyInto } from "../tools/copy.ts";
import { argvMirrorListed, type Selection } from "../tools/rsync.ts";
import { makeDirectoryBelow, openDirectoryBelow } from "./below.ts";
import { readInventory, type Item } from "./inventory.ts";
import { selects } from "./selected.ts";

export interface FillJob {
  readonly source: string;
  readonly mirror: string;
  readonly selection: Selection;
  /** Of the source, uncompressed, made after the mark. */
  readonly inventory: string;
  /** File with the names of what rsync is to bring. */
  readonly listFile: string;
  readonly signal: AbortSignal;
}

/** How a list of names is copied by rsync; the caller knows what may fail. */
export type Copy = (argv: ReturnType<typeof argvMirrorListed>, signal: AbortSignal) => Promise<unknown>;

/** Files of one directory, which one program copies. Names are bytes as latin1. */
interface Share {
  readonly directory: string;
  readonly names: string[];
  bytes: number;
  characters: number;
}

/** A reader gets so much before the next one is given what follows. */
const shareBytes = 32 * 1024 * 1024;
/** What the kernel takes as arguments at once is 128 KiB at least. */
const shareCharacters = 64 * 1024;
/** Of less than both, starting a program costs more. */
const [worthBytes, worthNames] = [2 * 1024 * 1024, 32];
/** All names are kept in memory, and by rsync in each of its processes. What is beyond is left to the pass. */
const maxNames = 100_000;
/** Less than this is copied sooner than divided. */
const minBytes = 64 * 1024 * 1024;
const readers = 2;

/** @returns how many files were copied at most. */
export async function fillMirror(job: FillJob, copy: Copy): Promise<number> {
  const { shares, rest, names, bytes } = await divide(job);
  if (bytes < minBytes) return 0;
  const work: ((signal: AbortSignal) => Promise<unknown>)[] = [];
  for (const share of shares) {
    const alone = share.bytes >= worthBytes || share.names.length >= worthNames;
    if (alone && makeDirectoryBelow(job.mirror, share.directory))
      work.push(async (signal) => await copyShare(job, share, signal));
    else rest.push(...share.names.map((name) => join(share.directory, name)));
  }
  if (rest.length > 0) {
    await writeFile(job.listFile, rest.map((name) => `${name}\0`).join(""), { encoding: "latin1", mode: 0o600 });
    const argv = argvMirrorListed(job.mirror, job.listFile, job.selection, { acls: false, xattrs: false });
    work.unshift(async (signal) => await copy(argv, signal));
  }
  const queue = work.values();
  await together<readonly void[]>(job.signal, (signal) =>
    Array.from({ length: readers }, async () => {
      for (const next of queue) await next(signal);
    }),
  );
  return names;
}

/**
 * By descriptors of both directories, so that no name leads out of the volume. What cannot be read, has gone or finds no room is no error
 * here: the pass meets the same, and knows what it means.
 */
async function copyShare(job: FillJob, { directory, names }: Share, signal: AbortSignal): Promise<void> {
  const from = openDirectoryBelow(job.source, directory);
  const to = openDirectoryBelow(job.mirror, directory);
  try {
    if (from === undefined || to === undefined) return;
    const descriptors = `/proc/${process.pid}/fd`;
    const argv = argvCopyInto(`${descriptors}/${to}`, names.map(argumentOf));
    await run(argv, { cwd: `${descriptors}/${from}`, signal, okCodes: [0, 1] });
  } finally {
    for (const fd of [from, to]) if (fd !== undefined) closeSync(fd);
  }
}

const argumentOf = (name: string): string => Buffer.from(name, "latin1").toString("utf8");
/** Node passes nothing else. */
const canBeArgument = (name: string): boolean => isUtf8(Buffer.from(name, "latin1"));
const join = (directory: string, name: string): string => (directory === "" ? name : `${directory}/${name}`);

interface Divided {
  readonly shares: readonly Share[];
  /** Of which no program of ours can be given the names. */
  readonly rest: string[];
  readonly names: number;
  readonly bytes: number;
}

/** Files with one name only: of several names the pass makes one file. In the order of inodes, which mostly is that on the disk. */
async function divide({ inventory, selection, signal }: FillJob): Promise<Divided> {
  const isSelected = selects(selection);
  const [shares, rest]: [Share[], string[]] = [[], []];
  const open = new Map<string, Share>();
  let [names, bytes] = [0, 0];
  const take = ({ path, type, size, links }: Item): void => {
    if (names === maxNames || type !== "f" || links !== 1) return;
    const slash = path.lastIndexOf("/");
    const [directory, name] = [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
    if (!isSelected(path)) return;
    bytes += size;
    names += 1;
    if (!canBeArgument(name)) {
      rest.push(path);
      return;
    }
    let share = open.get(directory);
    if (share === undefined || share.bytes >= shareBytes || share.characters >= shareCharacters) {
      share = { directory, names: [], bytes: 0, characters: 0 };
      open.set(directory, share);
      shares.push(share);
    }
    share.names.push(name);
    share.bytes += size;
    share.characters += name.length + 3;
  };
  await readInventory(inventory, take, signal);
  return { shares, rest, names, bytes };
}
