/** What lies at a location, in numbers for the status of the policy. Reads only. */
import { statfs } from "node:fs/promises";
import type { ResultOf } from "../../contract/result.ts";
import { isWhole } from "./chains.ts";
import type { GenerationEntry } from "./listing.ts";
import type { Markers } from "./markers.ts";

export type LocationFacts = ResultOf<"prune">["location"];

export async function observeLocation(
  place: { readonly name: string; readonly uuid: string; readonly root: string },
  generations: readonly GenerationEntry[],
  markers: Markers,
): Promise<LocationFacts> {
  const ids = generations.toSorted((a, b) => a.seq - b.seq).map(({ id }) => id);
  const [oldest] = ids;
  const newest = ids.at(-1);
  const { bavail, bsize } = await statfs(place.root);
  return {
    name: place.name,
    uuid: place.uuid,
    generations: ids.length,
    verified: generations.filter((generation) => isWhole(generation, generations, markers, "Full")).length,
    bytes: generations.reduce((sum, { manifest }) => sum + storedBytes(manifest.files), 0),
    freeBytes: bavail * bsize,
    ...(oldest === undefined ? {} : { oldest }),
    ...(newest === undefined ? {} : { newest }),
  };
}

export const storedBytes = (files: readonly { readonly size: number }[]): number =>
  files.reduce((sum, file) => sum + file.size, 0);
