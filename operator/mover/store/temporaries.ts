/**
 * Small files come into being under a temporary name, and a process that is killed then leaves that behind. Removed by the steps
 * that write such files, at their start: one run at a time works at a location, so what they find is of the dead.
 */
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isTemporary } from "./durable.ts";
import type { Layout } from "./layout.ts";

export async function sweepTemporaries(layout: Layout): Promise<void> {
  const own = [layout.sentinel, layout.lineage, layout.catalogue].map((path) => `.${basename(path)}.`);
  for (const directory of [dirname(layout.sentinel), layout.base, layout.verified]) {
    for (const name of await readdir(directory)) {
      // In the root of a share there may be files of anybody.
      if (isTemporary(name) && (directory === layout.verified || own.some((prefix) => name.startsWith(prefix))))
        await rm(join(directory, name), { force: true });
    }
  }
}
