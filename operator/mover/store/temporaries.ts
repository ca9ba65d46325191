/**
 * Small files come into being under a temporary name, and a process that is killed then leaves that behind. Removed by the steps
 * that write such files, at their start: one run at a time works at a location, so what they find is of the dead.
 */
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { exists, isTemporary } from "./durable.ts";
import type { Layout } from "./layout.ts";

export async function sweepTemporaries(layout: Layout): Promise<void> {
  const own = [layout.sentinel, layout.lineage, layout.catalogue, layout.plans].map((path) => `.${basename(path)}.`);
  const ours = [layout.verified, layout.held];
  const held = (await exists(layout.held)) ? [layout.held] : [];
  for (const directory of [dirname(layout.sentinel), layout.base, layout.verified, ...held]) {
    for (const name of await readdir(directory)) {
      // In the root of a share there may be files of anybody.
      if (isTemporary(name) && (ours.includes(directory) || own.some((prefix) => name.startsWith(prefix))))
        await rm(join(directory, name), { force: true });
    }
  }
}

/** Of a directory in which all is ours, and at the time nobody else's. */
export async function removeTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (isTemporary(name)) await rm(join(directory, name), { force: true });
}
