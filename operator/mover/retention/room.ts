/**
 * Room in a store that is too full for a run. A prune empties the trash, but where there is no room there is no run, and without a run
 * no prune: so what has had its time of grace goes before a run is refused, and nothing else does. Where a prune would refuse, because of
 * the clock or because it is not certain what lies there, nothing goes.
 */
import type { TaskOf } from "../../contract/task.ts";
import { isInForce } from "../../domain/holds.ts";
import { type Instant, formatInstant } from "../../domain/instant.ts";
import { formatBytes } from "../../domain/quantities.ts";
import type { MoverContext } from "../context.ts";
import { MoverError } from "../errors.ts";
import { checkSpace, type SpaceNeed } from "../mirror/space.ts";
import { holdsInAll, readHeld } from "../store/held.ts";
import type { Layout } from "../store/layout.ts";
import { emptyTrash } from "../store/removal.ts";
import { whyUnsure, type Owner } from "./view.ts";
import { heldInTrash, isAskedBy, listTrash, observeTrash } from "../store/trash.ts";
import { clip } from "../../domain/text.ts";

type Grace = NonNullable<TaskOf<"preflight">["trash"]>;

/** @throws MoverError with the code of the need, and what lies in the trash, when there is no room all the same. */
export async function findRoom(
  place: { readonly root: string; readonly layout: Layout; readonly owner: Owner },
  need: SpaceNeed,
  grace: Grace | undefined,
  context: MoverContext,
  now: Instant = Date.now(),
): Promise<void> {
  try {
    await checkSpace(place.root, need);
  } catch (error) {
    if (!(error instanceof MoverError) || grace === undefined) throw error;
    const why = await makeRoom({ ...place, what: need.what }, grace, context, now);
    const left = await observeTrash(await listTrash(place.layout), grace.millis);
    await checkSpace(place.root, need).catch((again: unknown) => {
      if (!(again instanceof MoverError) || left.generations === 0) throw again;
      const until = left.until === undefined ? "" : ` until ${formatInstant(left.until)}`;
      const kept = why === undefined ? "" : `, and nothing goes: ${clip(why, 300)}`;
      const trash = `${left.generations} in the trash take ${formatBytes(left.bytes)}${until}${kept}`;
      throw new MoverError(again.code, `${again.message}; ${trash}`, { retry: again.retry, cause: again });
    });
  }
}

/**
 * What is held stays, and so does what is to be taken back. Writes nothing, for there may be no room for anything.
 * @returns why nothing was deleted at all
 */
export async function makeRoom(
  { layout, owner, what }: { readonly layout: Layout; readonly owner: Owner; readonly what: string },
  { millis, holds, known, undelete }: Grace,
  context: MoverContext,
  now: Instant = Date.now(),
): Promise<string | undefined> {
  const why = await whyUnsure(layout, owner, now);
  if (why !== undefined) {
    context.log.warn("nothing is deleted from the trash, though there is no room", { place: what, why });
    return why;
  }
  const all = holdsInAll(holds, await readHeld(layout), known);
  const isAsked = isAskedBy(undelete ?? "");
  const stays = (id: string): boolean => isAsked(id) || all.some((hold) => hold.id === id && isInForce(hold, now));
  const trash = await listTrash(layout);
  await emptyTrash(layout, trash, await heldInTrash(trash, stays), millis, now);
  context.log.info("what has had its time was deleted from the trash, because there is no room", { place: what });
  return undefined;
}
