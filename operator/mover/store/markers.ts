/**
 * Facts about the generations at a location that change while generations never do: which copies were verified and how,
 * and which ids the last retention left. A marker counts only for the manifest whose digest it names.
 */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { parseGenerationId } from "../../domain/generation.ts";
import { errnoOf } from "../errors.ts";
import { syncDirectory, writeFileDurably } from "./durable.ts";
import type { Layout } from "./layout.ts";
import type { GenerationEntry } from "./listing.ts";

export type VerifyMode = "Full" | "Sample" | "None";

export const markerSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  manifestSHA256: z.string(),
  mode: z.enum(["Full", "Sample", "None"]),
  /** RFC 3339 UTC, by the clock of the pod. */
  verifiedAt: z.string(),
  /** Sinks only: when retention let the verified copy go. What lies here under the id since then was not checked. */
  removedAt: z.string().optional(),
});
export type Marker = z.infer<typeof markerSchema>;
export type Markers = ReadonlyMap<string, Marker>;

const catalogueSchema = z.object({
  format: z.literal(1),
  ids: z.array(z.string()),
  /** Of those, the ones that no rule had kept. */
  due: z.array(z.string()).default([]),
});
export type Catalogue = Pick<z.infer<typeof catalogueSchema>, "ids" | "due">;

/** By id. A marker that cannot be understood counts as none. @throws on errors of the disk. */
export async function readMarkers(layout: Layout): Promise<Markers> {
  const markers = new Map<string, Marker>();
  for (const name of await namesOf(layout.verified)) {
    const id = name.replace(/\.json$/, "");
    if (parseGenerationId(id) === undefined || id === name) continue;
    const marker = parse(markerSchema, await readFile(join(layout.verified, name), "utf8"));
    if (marker?.id === id) markers.set(id, marker);
  }
  return markers;
}

export async function writeMarker(
  layout: Layout,
  of: { readonly id: string; readonly manifestSHA256: string },
  mode: VerifyMode,
): Promise<void> {
  const marker: Marker = {
    format: 1,
    id: of.id,
    manifestSHA256: of.manifestSHA256,
    mode,
    verifiedAt: new Date().toISOString(),
  };
  await writeFileDurably(markerPath(layout, of.id), `${JSON.stringify(marker)}\n`);
}

/**
 * Before a verified copy is removed: while the generation waits at the source for another sink, this says that the copy was
 * here and need not come back. To be forgotten with `forgetRemoved`.
 */
export async function markRemoved(layout: Layout, marker: Marker): Promise<void> {
  const removed: Marker = { ...marker, removedAt: new Date().toISOString() };
  await writeFileDurably(markerPath(layout, marker.id), `${JSON.stringify(removed)}\n`);
}

/** Removes the marks of removed copies whose generations wait nowhere any more. */
export async function forgetRemoved(layout: Layout, markers: Markers, waiting: ReadonlySet<string>): Promise<void> {
  for (const { id, removedAt } of markers.values())
    if (removedAt !== undefined && !waiting.has(id)) await removeMarker(layout, id);
}

/** Of a copy that was taken back out of the trash, and that nobody can have touched there. */
export async function putMarkerBack(layout: Layout, marker: Marker): Promise<void> {
  await writeFileDurably(markerPath(layout, marker.id), `${JSON.stringify(marker)}\n`);
}

export async function removeMarker(layout: Layout, id: string): Promise<void> {
  await rm(markerPath(layout, id), { force: true });
  await syncDirectory(layout.verified);
}

/** Verified in the full sense: every byte was re-read here, and it was this very manifest. */
export function isVerified(generation: GenerationEntry, markers: Markers): boolean {
  return reaches(generation, markers, "Full");
}

/** Whether a verified copy of this very manifest was here, and retention has let it go. */
export function wasRemoved(generation: GenerationEntry, markers: Markers): boolean {
  const marker = markers.get(generation.id);
  return marker?.removedAt !== undefined && marker.manifestSHA256 === generation.manifestSHA256;
}

/** Whether the marker is for this manifest, and says at least as much as the mode asks for. */
export function reaches(
  generation: Pick<GenerationEntry, "id" | "manifestSHA256">,
  markers: Markers,
  mode: VerifyMode,
): boolean {
  const marker = markers.get(generation.id);
  return (
    marker !== undefined &&
    marker.removedAt === undefined &&
    marker.manifestSHA256 === generation.manifestSHA256 &&
    strength[marker.mode] >= strength[mode]
  );
}

const strength: Readonly<Record<VerifyMode, number>> = { None: 0, Sample: 1, Full: 2 };

/** @returns undefined when no retention was ever completed here, or its record is damaged. */
export async function readCatalogue(layout: Layout): Promise<Catalogue | undefined> {
  try {
    return parse(catalogueSchema, await readFile(layout.catalogue, "utf8"));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

export async function writeCatalogue(layout: Layout, { ids, due }: Catalogue): Promise<void> {
  await writeFileDurably(layout.catalogue, `${JSON.stringify({ format: 1, ids, due })}\n`);
}

const markerPath = (layout: Layout, id: string): string => join(layout.verified, `${id}.json`);

async function namesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
