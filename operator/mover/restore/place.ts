/**
 * Changes names in a volume. Names are bytes, carried as latin1 strings as in mirror/tree.ts. Everything is looked up below
 * an open directory, so that paths may be as long as the kernel allows; and no directory on the way to a name may be a
 * symbolic link, because the app can make one that leads out of the volume.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  type Stats,
} from "node:fs";
import { errnoOf, MoverError, quote } from "../errors.ts";

export class Place {
  readonly #fd: number;

  constructor(root: string) {
    this.#fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #at(path: string): Buffer {
    return Buffer.from(`/proc/self/fd/${this.#fd}/${path}`, "latin1");
  }

  /** @returns undefined when there is nothing. */
  stat(path: string): Stats | undefined {
    try {
      return lstatSync(this.#at(path));
    } catch (error) {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
      throw error;
    }
  }

  /** For a call that this class does not have. */
  descriptorPath(path: string): Buffer {
    return this.#at(path);
  }

  list(directory: string): readonly string[] {
    return readdirSync(this.#at(directory), "latin1").toSorted();
  }

  /** Moves a name, never over another one: the caller has made sure that `to` is free. */
  move(from: string, to: string): void {
    if (this.stat(to) !== undefined) throw new MoverError("HO-R804", `${quote(to)} exists already`);
    const rename = (): void => renameSync(this.#at(from), this.#at(to));
    try {
      rename();
    } catch (error) {
      const found = this.stat(from);
      if (errnoOf(error) !== "EACCES" || found?.isDirectory() !== true) throw error;
      // A user without capabilities may move a directory only if he may write to it, because its `..` changes.
      chmodSync(this.#at(from), (found.mode & 0o7777) | 0o200);
      try {
        rename();
      } finally {
        chmodSync(this.#at(this.stat(from) === undefined ? to : from), found.mode & 0o7777);
      }
    }
  }

  /** The name, or the name with a number that is not taken yet. */
  freeName(path: string): string {
    let name = path;
    for (let n = 1; this.stat(name) !== undefined; n += 1) name = `${path}.${n}`;
    return name;
  }

  /**
   * Makes the directories that lead to `path`, each with owner and mode of its counterpart below `like`.
   * @throws MoverError HO-R804 when one of them is something else than a directory.
   */
  makeParents(path: string, like: string | undefined, below = ""): void {
    const segments = path.split("/").slice(0, -1);
    for (const [index] of segments.entries()) {
      const relative = segments.slice(0, index + 1).join("/");
      const directory = join(below, relative);
      const present = this.stat(directory);
      if (present?.isDirectory() === true) continue;
      if (present !== undefined) throw new MoverError("HO-R804", `${quote(directory)} is not a directory`);
      mkdirSync(this.#at(directory), { mode: 0o700 });
      const model = like === undefined ? undefined : this.stat(join(like, relative));
      if (model === undefined) continue;
      chownSync(this.#at(directory), model.uid, model.gid);
      chmodSync(this.#at(directory), model.mode & 0o7777);
    }
  }
}

export const join = (directory: string, name: string): string => (directory === "" ? name : `${directory}/${name}`);
export const bytesOf = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
