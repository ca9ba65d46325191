/** Bytes and durability of a directory, the same for every contestant. */
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { measure, sumOf, type Command, type Cost } from "../measure.ts";

/** Sizes of all files below a directory. */
export function bytesBelow(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

export function emptyDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
}

/** The command, and then everything that it wrote brought to the disk: what is in memory alone is no backup. */
export async function measureDurably(command: Command, directory: string): Promise<Cost> {
  const done = await measure(command);
  return sumOf([done, await measure({ argv: ["sync", "--file-system", directory] })]);
}
