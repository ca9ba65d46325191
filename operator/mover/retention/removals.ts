/** Carries a plan of retention out: marks, notes and renames into the trash, in an order that bears a death anywhere. */
import type { TaskOf } from "../../contract/task.ts";
import { type Instant, formatInstant, parseInstant } from "../../domain/instant.ts";
import type { MoverContext } from "../context.ts";
import type { Layout } from "../store/layout.ts";
import type { GenerationEntry } from "../store/listing.ts";
import { markRemoved, reaches, removeMarker, wasRemoved, type Markers } from "../store/markers.ts";
import { removeGeneration } from "../store/removal.ts";
import type { TrashEntry } from "../store/trash.ts";
import type { View } from "./view.ts";

export async function removeAll(
  layout: Layout,
  task: TaskOf<"prune">,
  view: View,
  trash: readonly TrashEntry[],
  now: Instant,
  context: MoverContext,
): Promise<void> {
  const removedAt = formatInstant(latest(view, trash, now));
  // The newest first: what is left by a death in the middle has all that it is based on.
  for (const { id, why } of view.plan.remove.toReversed()) {
    context.abort.throwIfAborted();
    const generation = view.ours.find((candidate) => candidate.id === id);
    if (generation === undefined) continue;
    const marker = task.location.name === "source" ? view.markers.get(id) : undefined;
    const request = view.held.get(id)?.takenBack?.request;
    if (task.location.name !== "source") await settleMarker(layout, generation, view.markers, task);
    await removeGeneration(layout, generation, {
      format: 1,
      id,
      removedAt,
      why,
      ...(marker === undefined ? {} : { marker }),
      ...(request === undefined ? {} : { request }),
    });
    // Without a copy it says nothing, so it may outlive it for a moment; a note without it would come back as unchecked.
    if (task.location.name === "source") await removeMarker(layout, id);
    context.log.info("generation removed", { generation: id, location: task.location.name, why });
  }
}

/** The clock, unless something here is known to have happened later: then the clock was set back since. */
function latest({ ours }: View, trash: readonly TrashEntry[], now: Instant): Instant {
  const known = [
    ...ours.map(({ manifest }) => parseInstant(manifest.sealedAt) ?? now),
    ...trash.flatMap(({ removedAt }) => (Number.isFinite(removedAt) ? [removedAt] : [])),
  ];
  return known.reduce((a, b) => Math.max(a, b), now);
}

/**
 * What is left of the marker of a copy at a sink that is about to go. The mark comes before the removal: without it the next
 * transport would bring back, night after night, what the source keeps for a sink that is away, and the source would
 * wait for a copy that is never coming back. A death between the two leaves a copy that counts as unchecked.
 */
async function settleMarker(
  layout: Layout,
  generation: GenerationEntry,
  markers: Markers,
  task: TaskOf<"prune">,
): Promise<void> {
  const marker = markers.get(generation.id);
  if (marker === undefined) return await removeMarker(layout, generation.id);
  // Said by an attempt that died.
  if (wasRemoved(generation, markers)) return;
  if (reaches(generation, markers, task.verify)) await markRemoved(layout, marker);
  else await removeMarker(layout, generation.id);
}
