/** What lies in the trash, since when and why; and the way back out of it. */
import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod";
import { parseGenerationId } from "../../domain/generation.ts";
import { type Instant, formatInstant, parseInstant } from "../../domain/instant.ts";
import type { MoverLog } from "../context.ts";
import { compareShape } from "./contents.ts";
import { exists, renameNew, syncDirectory } from "./durable.ts";
import { storedBytes } from "./facts.ts";
import { holdTakenBack, type Held } from "./held.ts";
import type { Layout } from "./layout.ts";
import { readGeneration, type GenerationEntry } from "./listing.ts";
import { markerSchema, putMarkerBack, removeMarker } from "./markers.ts";
import { readJson } from "./small-files.ts";

const noteSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  /** RFC 3339 UTC, never before anything that is known to have happened here: a clock that was set back must not shorten the grace. */
  removedAt: z.string(),
  why: z.string(),
  /** Source only: that it was verified. At a sink it is read again after it was taken back. */
  marker: markerSchema.optional(),
  /** The words by which it had been taken back before: they do it once only. */
  request: z.string().optional(),
});
export type TrashNote = z.infer<typeof noteSchema>;

export interface TrashEntry {
  readonly id: string;
  /** Path of the directory of the day. */
  readonly day: string;
  readonly removedAt: Instant;
  readonly note: TrashNote | undefined;
}

export const notePath = (day: string, id: string): string => join(day, `${id}.json`);
export const goneName = (id: string): string => `.gone-${id}`;
export const isGone = (name: string): boolean =>
  name.startsWith(goneName("")) && parseGenerationId(name.slice(goneName("").length)) !== undefined;

/** Paths. */
export async function daysInTrash(layout: Layout): Promise<readonly string[]> {
  const entries = await readdir(layout.trash, { withFileTypes: true });
  return (
    entries
      // A link may lead anywhere, and to the generations above all.
      .filter((entry) => entry.isDirectory() && startOf(entry.name) !== undefined)
      .map(({ name }) => join(layout.trash, name))
      .toSorted()
  );
}

