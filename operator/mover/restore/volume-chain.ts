/**
 * Applies what a generation with a base holds to the state of the one before: removes what is gone, puts in place what is
 * new or different. Both are treated as hostile. The archive is extracted into an empty directory of its own, where nothing lies
 * that could lead GNU tar elsewhere; from there names are moved one by one, and a name is only ever touched after every
 * directory on the way to it was seen to be a directory and no link. Nobody else writes there meanwhile.
 */
import {
  chmodSync,
  closeSync,
  constants,
  createReadStream,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  type Stats,
} from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { errnoOf, MoverError, quote } from "../errors.ts";
import { Tree } from "../mirror/tree.ts";

/** A directory tree that is changed below an open directory; paths are bytes as latin1. */
class Target {
  readonly #fd: number;
  /** The directory that was last seen to be reached through directories only; "" is the root. */
  #safe = "";

  constructor(root: string) {
    this.#fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  }

  close(): void {
    closeSync(this.#fd);
  }

  at(path: string): Buffer {
    return Buffer.from(`/proc/self/fd/${this.#fd}/${path}`, "latin1");
  }

  stat(path: string): Stats | undefined {
    try {
      return lstatSync(this.at(path));
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** @throws MoverError HO-R803 when a directory on the way to the path is missing, a link, or anything else */
  checkParents(path: string): void {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (parent === "" || parent === this.#safe) return;
    let end = 0;
    for (const segment of parent.split("/")) {
      if (segment === "" || segment === "." || segment === "..") throw refuse(path, "is no name in the volume");
      end += segment.length + 1;
      if (this.stat(path.slice(0, end - 1))?.isDirectory() !== true) throw refuse(path, "does not lie in a directory");
    }
    this.#safe = parent;
  }

  /**
   * Lets a user without capabilities into a directory in which names come and go. It is among what has changed, because its time
   * has, so it gets the mode that it should have from there.
   */
  open(path: string, found: Stats | undefined): void {
    if (process.getuid?.() === 0 || found?.isDirectory() !== true || (found.mode & 0o700) === 0o700) return;
    chmodSync(this.at(path), (found.mode & 0o7777) | 0o700);
  }

  /** What was seen before may not be so any more. */
  forget(): void {
    this.#safe = "";
  }
}

const refuse = (path: string, why: string): MoverError =>
  new MoverError("HO-R803", `the generation does not follow from the one before: ${quote(path).slice(0, 500)} ${why}`);

/** A name is at most this long; anything longer in a list of names is none. */
const longestName = 64 * 1024;

/** @param names file of names, each with `./` before it and a NUL after it, in the order of their removal */
export async function removeNamed(root: string, names: string, signal: AbortSignal): Promise<number> {
  const target = new Target(root);
  let [removed, rest] = [0, ""];
  try {
    for await (const chunk of createReadStream(names, { encoding: "latin1" }) as AsyncIterable<string>) {
      const parts = (rest + chunk).split("\0");
      rest = parts.pop() ?? "";
      if (rest.length > longestName) break;
      for (const name of parts) remove(target, name);
      removed += parts.length;
      signal.throwIfAborted();
      await breathe();
    }
    if (rest !== "") throw refuse(rest, "is cut off in the list of what is gone");
    return removed;
  } finally {
    target.close();
  }
}

function remove(target: Target, name: string): void {
  const path = name.slice(2);
  const last = path.slice(path.lastIndexOf("/") + 1);
  if (!name.startsWith("./") || last === "" || last === "." || last === "..")
    throw refuse(name, "is no name in the volume");
  target.checkParents(path);
  const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  target.open(parent, target.stat(parent));
  const found = target.stat(path);
  if (found === undefined) throw refuse(path, "is to be removed and is not there");
  try {
    if (found.isDirectory()) {
      rmdirSync(target.at(path));
      target.forget();
    } else unlinkSync(target.at(path));
  } catch (error) {
    if (errnoOf(error) === "ENOTEMPTY" || errnoOf(error) === "EEXIST")
      throw refuse(path, "is to be removed and is not empty");
    throw error;
  }
}

/** Moves everything but directories from one tree into the other; what remains are directories, whose attributes are the new ones. */
export async function moveInto(from: string, root: string, signal: AbortSignal): Promise<number> {
  const [source, origin, target] = [new Tree(from), new Target(from), new Target(root)];
  let moved = 0;
  try {
    for (const { path, stat } of source.walk()) {
      if (stat.isDirectory()) origin.open(path, origin.stat(path));
      if (path === "") {
        target.open(path, target.stat(path));
        continue;
      }
      target.checkParents(path);
      const present = target.stat(path);
      if (present !== undefined && present.isDirectory() !== stat.isDirectory())
        throw refuse(path, "was something else and was not removed");
      if (!stat.isDirectory()) renameSync(origin.at(path), target.at(path));
      else if (present === undefined) mkdirSync(target.at(path), { mode: 0o700 });
      else target.open(path, present);
      moved += 1;
      if (moved % 1024 !== 0) continue;
      signal.throwIfAborted();
      await breathe();
    }
    return moved;
  } finally {
    for (const one of [source, origin, target]) one.close();
  }
}
