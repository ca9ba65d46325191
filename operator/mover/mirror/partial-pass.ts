/**
 * Makes the mirror equal to the volume where the volume differs from what it was when the mirror was equal to it, and looks at
 * nothing else. rsync gets the names, and compares them by content; what is gone is removed here.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../errors.ts";
import { argvCompareContent, argvMirrorRoot, type Attributes } from "../tools/rsync.ts";
import { Below } from "./below.ts";
import { bringBlocks, smallestFile } from "./blocks.ts";
import type { ChangeMark } from "./changes.ts";
import { finishDirectories, withAncestors } from "./directories.ts";
import { bringSparseFiles } from "./full-pass.ts";
import { untangleHardLinks } from "./hard-links.ts";
import type { Differences, Item } from "./inventory.ts";
import { compareWalk } from "./lines.ts";
import type { MirrorJob, State } from "./mirror-state.ts";
import { transfer, transferWhole } from "./transfer.ts";
import { checkThere } from "./vanished.ts";

export interface Changes extends Differences {
  /** Names and inodes of what may have changed though its record is the same. */
  readonly recent: readonly Pick<Item, "path" | "inode">[];
}

export interface PartialOptions {
  readonly attributes: Attributes;
  readonly mark: ChangeMark;
  /** Newest change time in the volume, as the changes were found. */
  readonly newest: ChangeMark;
  readonly frozen: boolean;
}

/** What the mirror holds. */
export type Held = Pick<State, "files" | "bytes">;

export interface PartialStats {
  /** What changed. */
  readonly files: number;
  readonly bytes: number;
  readonly torn: readonly string[];
}

export const isNothing = ({ before, now, recent }: Changes): boolean =>
  before.length + now.length + recent.length === 0;

/**
 * @returns undefined when the mirror is not what it was taken for, or a directory of it may not be written to: a full pass is needed
 * @throws MoverError HO-A401, HO-A402; CommandError
 */
export async function partialPass(
  job: MirrorJob,
  changes: Changes,
  options: PartialOptions,
): Promise<PartialStats | undefined> {
  const now = changes.now.toSorted((a, b) => compareWalk(a.path, b.path));
  const changed = [...new Set([...changes.before, ...now].map(({ path }) => path))].toSorted(compareWalk);
  const before = heldOf(job.mirror, changed);
  try {
    makeRoom(job, changes, now);
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "EISDIR", "ENOTDIR", "EPERM", "EACCES"].includes(errnoOf(error) ?? ""))
      return undefined;
    throw error;
  }
  const sparse = await bringSparseFiles(job, options);
  const copied = new Set(sparse.names);
  const all = [...now, ...changes.recent];
  // With a name that is new, those that it shares its file with: rsync links only names that it is given together.
  const again = new Set(all.filter(({ path }) => !copied.has(path)).map(({ inode }) => inode));
  const names = new Set(all.filter(({ inode }) => again.has(inode)).map(({ path }) => path));
  const torn = [...sparse.torn];
  // By its name, rsync would understand everything that lies directly in it; it is brought along with any other name.
  const root = names.delete("");
  if (names.size > 0) {
    await prepare(job, now, names);
    const listFile = join(job.scratch, `changed-${job.volume.name}`);
    await writeFile(listFile, [...names].map((name) => `./${name}\0`).join(""), { encoding: "latin1", mode: 0o600 });
    const argv = argvCompareContent(job.mirror, listFile, job.volume, options.attributes);
    torn.push(...(await transferWhole(job, argv, options.frozen)).torn);
  } else if (root) await transfer(job, argvMirrorRoot(job.mirror, options.attributes), options.frozen);
  if (options.frozen) await checkThere(job, (check) => [...sparse.names, ...names].forEach((name) => check(name)));
  const touched = withAncestors([...changed, ...names]);
  await finishDirectories(job, options.newest, (look) => touched.forEach((path) => look(path)));
  const after = heldOf(job.mirror, changed);
  return { files: after.files - before.files, bytes: after.bytes - before.bytes, torn: [...new Set(torn)] };
}

async function prepare(job: MirrorJob, now: readonly Item[], names: ReadonlySet<string>): Promise<void> {
  const trees = { source: new Below(job.source), mirror: new Below(job.mirror) };
  const files = now.filter(({ type, path, size }) => type === "f" && size >= smallestFile && names.has(path));
  try {
    await bringBlocks(
      trees,
      files.map(({ path }) => path),
      job.signal,
    );
  } finally {
    for (const tree of Object.values(trees)) tree.close();
  }
}

/** Removes what is gone, what has become of another kind, and names that share a file no longer. */
function makeRoom({ source, mirror }: MirrorJob, { before }: Changes, now: readonly Item[]): void {
  const tree = new Below(mirror);
  try {
    const there = new Set(now.map(({ path }) => path));
    // What is in a directory before the directory.
    for (const { path } of before.toSorted((a, b) => compareWalk(b.path, a.path))) {
      if (there.has(path)) continue;
      const held = tree.stat(path);
      if (held !== undefined) tree.remove(path, held.isDirectory());
    }
    const linked = removeOtherKinds(tree, now);
    // Names that nobody has touched keep the file, so whoever has changed without them shares it no longer: a directory above it was exchanged.
    for (const { names, links } of linked.values())
      if (names.length < links) for (const name of names) tree.remove(name, false);
    untangleHardLinks(source, mirror, new Map([...linked].map(([inode, { names }]) => [inode, names])));
  } finally {
    tree.close();
  }
}

interface Linked {
  readonly names: string[];
  /** In all. */
  readonly links: number;
}

/** @returns what has several names in the mirror, by its inode there */
function removeOtherKinds(tree: Below, now: readonly Item[]): ReadonlyMap<string, Linked> {
  const linked = new Map<string, Linked>();
  // A directory before what is in it: where it was a link, nothing below it may be looked up.
  for (const { path, type } of now) {
    if (path === "") continue;
    const held = tree.stat(path);
    if (held === undefined) continue;
    if (held.isDirectory() !== (type === "d") || held.isSymbolicLink() !== (type === "l")) {
      tree.remove(path, held.isDirectory());
      continue;
    }
    if (held.isDirectory() || held.nlink === 1n) continue;
    const group = linked.get(String(held.ino));
    if (group === undefined) linked.set(String(held.ino), { names: [path], links: Number(held.nlink) });
    else group.names.push(path);
  }
  return linked;
}

/** @param paths in the order of the tree */
function heldOf(mirror: string, paths: readonly string[]): Held {
  const tree = new Below(mirror);
  let [files, bytes] = [0, 0];
  try {
    for (const path of paths) {
      const held = path === "" ? undefined : tree.stat(path);
      if (held === undefined || held.isDirectory()) continue;
      files += 1;
      // As rsync counts them in a full pass.
      if (held.isFile() || held.isSymbolicLink()) bytes += Number(held.size);
    }
  } finally {
    tree.close();
  }
  return { files, bytes };
}
