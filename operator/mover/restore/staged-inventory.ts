/**
 * Whether what was staged and compared is still so when it is exchanged. Until then the app runs, with the staged state on its volume: a job
 * of it that deletes what is old, or gives everything to one owner, does not stop at our directory. A walk tells, without a byte being
 * read, of everything but of what was done to deceive.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "../exec.ts";
import { digestFile } from "../store/digest.ts";
import { argvSort, argvStaged } from "../tools/inventory.ts";

/** @param scratch for the records while they are sorted @returns SHA-256 of the sorted records of all entries */
export async function digestOfStaged(work: string, scratch: string, signal: AbortSignal): Promise<string> {
  const records = join(scratch, "staged");
  try {
    await pipeline([{ argv: argvStaged(), cwd: join(work, "new") }, { argv: argvSort(records, scratch) }], { signal });
    return (await digestFile(records, signal)).sha256;
  } finally {
    await rm(records, { force: true });
  }
}
