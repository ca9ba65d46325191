/**
 * What retention has to know of a place, and the plan that domain/retention.ts makes of it. Any doubt ends in a plan that removes
 * nothing: an error, a directory that is not a whole generation of this policy, or emptiness where something was.
 */
import type { TaskOf } from "../../contract/task.ts";
import { isInForce } from "../../domain/holds.ts";
import type { Instant } from "../../domain/instant.ts";
import { doubtOfClock, planRetention, type RetentionInput, type RetentionPlan } from "../../domain/retention.ts";
import { errnoOf, MoverError } from "../errors.ts";
import { isWhole } from "../store/chains.ts";
import { exists } from "../store/durable.ts";
import { storedBytes } from "../store/facts.ts";
import { holdsInAll, readHeld, type Held } from "../store/held.ts";
import type { Layout } from "../store/layout.ts";
import { listGenerations, type GenerationEntry, type Listing } from "../store/listing.ts";
import { readCatalogue, readMarkers, type Markers } from "../store/markers.ts";
import { acknowledgedIds } from "../store/plans.ts";
import type { Settlement } from "../store/settlement.ts";

export interface View {
  readonly ours: readonly GenerationEntry[];
  /** Of a lineage that was taken over: they are not ours to remove, nor do they count. */
  readonly former: readonly GenerationEntry[];
  /** Ids of what waits in the handover point. */
  readonly waiting: readonly string[];
  readonly markers: Markers;
  readonly held: ReadonlyMap<string, Held>;
  readonly holds: RetentionInput["holds"];
  readonly plan: RetentionPlan;
}

export async function viewPlace(
  layout: Layout,
  task: TaskOf<"prune">,
  settlement: Settlement,
  now: Instant,
): Promise<View> {
  const listing = await list(layout.store);
  const waiting = task.location.name === "source" ? (await list(layout.handover)).generations : [];
  const markers = await readMarkers(layout);
  const catalogue = await readCatalogue(layout);
  const held = await readHeld(layout);
  const isOurs = ({ manifest }: GenerationEntry): boolean => manifest.lineage.policyUID === task.policyUID;
  const ours = listing.generations.filter(isOurs);
  const former = listing.generations.filter((generation) => !isOurs(generation));
  const here = [...listing.generations, ...waiting];
  const holds = holdsInAll(task.holds, held, task.known);
  const { ids, due } = catalogue ?? { ids: undefined, due: [] };
  const plan = planRetention({
    generations: ours.map((generation) => {
      const { id, seq, manifest } = generation;
      return {
        id,
        seq,
        time: manifest.time,
        sealedAt: manifest.sealedAt,
        chain: manifest.chain.map((base) => base.id),
        verified: isWhole(generation, here, markers, task.verify),
        bytes: storedBytes(manifest.files),
      };
    }),
    keep: task.keep,
    timeZone: task.timeZone,
    now,
    holds,
    acknowledged: await acknowledgedIds(layout, task.acknowledged),
    unknown: doubt(listing, settlement, task, [...markers.keys(), ...(ids ?? [])]),
    undelivered: settlement.pending.map(({ id }) => id),
    waiting: waiting.map(({ id, manifest }) => ({ id, chain: manifest.chain.map((base) => base.id) })),
    arrived: ids === undefined ? 0 : ours.filter(({ id }) => !ids.includes(id)).length,
    due,
  });
  return { ours, former, waiting: waiting.map(({ id }) => id), markers, held, holds, plan };
}

export const isHeldNow =
  ({ holds }: View, now: Instant) =>
  (id: string): boolean =>
    holds.some((hold) => hold.id === id && isInForce(hold, now));

/** @throws MoverError HO-K702: without a listing there are no facts to report either, so this is no quiet refusal. */
async function list(directory: string): Promise<Listing> {
  try {
    return await listGenerations(directory);
  } catch (error) {
    throw new MoverError("HO-K702", `the generations cannot be listed: ${errnoOf(error) ?? String(error)}`, {
      retry: true,
      cause: error,
    });
  }
}

export type Owner = Pick<TaskOf<"prune">, "namespace" | "policy" | "policyUID">;

/** Why a prune that comes now would remove nothing, whatever its rules are; undefined when it would. Writes nothing. */
export async function whyUnsure(layout: Layout, owner: Owner, now: Instant): Promise<string | undefined> {
  try {
    const listing = await listGenerations(layout.store);
    const waiting = (await exists(layout.handover)) ? await listGenerations(layout.handover) : { broken: [] };
    const known = [...(await readMarkers(layout)).keys(), ...((await readCatalogue(layout))?.ids ?? [])];
    const ours = listing.generations.filter(({ manifest }) => manifest.lineage.policyUID === owner.policyUID);
    return doubt(listing, waiting, owner, known) ?? doubtOfClock(newestOf(ours), now);
  } catch (error) {
    return `the generations cannot be listed: ${errnoOf(error) ?? String(error)}`;
  }
}

const newestOf = (generations: readonly GenerationEntry[]): Parameters<typeof doubtOfClock>[0] =>
  generations.toReversed().map(({ id, manifest: { time, sealedAt } }) => ({ id, time, sealedAt }));

/** Why it is not certain what lies here; undefined when it is. */
function doubt(
  listing: Listing,
  settlement: Pick<Settlement, "broken">,
  owner: Owner,
  known: readonly string[],
): string | undefined {
  const [broken] = [...listing.broken, ...settlement.broken];
  if (broken !== undefined)
    return `${broken.name} ${broken.newer === true ? "cannot be read" : "is not a whole generation"}: ${broken.why}`;
  const [foreign] = listing.foreign;
  if (foreign !== undefined) return `${foreign.slice(0, 80)} in the store is not a generation`;
  const stray = listing.generations.find(
    ({ manifest: { lineage } }) => lineage.namespace !== owner.namespace || lineage.policy !== owner.policy,
  );
  if (stray !== undefined)
    return `${stray.id} is of ${stray.manifest.lineage.namespace}/${stray.manifest.lineage.policy}`;
  const newest = known.toSorted().at(-1);
  if (listing.generations.length === 0 && newest !== undefined) return `the store is empty, but ${newest} was there`;
  return undefined;
}
