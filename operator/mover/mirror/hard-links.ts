/**
 * Hard links between the app's own files, in a mirror that is written in place. When the app replaces one of two linked
 * files by a new one, they are still linked in the mirror, and writing the one in place would spoil the other. So names that
 * are linked in the mirror but no longer in the source are removed from the mirror before a pass, which brings them anew.
 */
import { readFile, rm } from "node:fs/promises";
import { run } from "../exec.ts";
import { removeBelow } from "./below.ts";
import { Tree } from "./tree.ts";

/** Writes inode and name of whatever in the mirror has several names: links, pipes and devices have times and owners that would be spoiled. */
export async function listHardLinks(mirror: string, listFile: string, signal: AbortSignal): Promise<void> {
  const argv = ["find", ".", "!", "-type", "d", "-links", "+1", "-printf", String.raw`%i %P\0`] as const;
  await rm(listFile, { force: true });
  await run(argv, { cwd: mirror, stdout: { file: listFile }, signal });
}

/** Names by the inode that they share. */
export type HardLinks = ReadonlyMap<string, readonly string[]>;

/** Memory grows with the number of hard-linked files only. */
export async function readHardLinks(listFile: string): Promise<HardLinks> {
  const groups = new Map<string, string[]>();
  for (const line of (await readFile(listFile, "latin1")).split("\0")) {
    const space = line.indexOf(" ");
    if (space < 0) continue;
    const names = groups.get(line.slice(0, space));
    if (names === undefined) groups.set(line.slice(0, space), [line.slice(space + 1)]);
    else names.push(line.slice(space + 1));
  }
  return groups;
}

/** @param groups names that share a file in the mirror @returns how many were removed */
export function untangleHardLinks(source: string, mirror: string, groups: HardLinks): number {
  if (groups.size === 0) return 0;
  const sourceTree = new Tree(source);
  const mirrorTree = new Tree(mirror);
  let removed = 0;
  try {
    for (const names of groups.values()) {
      const inodes = new Set(names.map((name) => sourceTree.stat(name)?.ino));
      if (inodes.size === 1 && !inodes.has(undefined)) continue;
      for (const name of names) {
        if (mirrorTree.stat(name)?.isDirectory() !== false) continue;
        removeBelow(mirror, name, false);
        removed += 1;
      }
    }
  } finally {
    sourceTree.close();
    mirrorTree.close();
  }
  return removed;
}
