/**
 * Whether a copy counts at a place: it was checked there, and so was all that it is based on, each with the very manifest that it
 * names. A part of a chain restores nothing.
 */
import type { GenerationEntry } from "./listing.ts";
import { reaches, type Markers, type VerifyMode } from "./markers.ts";

/** @param here all that lies there, by id */
export const countsWithChain = (
  generation: GenerationEntry,
  here: ReadonlyMap<string, GenerationEntry>,
  markers: Markers,
  mode: VerifyMode,
): boolean =>
  reaches(generation, markers, mode) &&
  generation.manifest.chain.every(({ id, manifestSHA256 }) => {
    const base = here.get(id);
    return base?.manifestSHA256 === manifestSHA256 && reaches(base, markers, mode);
  });
