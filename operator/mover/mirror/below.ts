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

/**
 * A tree of which many entries are looked up. The directories of the last name stay open, so names in the order of the tree cost little
 * more than what is done with them.
 */
export class Below {
  readonly #root: number;
  readonly #open: { readonly segment: string; readonly directory: number }[] = [];

  constructor(root: string) {
    this.#root = openSync(root, directoryFlags);
  }

  close(): void {
    this.#closeFrom(0);
    closeSync(this.#root);
  }

  /** @returns a descriptor; undefined when there is no regular file that may be opened */
  open(name: string, flags: number): number | undefined {
    try {
      return this.#within(name, (path) => {
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
  openDirectory(name: string): number | undefined {
    try {
      return this.#within(name === "" ? "." : name, (path) => openSync(path, ownDirectoryFlags));
    } catch (error) {
      if (["EACCES", "EPERM"].includes(errnoOf(error) ?? "")) return undefined;
      throw error;
    }
  }

  /** With those on the way to it. @param name "" is the root @returns whether it is there */
  makeDirectory(name: string): boolean {
    const segments = name === "" ? [] : name.split("/");
    for (const [index] of segments.entries())
      this.#within(segments.slice(0, index + 1).join("/"), (path) => {
        try {
          mkdirSync(path, { mode: privateDirectory });
        } catch (error) {
          if (errnoOf(error) !== "EEXIST") throw error;
        }
      });
    return this.stat(name === "" ? "." : name)?.isDirectory() === true;
  }

  /** @returns undefined when there is nothing */
  stat(name: string): BigIntStats | undefined {
    return this.#within(name, (path) => lstatSync(path, { bigint: true }));
  }

  /** Removes one entry; a directory has to be empty. */
  remove(name: string, isDirectory: boolean): void {
    this.#within(name, (path) => (isDirectory ? rmdirSync(path) : unlinkSync(path)));
    // Something else may get its name.
    if (isDirectory) this.#closeFrom(0);
  }

  /** @returns what `use` makes of the last segment below the directory that holds it; undefined when that cannot be reached */
  #within<T>(name: string, use: (path: Buffer) => T): T | undefined {
    try {
      const segments = name.split("/");
      const last = segments.pop() ?? "";
      return use(at(this.#directory(segments), last));
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error) ?? "")) return undefined;
      throw error;
    }
  }

  #directory(segments: readonly string[]): number {
    const differs = segments.findIndex((segment, index) => this.#open[index]?.segment !== segment);
    const shared = differs < 0 ? segments.length : differs;
    this.#closeFrom(shared);
    for (const segment of segments.slice(shared)) {
      const parent = this.#open.at(-1)?.directory ?? this.#root;
      this.#open.push({
        segment,
        directory: openSync(at(parent, segment), ownDirectoryFlags),
      });
    }
    return this.#open.at(-1)?.directory ?? this.#root;
  }

  #closeFrom(index: number): void {
    for (const { directory } of this.#open.splice(index)) closeSync(directory);
  }
}

const at = (directory: number, segment: string): Buffer =>
  Buffer.from(`/proc/self/fd/${directory}/${segment}`, "latin1");

/** One name alone. */
function once<T>(root: string, use: (below: Below) => T): T {
  const below = new Below(root);
  try {
    return use(below);
  } finally {
    below.close();
  }
}

export const openBelow = (root: string, name: string, flags: number): number | undefined =>
  once(root, (below) => below.open(name, flags));

export const openDirectoryBelow = (root: string, name: string): number | undefined =>
  once(root, (below) => below.openDirectory(name));

export const makeDirectoryBelow = (root: string, name: string): boolean =>
  once(root, (below) => below.makeDirectory(name));

/** @returns undefined when there is nothing */
export const statBelow = (root: string, name: string): BigIntStats | undefined =>
  once(root, (below) => below.stat(name));

export const removeBelow = (root: string, name: string, isDirectory: boolean): void =>
  once(root, (below) => below.remove(name, isDirectory));
