/**
 * Writing so that it survives a power cut, and so that nobody ever sees a half. An error of fsync is final: the kernel
 * may have dropped the pages, so whoever gets it abandons the directory and never retries in place.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf, MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { isWithoutLinks } from "./abilities.ts";

/** Modes in a store: what is in a backup is as secret as what it was made of. */
export const privateFile = 0o600;
export const privateDirectory = 0o700;

/** Writes a small file through a temporary one, a rename, and fsync of the file and its directory. */
export async function writeFileDurably(path: string, content: string | Uint8Array, mode = privateFile): Promise<void> {
  await throughTemporary(path, content, mode, (temporary) => rename(temporary, path));
}

/** As `writeFileDurably`, but of several writers the first one wins. @returns false when the name was taken. */
export async function writeNewFileDurably(path: string, content: string): Promise<boolean> {
  try {
    await throughTemporary(path, content, privateFile, async (temporary) => {
      try {
        await link(temporary, path);
      } catch (error) {
        // A file system without hard links, as some shares are: there the last writer wins.
        if (!isWithoutLinks(error)) throw error;
        await rename(temporary, path);
      }
      await rm(temporary, { force: true });
    });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST" && (await exists(path))) return false;
    throw error;
  }
}

async function throughTemporary(
  path: string,
  content: string | Uint8Array,
  mode: number,
  settle: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await settle(temporary);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Whether a file of this name is what a small write leaves that was killed before its rename: never anything of value. */
export const isTemporary = (name: string): boolean => /^\..+\.[0-9a-f]{12}\.tmp$/.test(name);

/** fsync of a directory: makes the names in it durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Moves a directory to a name that must not exist yet, and makes the move durable. One writer per lineage is the rule, so
 * between the look and the rename nobody else creates the name; and a rename onto a generation, which is never empty, fails in the kernel.
 * @throws MoverError HO-A404 when the name is taken.
 */
export async function renameNew(from: string, to: string): Promise<void> {
  if (await exists(to)) throw new MoverError("HO-A404", `${to} exists already`);
  try {
    await rename(from, to);
  } catch (error) {
    if (errnoOf(error) === "ENOTEMPTY" || errnoOf(error) === "EEXIST")
      throw new MoverError("HO-A404", `${to} exists already`, { cause: error });
    throw error;
  }
  await syncDirectory(dirname(to));
  if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
}

/** One syncfs of the file system that holds the directory: 30,000 files in about a second, where fsync of each takes ten. */
export async function syncFilesystem(directory: string, signal?: AbortSignal): Promise<void> {
  await run(["sync", "--file-system", "--", directory], { signal });
}

/**
 * One level: what it is to lie in has to be there. A store or sink that went away while it was written to leaves an empty
 * mount point, and a whole tree made there anew would be in the way of what comes back.
 * @throws MoverError HO-P105 when a link is in its place: what is written or removed through it is not ours.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: privateDirectory });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
  await checkDirectory(path);
}

/** Nothing there is fine. @throws MoverError HO-P105 for anything else than a directory, a link to one included */
export async function checkDirectory(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
  });
  if (found !== undefined && !found.isDirectory())
    throw new MoverError("HO-P105", `${path} is a link or a file, where a directory of the store has to be`);
}

/** Whether a name is taken, by whatever, a dangling link included. @throws on any other error than that it is not there. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
