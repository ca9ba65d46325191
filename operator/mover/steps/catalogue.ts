/** Catalogue: lists the generations of one location, a page at a time. Reads only, and takes nothing over. */
import { type CatalogueEntry, type ResultOf, maxResultBytes } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { MoverError } from "../errors.ts";
import { isWhole } from "../store/chains.ts";
import { storedBytes } from "../store/facts.ts";
import { readHeld, type Held } from "../store/held.ts";
import { type GenerationEntry, listGenerations } from "../store/listing.ts";
import { type Markers, readMarkers } from "../store/markers.ts";
import { openPresent } from "../store/presence.ts";

/** What is around the entries, with numbers as long as they get. */
const roomForTheRest = 200;

export async function catalogue(task: TaskOf<"catalogue">, context: MoverContext): Promise<ResultOf<"catalogue">> {
  const { name, uuid: expectedUuid } = task.location;
  const isSource = name === "source";
  const root = isSource ? context.roots.store : context.roots.sink(name);
  const { layout } = await openPresent(
    root,
    { role: isSource ? "source" : "sink", name, expectedUuid },
    { ...task, readsOnly: true },
  );
  const stored = await listGenerations(layout.store);
  const waiting = isSource ? await listGenerations(layout.handover) : undefined;
  const all = [...stored.generations, ...(waiting?.generations ?? [])].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const markers = await readMarkers(layout);
  const held = await readHeld(layout);
  const entries: CatalogueEntry[] = [];
  let room = maxResultBytes - roomForTheRest;
  for (const generation of all) {
    if (generation.id <= task.after) continue;
    const entry = { ...entryOf(generation, all, markers, task), ...holdOf(held.get(generation.id)) };
    room -= Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (room < 0 || entries.length === 20) break;
    entries.push(entry);
  }
  const last = entries.at(-1)?.id ?? task.after;
  const more = all.some(({ id }) => id > last);
  // A page that can hold nothing would be asked for for ever.
  if (more && entries.length === 0)
    throw new MoverError("HO-X001", `a generation behind ${last} does not fit into a result`);
  const broken = stored.broken.length + (waiting?.broken.length ?? 0);
  return { version: 1, ok: true, step: "catalogue", entries, more, total: all.length, broken };
}

/** Only what comes from a run: what was taken back out of the trash is held by its place alone. */
const holdOf = (held: Held | undefined): Pick<CatalogueEntry, "hold"> =>
  held?.run === undefined
    ? {}
    : { hold: { until: held.run.until.slice(0, 40), reason: held.run.reason.slice(0, 200) } };

/** Long names must not make an entry that fits on no page. */
const roomForNames = 2_000;

function entryOf(
  generation: GenerationEntry,
  all: readonly GenerationEntry[],
  markers: Markers,
  { policyUID, verify }: TaskOf<"catalogue">,
): CatalogueEntry {
  const { id, manifest, manifestSHA256 } = generation;
  const { type, sealedAt, consistency, parent, totals, lineage } = manifest;
  const holds = {
    databases: manifest.databases.map(({ name }) => name),
    volumes: manifest.volumes.map(({ name, claimName }) => ({ name, claimName })),
  };
  return {
    id,
    type,
    sealedAt,
    consistency,
    parent,
    bytes: totals.bytes,
    storedBytes: storedBytes(manifest.files),
    files: totals.files,
    tables: totals.tables,
    manifestSHA256,
    verified: isWhole(generation, all, markers, verify),
    ...(Buffer.byteLength(JSON.stringify(holds)) > roomForNames ? {} : { holds }),
    ...(lineage.policyUID === policyUID ? {} : { policyUID: lineage.policyUID }),
  };
}
