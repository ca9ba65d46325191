/**
 * Chains: a generation with a base is worth something only together with every one that it is based on. Its manifest names them
 * with their digests, so which ones they are is never a guess.
 */
import type { GenerationEntry } from "./listing.ts";
import { reaches, type Markers, type VerifyMode } from "./markers.ts";

/**
 * What has to be restored before the generation, oldest first; none for one that stands alone.
 * @param all what lies at the location @returns why the chain is broken there, as a sentence, when it is
 */
export function membersOf(
  generation: GenerationEntry,
  all: readonly GenerationEntry[],
): readonly GenerationEntry[] | string {
  const members: GenerationEntry[] = [];
  for (const { id, manifestSHA256 } of generation.manifest.chain) {
    const member = all.find((other) => other.id === id);
    if (member === undefined) return `generation ${id}, which ${generation.id} is based on, is not there`;
    if (member.manifestSHA256 !== manifestSHA256)
      return `generation ${id} is not the one that ${generation.id} is based on: its manifest is ${member.manifestSHA256.slice(0, 12)}, not ${manifestSHA256.slice(0, 12)}`;
    members.push(member);
  }
  return members;
}

/**
 * Whether a copy counts at a location: it and its whole chain are there, and each has a marker of this mode or a stronger one.
 * @param all what lies at the location
 */
export function isWhole(
  generation: GenerationEntry,
  all: readonly GenerationEntry[],
  markers: Markers,
  mode: VerifyMode,
): boolean {
  const members = membersOf(generation, all);
  if (typeof members === "string") return false;
  return [generation, ...members].every((member) => reaches(member, markers, mode));
}
