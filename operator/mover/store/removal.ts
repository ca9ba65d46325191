/**
 * Removes generations: a rename into the trash first, which ends them in one step, the deletion after it. A crash between leaves
 * trash, never half a generation. Only what the caller has read a sealed manifest of is ever removed.
 */
import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { parseGenerationId } from "../../domain/generation.ts";
import { errnoOf } from "../errors.ts";
import { exists, makeDirectory, renameNew, syncDirectory } from "./durable.ts";
import type { Layout } from "./layout.ts";
import type { GenerationEntry } from "./listing.ts";

/** Its marker is the caller's. @param today `2026-11-21`, names the directory in the trash. */
export async function removeGeneration(layout: Layout, generation: GenerationEntry, today: string): Promise<void> {
  const trash = join(layout.trash, today);
  await makeDirectory(trash);
  await syncDirectory(layout.trash);
  const doomed = join(trash, generation.id);
  // Left by a crash of an earlier removal of another copy of it.
  if (await exists(doomed)) await rm(doomed, { recursive: true });
  // Before the generation goes: once it is gone, nobody asks any more for the damaged copies that a death has left.
  await removeDamaged(layout, generation.id);
  await renameNew(join(layout.store, generation.id), doomed);
  await rm(doomed, { recursive: true });
}

/** Deletes what a crash left in the trash. There is no grace time yet. */
export async function emptyTrash(layout: Layout): Promise<void> {
  for (const entry of await readdir(layout.trash, { withFileTypes: true })) {
    // A link may lead anywhere, and to the generations above all.
    if (!entry.isDirectory() || !/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(entry.name)) continue;
    const directory = join(layout.trash, entry.name);
    for (const name of await readdir(directory)) {
      if (parseGenerationId(name) !== undefined) await rm(join(directory, name), { recursive: true });
    }
    try {
      await rmdir(directory);
    } catch (error) {
      // Something that is not ours lies in it.
      if (errnoOf(error) !== "ENOTEMPTY") throw error;
    }
  }
}

/** A damaged copy is kept to be looked at, until the generation itself has had its time. */
async function removeDamaged(layout: Layout, id: string): Promise<void> {
  for (const name of await readdir(layout.damaged)) {
    if (name.replace(/-[0-9]+$/, "") === id) await rm(join(layout.damaged, name), { recursive: true });
  }
}
