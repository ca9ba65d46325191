/**
 * Opening what must be there already, and setting aside what must not be trusted. Unlike openStore and openLineage nothing
 * here ever makes an empty directory into a store: a step that only reads or moves existing generations has no
 * business to do so. Nothing is removed here.
 */
import { join } from "node:path";
import { MoverError } from "../errors.ts";
import { exists, makeDirectory, renameNew } from "./durable.ts";
import { layoutOf, type Layout } from "./layout.ts";
import { highestSeq } from "./listing.ts";
import { removeMarker } from "./markers.ts";
import { openLineage, openStore, type LineageOwner, type OpenStoreOptions } from "./sentinel.ts";

export interface PresentStore {
  readonly uuid: string;
  readonly layout: Layout;
}

/**
 * @returns undefined when the place was never used by this policy and nothing says that it should have been.
 * @throws MoverError HO-P105 or HO-T502 when it is not the place that the policy saw, HO-P106 when the lineage is another's.
 */
export async function findStore(
  root: string,
  options: OpenStoreOptions,
  owner: LineageOwner,
): Promise<PresentStore | undefined> {
  const layout = layoutOf(root, owner.namespace, owner.policy);
  // With an identity to expect, openStore refuses a place without one; without, it would give it one.
  if (options.expectedUuid === undefined && !(await exists(layout.sentinel))) return undefined;
  const { uuid } = await openStore(root, options);
  if (!(await exists(layout.lineage)) && !(await exists(layout.store))) return undefined;
  return { uuid, layout: await openLineage(root, owner, options.role) };
}

/** Like findStore, for a place that must have been used. */
export async function openPresent(root: string, options: OpenStoreOptions, owner: LineageOwner): Promise<PresentStore> {
  const found = await findStore(root, options, owner);
  if (found !== undefined) return found;
  const where = `${owner.namespace}/${owner.policy}`;
  throw options.role === "source"
    ? new MoverError("HO-P105", `store: there is nothing of ${where} in it; is the right volume mounted?`)
    : new MoverError(
        "HO-T502",
        `sink ${options.name}: there is nothing of ${where} in it; is the right volume mounted?`,
      );
}

/** One writer per lineage: @throws MoverError HO-P113 when a number above ours is in use. */
export async function checkFence(layouts: readonly Layout[], seq: number): Promise<void> {
  for (const layout of layouts) {
    const highest = await highestSeq(layout);
    if (highest > seq)
      throw new MoverError("HO-P113", `number ${highest} is in use in this lineage, this run has number ${seq}`);
  }
}

/**
 * Moves a copy that does not equal its manifest to `damaged/<id>-<n>`, out of sight of restore and retention, where a person
 * can look at it. Its marker goes too.
 */
export async function setAside(layout: Layout, id: string): Promise<string> {
  await makeDirectory(layout.damaged);
  let n = 1;
  while (await exists(join(layout.damaged, `${id}-${n}`))) n += 1;
  const name = `${id}-${n}`;
  // Its marker first: left behind by a death between the two, it would speak for the copy that is brought in its place, unread.
  await removeMarker(layout, id);
  await renameNew(join(layout.store, id), join(layout.damaged, name));
  return name;
}
