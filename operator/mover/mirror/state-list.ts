/**
 * The state list of a mirror, `mirror/.state/<volume>.files.zst`: the line of every entry with the inode and change time of
 * the mirror's own file before it. The mirror is private, so a file whose inode, change time, size and everything else are as in
 * the list has the content whose digest is there, and need not be read again.
 *
 * It is believed only while that is certain. Its lines were read after the last write into the mirror; it gets its
 * name only after one sync of all of that, and once the file system gives a later change time than any in it, so that
 * whatever is written next has another one. And before a pass writes into the mirror, a note with the boot of the kernel is made durable. A power
 * cut may lose what was written after the last sync, the change times with it, but the note is found by another
 * boot, and then the list is removed. Without a list, everything is read.
 */
import { closeSync, openSync, rmSync, statSync, type BigIntStats } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, errnoOf } from "../errors.ts";
import { run } from "../exec.ts";
import { exists, privateFile, syncDirectory, syncFilesystem, writeFileDurably } from "../store/durable.ts";
import { argvTest } from "../tools/zstd.ts";
import { compareWalk, LineCursor, parseEntry, readLines } from "./lines.ts";

export interface StateFiles {
  readonly list: string;
  /** Written by an archive, not yet believed. */
  readonly next: string;
  /** Written by a seal, for itself. */
  readonly check: string;
  /** Names of what an archive packs and of what is gone, while it is made. */
  readonly names: string;
  readonly gone: string;
  /** Boot of the kernel under which the mirror was written to since the list. */
  readonly note: string;
}

export function stateFiles(stateDirectory: string, volume: string): StateFiles {
  const at = (name: string): string => join(stateDirectory, `${volume}.${name}`);
  return {
    list: at("files.zst"),
    next: at("files-next.zst"),
    check: at("files-check.zst"),
    names: at("names"),
    gone: at("gone"),
    note: at("unsettled"),
  };
}

async function bootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}

async function readNote(files: StateFiles): Promise<string | undefined> {
  try {
    return (await readFile(files.note, "utf8")).trim();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Before anything is written into the mirror. Costs a small read when a pass of the same boot has come before. */
export async function beginWriting(files: StateFiles): Promise<void> {
  const [note, boot] = [await readNote(files), await bootId()];
  if (note === boot) return;
  if (note !== undefined) {
    await rm(files.list, { force: true });
    await syncDirectory(dirname(files.list));
  }
  await writeFileDurably(files.note, `${boot}\n`);
}

/** How long to wait for a clock that is behind the newest change, such as one that keeps whole seconds. */
const clockMillis = 3_000;

/**
 * Makes the lists that an archive has written those that are believed. @param newest change time of each mirror, ns
 * @throws when the mirrors cannot be synced: then nothing that was read of them is certain
 */
export async function settleState(
  mirrors: readonly { readonly files: StateFiles; readonly newest: bigint }[],
  signal: AbortSignal,
): Promise<void> {
  const [first] = mirrors;
  if (first === undefined) return;
  const directory = dirname(first.files.list);
  await syncFilesystem(directory, signal);
  for (const { files, newest } of mirrors) {
    if (await clockPasses(join(directory, ".clock"), newest, signal)) await rename(files.next, files.list);
    else await rm(files.list, { force: true });
  }
  await syncDirectory(directory);
  for (const { files } of mirrors) await rm(files.note, { force: true });
  await syncDirectory(directory);
}

async function clockPasses(probe: string, newest: bigint, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + clockMillis;
  do {
    rmSync(probe, { force: true });
    closeSync(openSync(probe, "wx", privateFile));
    const { ctimeNs } = statSync(probe, { bigint: true });
    rmSync(probe);
    if (ctimeNs > newest) return true;
    await sleep(20, undefined, { signal });
  } while (performance.now() < until);
  return false;
}

/** What the lines of one mirror begin with, and what is known of its files. */
export class MirrorState {
  readonly #known: LineCursor | undefined;
  #newest = 0n;
  #linked = false;
  #path: string | undefined;

  /** @param known the list of an earlier archive; without it nothing is known */
  constructor(known?: LineCursor) {
    this.#known = known;
  }

  /** Newest change time of all entries that were asked for. */
  get newest(): bigint {
    return this.#newest;
  }

  /** Whether any of them was a file with several names. */
  get linked(): boolean {
    return this.#linked;
  }

  prefixOf(stat: BigIntStats): string {
    if (stat.nlink > 1n && !stat.isDirectory()) this.#linked = true;
    if (stat.ctimeNs > this.#newest) this.#newest = stat.ctimeNs;
    return `${stat.ino} ${stat.ctimeNs} `;
  }

  /**
   * To be asked in the order of the walk. @param line with its prefix, without digest and end
   * @returns the digest of the content, or undefined when the content has to be read
   */
  async digestOf(path: string, line: string): Promise<string | undefined> {
    const known = this.#known;
    if (known === undefined) return undefined;
    for (;;) {
      while (known.drained) await known.fill();
      const { current } = known;
      if (current === undefined) return undefined;
      if (current.startsWith(line)) {
        this.#advance(known);
        return digestPattern.exec(current.slice(line.length))?.[1];
      }
      this.#path ??= parseEntry(current.slice(current.indexOf("{"))).path;
      const order = compareWalk(this.#path, path);
      if (order > 0) return undefined;
      this.#advance(known);
      if (order === 0) return undefined;
    }
  }

  #advance(known: LineCursor): void {
    known.advance();
    this.#path = undefined;
  }

  async close(): Promise<void> {
    await this.#known?.close();
  }
}

const digestPattern = /^,"h":"([0-9a-f]{64})"\}$/;

/** What is known of a mirror: nothing when there is no list, or one that is damaged or not to be believed. */
export async function openState(files: StateFiles, signal: AbortSignal): Promise<MirrorState> {
  const note = await readNote(files);
  if (!(await exists(files.list)) || (note !== undefined && note !== (await bootId()))) return new MirrorState();
  try {
    await run(argvTest(files.list), { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CommandError)) throw error;
    return new MirrorState();
  }
  return new MirrorState(new LineCursor(readLines(files.list, signal)));
}