/** Oldest first. Of a removal that came no further than its note, the note is removed. */
export async function listTrash(layout: Layout): Promise<readonly TrashEntry[]> {
  const found: TrashEntry[] = [];
  for (const day of await daysInTrash(layout)) {
    const names = await readdir(day);
    for (const name of names) {
      const id = name.replace(/\.json$/, "");
      if (parseGenerationId(id) === undefined) continue;
      if (id !== name) {
        if (!names.includes(id)) await rm(join(day, name), { force: true });
        continue;
      }
      const note = await readJson(notePath(day, id), noteSchema);
      // Without a note that can be read, the grace begins with the end of the day that the directory names: a second pod of the same
      // Job may have taken the note of a removal that was about to come for one that never came.
      const removedAt = parseInstant(note?.removedAt) ?? endOf(day);
      found.push({ id, day, removedAt, note });
    }
  }
  return found.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

const dayMillis = 86_400_000;

/** Of a name that is a date; undefined for any other, such as 2026-99-99. */
const startOf = (name: string): Instant | undefined =>
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(name) ? parseInstant(`${name}T00:00:00Z`) : undefined;

const endOf = (day: string): Instant => (startOf(basename(day)) ?? Infinity) + dayMillis;

/**
 * The directory for what is removed at a moment: that of its day; of the next one that has room, where another copy of the same generation
 * lies there already, which has its own time of grace.
 */
export async function dayFor(layout: Layout, id: string, removedAt: string): Promise<string> {
  for (let at = parseInstant(removedAt) ?? Date.now(); ; at += dayMillis) {
    const day = join(layout.trash, formatInstant(at).slice(0, 10));
    if (!(await exists(join(day, id)))) return day;
  }
}

/** Ids of what is held in the trash, and of all that it is based on: it would be worth nothing without. */
export async function heldInTrash(
  entries: readonly TrashEntry[],
  isHeld: (id: string) => boolean,
): Promise<ReadonlySet<string>> {
  const kept = new Set<string>();
  for (const { id, day } of entries) {
    if (!isHeld(id)) continue;
    kept.add(id);
    const generation = await readGeneration(join(day, id), id);
    if (typeof generation !== "string") for (const base of generation.manifest.chain) kept.add(base.id);
  }
  return kept;
}

/** How many bytes lie in the trash, and when the next of it can go. */
export async function observeTrash(
  entries: readonly TrashEntry[],
  graceMillis: number,
): Promise<{ readonly generations: number; readonly bytes: number; readonly until: Instant | undefined }> {
  let bytes = 0;
  for (const { id, day } of entries) {
    const generation = await readGeneration(join(day, id), id);
    if (typeof generation !== "string") bytes += storedBytes(generation.manifest.files);
  }
  const ends = entries.map(({ removedAt }) => removedAt + graceMillis);
  return { generations: entries.length, bytes, until: ends.length === 0 ? undefined : Math.min(...ends) };
}

export interface Undelete {
  /** The annotation: numbers or ids, separated by commas. */
  readonly request: string;
  readonly policyUID: string;
  readonly isSource: boolean;
  readonly held: ReadonlyMap<string, Held>;
  readonly now: Instant;
  readonly log: MoverLog;
}

export interface Undeleted {
  readonly tookBack: readonly string[];
  /** For people: what could not be taken back, and why. What is simply not here is none of that, for it may be elsewhere. */
  readonly problems: readonly string[];
}

const tokensIn = (request: string): readonly string[] => request.split(",").map((token) => token.trim());

/** Whether the annotation names a generation, by its number or its id. */
export const isAskedBy = (request: string): ((id: string) => boolean) => {
  const tokens = tokensIn(request);
  return (id) =>
    tokens.some(
      (token) => token === id || (/^[0-9]{1,6}$/.test(token) && Number(token) === parseGenerationId(id)?.seq),
    );
};

/** Takes back what is asked for, with all that it is based on, oldest first. Repeated, it goes on where it was. */
export async function takeBack(layout: Layout, entries: readonly TrashEntry[], undelete: Undelete): Promise<Undeleted> {
  const problems: string[] = [];
  for (const token of tokensIn(undelete.request))
    if (token !== "" && !/^[0-9]{1,6}$/.test(token) && parseGenerationId(token) === undefined)
      problems.push(`undelete: "${token.slice(0, 60)}" is neither a number nor an id`);
  const isAsked = isAskedBy(undelete.request);
  const whole = new Map<string, { readonly entry: TrashEntry; readonly generation: GenerationEntry }>();
  const broken = new Map<string, string>();
  const wanted = new Set<string>();
  for (const entry of entries) {
    const generation = await readGeneration(join(entry.day, entry.id), entry.id);
    const trouble =
      entry.note === undefined ? "its note is missing or cannot be read" : await troubleOf(generation, undelete);
    if (typeof generation === "string" || trouble !== undefined) broken.set(entry.id, trouble ?? "no generation");
    else whole.set(entry.id, { entry, generation });
    if (!isAsked(entry.id) || entry.note?.request === undelete.request) continue;
    wanted.add(entry.id);
    if (typeof generation !== "string") for (const base of generation.manifest.chain) wanted.add(base.id);
  }
  const tookBack: string[] = [];
  for (const id of [...wanted].toSorted()) {
    const found = whole.get(id);
    if (found === undefined) {
      const why = broken.get(id);
      if (why !== undefined) problems.push(`undelete: ${id} cannot be taken back: ${why}`);
      continue;
    }
    if (await exists(join(layout.store, id))) continue;
    const lost = await lostBase(layout, found.generation, whole);
    if (lost !== undefined) {
      problems.push(`undelete: ${id} cannot be taken back: ${lost}, which it is based on, is gone`);
      continue;
    }
    await restoreEntry(layout, found.entry, undelete);
    tookBack.push(id);
    undelete.log.info("generation taken back out of the trash", { generation: id });
  }
  return { tookBack, problems };
}

async function lostBase(
  layout: Layout,
  { manifest: { chain } }: GenerationEntry,
  whole: ReadonlyMap<string, unknown>,
): Promise<string | undefined> {
  for (const { id } of chain) if (!whole.has(id) && !(await exists(join(layout.store, id)))) return id;
  return undefined;
}

async function troubleOf(generation: GenerationEntry | string, { policyUID }: Undelete): Promise<string | undefined> {
  if (typeof generation === "string") return generation;
  if (generation.manifest.lineage.policyUID !== policyUID) return "it is of another policy";
  return await compareShape(generation.path, generation.manifest);
}

async function restoreEntry(
  layout: Layout,
  { id, day, note }: TrashEntry,
  { request, held, now, isSource }: Undelete,
): Promise<void> {
  // The hold first: what comes back must not go again at once.
  await holdTakenBack(layout, id, held.get(id), request, now);
  // Nobody reads the source's own again; a copy at a sink counts once it was read again.
  if (isSource && note?.marker !== undefined) await putMarkerBack(layout, note.marker);
  await renameNew(join(day, id), join(layout.store, id));
  if (!isSource) await removeMarker(layout, id);
  await rm(notePath(day, id), { force: true });
  await syncDirectory(day);
}
