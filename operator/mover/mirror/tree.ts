/**
 * Reads a directory tree with synchronous calls, which cost half of the asynchronous ones, in constant memory but for
 * the names of the directories it is in. Names are bytes: they are carried as latin1 strings, in which each character is one byte, so that names
 * that are no valid UTF-8 survive, and so that sorting sorts bytes. Everything is looked up relative to an open
 * directory: a path below it may then be as long as the kernel allows, and nobody can swap the root.
 */
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  unlinkSync,
  type BigIntStats,
} from "node:fs";
import { errnoOf } from "../errors.ts";

export interface TreeEntry {
  /** Relative to the root, bytes as latin1; "" is the root. */
  readonly path: string;
  readonly stat: BigIntStats;
}

export class Tree {
  readonly #fd: number;
  readonly #prefix: string;

  constructor(root: string) {
    this.#fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    this.#prefix = `/proc/self/fd/${this.#fd}/`;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #at(path: string): Buffer {
    return Buffer.from(this.#prefix + path, "latin1");
  }

  /** @returns undefined when there is nothing. */
  stat(path: string): BigIntStats | undefined {
    try {
      return lstatSync(this.#at(path), { bigint: true });
    } catch (error) {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
      throw error;
    }
  }

  /** Target of a symbolic link, bytes as latin1. */
  link(path: string): string {
    return readlinkSync(this.#at(path), "latin1");
  }

  /** A descriptor to read a regular file with; never follows a link. */
  open(path: string): number {
    return openSync(this.#at(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  }

  remove(path: string): void {
    unlinkSync(this.#at(path));
  }

  /** Every entry, the root first; the names in a directory in the order of their bytes, what is in a directory right after it. */
  *walk(): Generator<TreeEntry> {
    const root = this.stat(".");
    if (root === undefined) return;
    yield { path: "", stat: root };
    const stack: { readonly directory: string; readonly names: readonly string[]; next: number }[] = [this.#list("")];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const name = top.names[top.next++];
      if (name === undefined) {
        stack.pop();
        continue;
      }
      const path = top.directory === "" ? name : `${top.directory}/${name}`;
      const stat = lstatSync(this.#at(path), { bigint: true });
      yield { path, stat };
      if (stat.isDirectory()) stack.push(this.#list(path));
    }
  }

  #list(directory: string): { readonly directory: string; readonly names: readonly string[]; next: number } {
    return { directory, names: readdirSync(this.#at(directory), "latin1").toSorted(byBytes), next: 0 };
  }
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
