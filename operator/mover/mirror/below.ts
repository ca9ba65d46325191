/**
 * Entries of a tree by names that somebody else has made. No part of a name may be a link: an app could make one that leads out of its
 * volume, and a copy of its volume has the same links. Names are bytes, carried as latin1.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  unlinkSync,
  type BigIntStats,
} from "node:fs";
import { errnoOf } from "../errors.ts";
import { privateDirectory } from "../store/durable.ts";

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY;
/** Of what may be a link. */
const ownDirectoryFlags = directoryFlags | constants.O_NOFOLLOW;

/** @returns what `use` makes of the last segment below the directory that holds it; undefined when that cannot be reached */
function within<T>(root: string, name: string, use: (path: Buffer) => T): T | undefined {
  let directory = openSync(root, directoryFlags);
  try {
    const segments = name.split("/");
    const last = segments.pop() ?? "";
    const at = (segment: string): Buffer => Buffer.from(`/proc/self/fd/${directory}/${segment}`, "latin1");
    for (const segment of segments) {
      const next = openSync(at(segment), ownDirectoryFlags);
      closeSync(directory);
      directory = next;
    }
    return use(at(last));
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  } finally {
    closeSync(directory);
  }
}

/** @returns undefined when there is no regular file that may be opened */
export function openBelow(root: string, name: string, flags: number): number | undefined {
  try {
    return within(root, name, (path) => {
      const fd = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      if (fstatSync(fd).isFile()) return fd;
      closeSync(fd);
      return undefined;
    });
  } catch (error) {
    if (["EACCES", "EPERM", "ENXIO"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** @param name "" is the root @returns undefined when there is no directory that may be opened */
export function openDirectoryBelow(root: string, name: string): number | undefined {
  try {
    return within(root, name === "" ? "." : name, (path) => openSync(path, ownDirectoryFlags));
  } catch (error) {
    if (["EACCES", "EPERM"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** With those on the way to it. @param name "" is the root @returns whether it is there */
export function makeDirectoryBelow(root: string, name: string): boolean {
  const segments = name === "" ? [] : name.split("/");
  for (const [index] of segments.entries())
    within(root, segments.slice(0, index + 1).join("/"), (path) => {
      try {
        mkdirSync(path, { mode: privateDirectory });
      } catch (error) {
        if (errnoOf(error) !== "EEXIST") throw error;
      }
    });
  return statBelow(root, name === "" ? "." : name)?.isDirectory() === true;
}

/** @returns undefined when there is nothing */
export const statBelow = (root: string, name: string): BigIntStats | undefined =>
  within(root, name, (path) => lstatSync(path, { bigint: true }));

/** Removes one entry; a directory has to be empty. */
export const removeBelow = (root: string, name: string, isDirectory: boolean): void =>
  within(root, name, (path) => (isDirectory ? rmdirSync(path) : unlinkSync(path)));
