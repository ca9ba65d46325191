/**
 * What lies at a location. A directory is a generation only if its name is an id, its manifest parses, and the digest
 * of the manifest is the one beside it; whatever else is there is reported and left alone. An error while listing is
 * thrown, never taken for emptiness: retention must not act on a guess.
 */
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { parseGenerationId } from "../../domain/generation.ts";
import { manifestFormat, manifestSchema, type Manifest } from "../../domain/manifest.ts";
import { errnoOf } from "../errors.ts";
import { claimedSeq } from "./claim.ts";
import { digestText } from "./digest.ts";
import { manifestDigestFile, manifestFile, type Layout } from "./layout.ts";
import { parseJson } from "./small-files.ts";

export interface GenerationEntry {
  readonly id: string;
  readonly seq: number;
  readonly path: string;
  readonly manifest: Manifest;
  readonly manifestSHA256: string;
}

export interface Broken {
  readonly name: string;
  readonly why: string;
  /** Not damaged, but of a release that knows more than this one, as after a step back to it: to be left exactly where it is. */
  readonly newer?: boolean;
}

export interface Listing {
  /** Sorted by number, oldest first. */
  readonly generations: readonly GenerationEntry[];
  /** Named like generations, but no whole ones. */
  readonly broken: readonly Broken[];
  /** Anything else. */
  readonly foreign: readonly string[];
}

/** @param directory `store` or `handover` of a lineage. @throws when it cannot be listed or a manifest cannot be read. */
export async function listGenerations(directory: string): Promise<Listing> {
  const generations: GenerationEntry[] = [];
  const broken: Broken[] = [];
  const foreign: string[] = [];
  for (const name of (await readdir(directory)).toSorted()) {
    if (parseGenerationId(name) === undefined) foreign.push(name);
    else {
      const found = await inspect(join(directory, name), name);
      if ("why" in found) broken.push({ name, ...found });
      else generations.push(found);
    }
  }
  return { generations: generations.toSorted((a, b) => a.seq - b.seq || (a.id < b.id ? -1 : 1)), broken, foreign };
}

/** A line for each file of the generation, of which a dump has one for each table. */
const largestManifest = 64 * 1024 * 1024;

/** @returns the generation, or why it is none. @throws on errors of the disk, which say nothing about the generation. */
export async function readGeneration(path: string, id: string): Promise<GenerationEntry | string> {
  const found = await inspect(path, id);
  return "why" in found ? found.why : found;
}

type Found = GenerationEntry | Omit<Broken, "name">;

async function inspect(path: string, id: string): Promise<Found> {
  let text: Buffer;
  let digest: string;
  try {
    if (!(await lstat(path)).isDirectory()) return { why: "it is not a directory" };
    // A pipe would be waited for, and what a link leads to is not in the generation.
    for (const name of [manifestFile, manifestDigestFile]) {
      const found = await lstat(join(path, name));
      if (!found.isFile()) return { why: `${name} is not a regular file` };
      if (found.size > largestManifest) return { why: `${name} is larger than any that we write` };
    }
    text = await readFile(join(path, manifestFile));
    digest = await readFile(join(path, manifestDigestFile), "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return { why: "no manifest" };
    throw error;
  }
  const manifestSHA256 = digestText(text);
  // The whole line, because people will ask sha256sum.
  if (digest !== `${manifestSHA256}  ${manifestFile}\n`) return { why: "the manifest does not equal its digest" };
  const json = text.toString("utf8");
  const manifest = parseJson(manifestSchema, json);
  if (manifest === undefined) {
    const format = parseJson(formatSchema, json)?.format ?? 0;
    return format > manifestFormat
      ? {
          why: `its manifest has format ${format}, this release knows ${manifestFormat}: upgrade Handover`,
          newer: true,
        }
      : { why: "the manifest is of an unknown form" };
  }
  if (manifest.id !== id) return { why: `the manifest is that of ${manifest.id}` };
  // By it everything here is ordered, and what is newest stays.
  if (manifest.seq !== parseGenerationId(id)?.seq) return { why: `the manifest is that of number ${manifest.seq}` };
  return { id, seq: manifest.seq, path, manifest, manifestSHA256 };
}

/** All that a manifest of any release has. */
const formatSchema = z.looseObject({ format: z.number().int() });

const seqIn = (name: string): number => Number(/^([0-9]{6})-/.exec(name)?.[1] ?? 0);

/** Numbers of what lies here, sealed, waiting or set aside as damaged; not of what is on its way in or out. */
export async function presentSequences(layout: Layout): Promise<readonly number[]> {
  const names = await Promise.all([layout.store, layout.handover, layout.damaged].map(namesIn));
  return names
    .flat()
    .map(seqIn)
    .filter((seq) => seq > 0);
}

/** Highest number that was ever given in what is still here, whole or not, or that has ever claimed the mirrors; 0 when there is none. */
export async function highestSeq(layout: Layout): Promise<number> {
  // Staging is swept; the claim alone remembers a run that has left nothing else.
  let highest = claimedSeq(layout);
  const look = (names: readonly string[]): void => {
    highest = Math.max(highest, ...names.map(seqIn));
  };
  for (const directory of [layout.store, layout.handover, layout.staging, layout.damaged])
    look(await namesIn(directory));
  for (const name of await namesIn(layout.trash)) {
    look([name]);
    // Trash is kept by the day: trash/<date>/<id>.
    if (parseGenerationId(name) === undefined) look(await namesIn(join(layout.trash, name)));
  }
  return highest;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw error;
  }
}
