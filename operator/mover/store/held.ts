/**
 * Holds as they lie beside the generations: `held/<id>.json`. The annotation of a run is copied there, so that a hold survives the
 * loss of the cluster; and what was taken back out of the trash is held there for some days. A file that cannot be
 * understood holds for ever.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { parseGenerationId } from "../../domain/generation.ts";
import { endOfTakenBack, forever, graceOfTakenBack, type Hold, takenBackReason } from "../../domain/holds.ts";
import { type Instant, formatInstant } from "../../domain/instant.ts";
import { type Sequences, hasSequence } from "../../domain/sequences.ts";
import { errnoOf } from "../errors.ts";
import { makeDirectory, syncDirectory, writeFileDurably } from "./durable.ts";
import type { Layout } from "./layout.ts";
import { readJson } from "./small-files.ts";

const hold = z.object({ until: z.string(), reason: z.string() });
const heldSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  /** From the annotation of the run. */
  run: hold.optional(),
  /** Since it was taken back, and by which words of the annotation: the same words do it once only. */
  takenBack: z.object({ until: z.string(), request: z.string() }).optional(),
});
export type Held = z.infer<typeof heldSchema>;

/** By id. @throws on errors of the disk. */
export async function readHeld(layout: Layout): Promise<ReadonlyMap<string, Held>> {
  const found = new Map<string, Held>();
  for (const name of await namesIn(layout.held)) {
    const id = name.replace(/\.json$/, "");
    if (id === name || parseGenerationId(id) === undefined) continue;
    const held = await readJson(pathOf(layout, id), heldSchema);
    const unreadable = { format: 1, id, run: { until: forever, reason: `held/${name} cannot be read` } } as const;
    found.set(id, held?.id === id ? held : unreadable);
  }
  return found;
}

/** @param known numbers whose runs exist: for those `asked` has all holds that there are, for others the file decides. */
export function holdsInAll(
  asked: readonly (Hold & { readonly id: string })[],
  held: ReadonlyMap<string, Held>,
  known: Sequences,
): readonly (Hold & { readonly id: string })[] {
  return [
    ...asked,
    ...[...held.values()].flatMap(({ id, run, takenBack }) => {
      const ofFile = run === undefined || isDecidedElsewhere(id, asked, known) ? undefined : run;
      const ofRun = asked.find((one) => one.id === id) ?? ofFile;
      const until = takenBack === undefined ? undefined : endOfTakenBack(takenBack.until, ofRun);
      return [
        ...(ofFile === undefined ? [] : [{ id, ...ofFile }]),
        ...(until === undefined ? [] : [{ id, until, reason: takenBackReason }]),
      ];
    }),
  ];
}

const isDecidedElsewhere = (id: string, asked: readonly { readonly id: string }[], known: Sequences): boolean =>
  asked.some((one) => one.id === id) || hasSequence(known, parseGenerationId(id)?.seq ?? 0);

/** Makes the files say what is so, for what lies here. @param present ids of what lies here, in the trash as well */
export async function writeHeld(
  layout: Layout,
  asked: readonly (Hold & { readonly id: string })[],
  held: ReadonlyMap<string, Held>,
  known: Sequences,
  present: ReadonlySet<string>,
): Promise<void> {
  for (const { id, until, reason } of asked) {
    const before = held.get(id);
    if (!present.has(id) || (before?.run?.until === until && before.run.reason === reason)) continue;
    await write(layout, { ...before, format: 1, id, run: { until, reason } });
  }
  for (const { id, run, takenBack } of held.values()) {
    if (asked.some((one) => one.id === id) && present.has(id)) continue;
    const stays = run !== undefined && !isDecidedElsewhere(id, asked, known);
    if (!present.has(id) || (!stays && takenBack === undefined)) await remove(layout, id);
    else if (!stays && run !== undefined) await write(layout, { format: 1, id, takenBack });
  }
}

export async function holdTakenBack(
  layout: Layout,
  id: string,
  before: Held | undefined,
  request: string,
  now: Instant,
): Promise<void> {
  const takenBack = { until: formatInstant(now + graceOfTakenBack), request };
  await write(layout, { ...before, format: 1, id, takenBack });
}

async function write(layout: Layout, held: Held): Promise<void> {
  await makeDirectory(layout.held);
  await writeFileDurably(pathOf(layout, held.id), `${JSON.stringify(held)}\n`);
}

async function remove(layout: Layout, id: string): Promise<void> {
  await rm(pathOf(layout, id), { force: true });
  await syncDirectory(layout.held);
}

const pathOf = (layout: Layout, id: string): string => join(layout.held, `${id}.json`);

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
