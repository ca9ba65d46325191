/**
 * Prune: carries out retention at one location. At the source it first settles what every required sink has verified. The
 * judgement is domain/retention.ts; this file finds out what is there, and stops at any doubt: an error, a directory
 * that is not a whole generation of this policy, or emptiness where something was.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import { planRetention } from "../../domain/retention.ts";
import { formatSequences } from "../../domain/sequences.ts";
import type { MoverContext } from "../context.ts";
import { blame, errnoOf, MoverError } from "../errors.ts";
import { observeLocation, storedBytes } from "../store/facts.ts";
import type { Layout } from "../store/layout.ts";
import { listGenerations, presentSequences, type GenerationEntry, type Listing } from "../store/listing.ts";
import {
  markRemoved,
  reaches,
  readCatalogue,
  readMarkers,
  removeMarker,
  wasRemoved,
  writeCatalogue,
  type Markers,
} from "../store/markers.ts";
import { openPresent } from "../store/presence.ts";
import { emptyTrash, removeGeneration } from "../store/removal.ts";
import { settle, type Settlement } from "../store/settlement.ts";
import { sweepTemporaries } from "../store/temporaries.ts";

/** Ids of each list in the result, which has to fit into 4,096 bytes; the log names all, and `present` tells what is left. */
const shown = 12;

type Facts = ResultOf<"prune">;

export async function prune(task: TaskOf<"prune">, context: MoverContext): Promise<Facts> {
  const { name, uuid: expectedUuid } = task.location;
  const role = name === "source" ? "source" : "sink";
  const root = role === "source" ? context.roots.store : context.roots.sink(name);
  try {
    const { uuid, layout } = await openPresent(root, { role, name, expectedUuid }, task);
    await sweepTemporaries(layout);
    const settlement: Settlement =
      role === "source"
        ? await settle(layout, task.requiredSinks, task, context)
        : { settled: [], pending: [], broken: [] };
    const retained = await retain(layout, task, settlement, context);
    const markers = await readMarkers(layout);
    const { generations } = await listGenerations(layout.store);
    const waiting = settlement.pending.map(({ id }) => ({ id, why: "a required sink has not verified it" }));
    return {
      version: 1,
      ok: true,
      step: "prune",
      location: await observeLocation({ name, uuid, root }, generations, markers),
      settled: settlement.settled.slice(-shown),
      pending: settlement.pending.length,
      ...(settlement.pending.length === 0 ? {} : { lacking: settlement.pending.slice(-shown) }),
      removed: retained.removed.slice(-shown),
      kept: [...waiting, ...retained.kept].slice(0, shown),
      ...(retained.refused === undefined
        ? { present: formatSequences(await presentSequences(layout)) }
        : { refused: retained.refused.slice(0, 500) }),
    };
  } catch (error) {
    context.abort.throwIfAborted();
    throw blame(error, {
      full: role === "source" ? "HO-C901" : "HO-C902",
      otherwise: "HO-K703",
      what: `pruning at ${name} failed`,
      retry: true,
    });
  }
}

interface Retained {
  readonly removed: Facts["removed"];
  readonly kept: Facts["kept"];
  readonly refused?: string | undefined;
}

async function retain(
  layout: Layout,
  task: TaskOf<"prune">,
  settlement: Settlement,
  context: MoverContext,
): Promise<Retained> {
  const listing = await listStore(layout);
  const markers = await readMarkers(layout);
  const catalogue = await readCatalogue(layout);
  // A lineage that was taken over keeps the generations of the former policy: they are not ours to remove, nor do they count.
  const isOurs = ({ manifest }: GenerationEntry): boolean => manifest.lineage.policyUID === task.policyUID;
  const ours = listing.generations.filter(isOurs);
  const former = listing.generations.filter((generation) => !isOurs(generation));
  const plan = planRetention({
    generations: ours.map((generation) => ({
      id: generation.id,
      seq: generation.seq,
      verified: reaches(generation, markers, task.verify),
      bytes: storedBytes(generation.manifest.files),
    })),
    keep: task.keep,
    acknowledged: task.acknowledged,
    unknown: doubt(listing, settlement, task, [...markers.keys(), ...(catalogue ?? [])]),
    undelivered: settlement.pending.map(({ id }) => id),
    arrived: catalogue === undefined ? 0 : ours.filter(({ id }) => !catalogue.includes(id)).length,
  });
  const kept = [
    ...plan.keep.map(({ id, why }) => ({ id, why: why.join(", ").slice(0, 100) })),
    ...former.map(({ id }) => ({ id, why: "of a former policy" })),
  ];
  if (plan.refused !== undefined) return { removed: [], kept, refused: plan.refused };

  const today = new Date().toISOString().slice(0, 10);
  for (const { id, why } of plan.remove) {
    context.abort.throwIfAborted();
    const generation = ours.find((candidate) => candidate.id === id);
    if (generation === undefined) continue;
    await settleMarker(layout, generation, markers, task);
    await removeGeneration(layout, generation, today);
    context.log.info("generation removed", { generation: id, location: task.location.name, why });
  }
  await emptyTrash(layout);
  await writeCatalogue(
    layout,
    kept.map(({ id }) => id),
  );
  return { removed: [...plan.remove], kept };
}

/**
 * What is left of the marker of a copy that is about to go. At a sink the mark comes before the removal: without it the next
 * transport would bring back, night after night, what the source keeps for a sink that is away, and the source would
 * wait for a copy that is never coming back. A death between the two leaves a copy that counts as unchecked.
 */
async function settleMarker(
  layout: Layout,
  generation: GenerationEntry,
  markers: Markers,
  task: TaskOf<"prune">,
): Promise<void> {
  const marker = markers.get(generation.id);
  if (task.location.name === "source" || marker === undefined) return await removeMarker(layout, generation.id);
  // Said by an attempt that died.
  if (wasRemoved(generation, markers)) return;
  if (reaches(generation, markers, task.verify)) await markRemoved(layout, marker);
  else await removeMarker(layout, generation.id);
}

/** @throws MoverError HO-K702: without a listing there are no facts to report either, so this is no quiet refusal. */
async function listStore(layout: Layout): Promise<Listing> {
  try {
    return await listGenerations(layout.store);
  } catch (error) {
    throw new MoverError("HO-K702", `the generations cannot be listed: ${errnoOf(error) ?? String(error)}`, {
      retry: true,
      cause: error,
    });
  }
}

/** Why it is not certain what lies here; undefined when it is. */
function doubt(
  listing: Listing,
  settlement: Settlement,
  task: TaskOf<"prune">,
  known: readonly string[],
): string | undefined {
  const [broken] = [...listing.broken, ...settlement.broken];
  if (broken !== undefined) return `${broken.name} is not a whole generation: ${broken.why}`;
  const [foreign] = listing.foreign;
  if (foreign !== undefined) return `${foreign.slice(0, 80)} in the store is not a generation`;
  const stray = listing.generations.find(
    ({ manifest: { lineage } }) => lineage.namespace !== task.namespace || lineage.policy !== task.policy,
  );
  if (stray !== undefined)
    return `${stray.id} is of ${stray.manifest.lineage.namespace}/${stray.manifest.lineage.policy}`;
  const newest = known.toSorted().at(-1);
  if (listing.generations.length === 0 && newest !== undefined) return `the store is empty, but ${newest} was there`;
  return undefined;
}
