/**
 * The state list of a mirror, `mirror/.state/<volume>.files.zst`: the line of every entry, which may say as well where an older generation holds its
 * content, and beside it the inventory of the mirror at that time. The mirror is private, so a file whose record in the inventory is the same
 * has the content whose digest is in the list, and need not be read again.
 *
 * The two are believed only while that is certain. The lines were read after the last write into the mirror; they get their
 * names only after one sync of all of that, and once the file system gives a later change time than any in the inventory, so that
 * whatever is written next has another one. And before a pass writes into the mirror, a note with the boot of the kernel is made durable. A power
 * cut may lose what was written after the last sync, the change times with it, but the note is found by another
 * boot, and then the list is removed. Without a list, everything is read.
 */
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, errnoOf } from "../errors.ts";
import { run } from "../exec.ts";
import { digestFile } from "../store/digest.ts";
import { exists, privateFile, syncDirectory, syncFilesystem, writeFileDurably } from "../store/durable.ts";
import { together } from "../together.ts";
import { argvTest } from "../tools/zstd.ts";
import { compareInventories, keepInventory, type Differences } from "./inventory.ts";

export interface StateFiles {
  /** Inventory of the volume as it was when the mirror was made equal to it. Not there while anything is written into the mirror. */
  readonly source: string;
  readonly list: string;
  /** Of the mirror. */
  readonly inventory: string;
  /** Written by an archive, not yet believed. */
  readonly next: string;
  /** Names of what an archive packs and of what is gone, while it is made. */
  readonly names: string;
  readonly gone: string;
  /** Boot of the kernel under which the mirror was written to since the list. */
  readonly note: string;
}

export function stateFiles(stateDirectory: string, volume: string): StateFiles {
  const at = (name: string): string => join(stateDirectory, `${volume}.${name}`);
  return {
    source: at("source.zst"),
    list: at("files.zst"),
    inventory: at("inventory.zst"),
    next: at("files-next.zst"),
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

/** From now on nothing is known of the mirror: the next pass compares all of it with the volume, and the next archive reads all of it. */
export async function forget(files: StateFiles): Promise<void> {
  for (const known of [files.source, files.inventory, files.list]) await rm(known, { force: true });
  await syncDirectory(dirname(files.list));
}

/** Before anything is written into the mirror. Costs a small read when a pass of the same boot has come before. */
export async function beginWriting(files: StateFiles): Promise<void> {
  const [note, boot] = [await readNote(files), await bootId()];
  if (note === boot) return;
  if (note !== undefined) await forget(files);
  await writeFileDurably(files.note, `${boot}\n`);
}

/** How long to wait for a clock that is behind the newest change, such as one that keeps whole seconds. */
const clockMillis = 3_000;

export interface Settled {
  readonly files: StateFiles;
  /** Of the mirror, uncompressed. */
  readonly inventory: string;
  /** Newest change time in the mirror, ns. */
  readonly newest: bigint;
  /** Makes sure that the next list is there; absent when the kept one is as it would be. */
  readonly write?: (signal: AbortSignal) => Promise<void>;
  /** Whether nothing differs from the kept inventory: then that stays, whichever list says the same. */
  readonly same?: boolean;
}

/** What else is to be done once all that was written into the mirrors is on the disk. */
export type WhenDurable = (signal: AbortSignal) => Promise<void>;

/**
 * Makes what an archive has found out of the mirrors that which is believed.
 * @throws when the mirrors cannot be synced: then nothing that was read of them is certain
 */
export async function settleState(
  mirrors: readonly Settled[],
  abort: AbortSignal,
  whenDurable: WhenDurable = () => Promise.resolve(),
): Promise<void> {
  const [first] = mirrors;
  if (first === undefined) return;
  for (const { write } of mirrors) await write?.(abort);
  const directory = dirname(first.files.list);
  await syncFilesystem(directory, abort);
  await together<[void, void]>(abort, (signal) => [believe(mirrors, directory, signal), whenDurable(signal)]);
}

async function believe(mirrors: readonly Settled[], directory: string, signal: AbortSignal): Promise<void> {
  for (const { files, inventory, newest, write, same = false } of mirrors) {
    if (write === undefined) continue;
    if (same) {
      await rename(files.next, files.list);
      continue;
    }
    if (!(await clockPasses(join(directory, ".clock"), newest, signal))) {
      for (const known of [files.inventory, files.list]) await rm(known, { force: true });
      continue;
    }
    // The two belong together: what the list alone has, and the mirror no longer when it is next looked at, would stay in the list.
    await rm(files.inventory, { force: true });
    await rename(files.next, files.list);
    await keepInventory(inventory, files.inventory, signal);
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

/** What is known of a mirror, and how it differs from that. */
export interface KnownMirror {
  readonly differences: Differences;
  /** SHA-256 of the kept list, as it lies there. */
  readonly list: string;
}

/** Whether there is a list, and no other boot since it was written. */
export async function isListBelieved(files: StateFiles): Promise<boolean> {
  const note = await readNote(files);
  return (await exists(files.list)) && (note === undefined || note === (await bootId()));
}

/**
 * Of a list that is believed. @param fresh inventory of the mirror now @param trusted digest of a list that was read and found whole, if there is any
 * @returns undefined when nothing is known, or nothing is to be believed
 */
export async function differencesInMirror(
  files: StateFiles,
  fresh: string,
  trusted: string | undefined,
  signal: AbortSignal,
): Promise<KnownMirror | undefined> {
  const [differences, list] = await together<[Differences | undefined, string | undefined]>(signal, (stop) => [
    compareInventories(files.inventory, fresh, stop),
    wholeList(files.list, trusted, stop),
  ]);
  return differences === undefined || list === undefined ? undefined : { differences, list };
}

/** @returns digest of the list; undefined when it is damaged */
async function wholeList(list: string, trusted: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  const { sha256 } = await digestFile(list, signal);
  if (sha256 === trusted) return sha256;
  try {
    await run(argvTest(list), { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CommandError)) throw error;
    return undefined;
  }
  return sha256;
}
