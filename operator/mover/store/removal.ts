/**
 * Removes generations: a rename into the trash, which ends them in one step, with a note beside it of when and why; and after a
 * time of grace the deletion. Only what the caller has read a sealed manifest of is ever removed, and only what
 * is named like one of ours is ever deleted.
 */
import { readdir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Instant } from "../../domain/instant.ts";
import { errnoOf } from "../errors.ts";
import { exists, isTemporary, makeDirectory, renameNew, syncDirectory, writeFileDurably } from "./durable.ts";
import type { Layout } from "./layout.ts";
import type { GenerationEntry } from "./listing.ts";
import { dayFor, daysInTrash, goneName, isGone, notePath, type TrashEntry, type TrashNote } from "./trash.ts";

/** Its marker is the caller's. */
export async function removeGeneration(layout: Layout, generation: GenerationEntry, note: TrashNote): Promise<void> {
  const day = await dayFor(layout, generation.id, note.removedAt);
  await makeDirectory(day);
  await syncDirectory(layout.trash);
  const doomed = join(day, generation.id);
  // Before the rename: what has no note has no way back.
  await writeFileDurably(notePath(day, generation.id), `${JSON.stringify(note)}\n`);
  // Before the generation goes: once it is gone, nobody asks any more for the damaged copies that a death has left.
  await removeDamaged(layout, generation.id);
  await renameNew(generation.path, doomed);
}

/**
 * Deletes what has had its time of grace, and what a crash left of an earlier deletion.
 * @param kept ids that stay in the trash, because they are held
 */
export async function emptyTrash(
  layout: Layout,
  entries: readonly TrashEntry[],
  kept: ReadonlySet<string>,
  graceMillis: number,
  now: Instant,
): Promise<void> {
  // The newest first, as in the removal: what is left has all that it is based on.
  for (const { id, day, removedAt } of entries.toReversed())
    if (!kept.has(id) && now - removedAt >= graceMillis) await destroy(day, id);
  for (const day of await daysInTrash(layout)) {
    for (const name of await readdir(day))
      if (isGone(name) || isTemporary(name)) await rm(join(day, name), { recursive: true });
    try {
      await rmdir(day);
    } catch (error) {
      // Something is still in it, of ours or not.
      if (errnoOf(error) !== "ENOTEMPTY") throw error;
    }
  }
}

/** By a rename first, so that what is half deleted is never taken for a generation and taken back. */
async function destroy(day: string, id: string): Promise<void> {
  const gone = join(day, goneName(id));
  await rm(gone, { recursive: true, force: true });
  if (await exists(join(day, id))) await rename(join(day, id), gone);
  await syncDirectory(day);
  await rm(notePath(day, id), { force: true });
  await rm(gone, { recursive: true, force: true });
}

/** A damaged copy is kept to be looked at, until the generation itself has had its time. */
async function removeDamaged(layout: Layout, id: string): Promise<void> {
  for (const name of await readdir(layout.damaged)) {
    if (name.replace(/-[0-9]+$/, "") === id) await rm(join(layout.damaged, name), { recursive: true });
  }
}
