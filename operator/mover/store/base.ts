/**
 * What a new generation is based on: chosen by the preflight, while the app runs and a full one can still be made instead;
 * opened again by archive and seal, which take that one or none. Reads only.
 */
import { join } from "node:path";
import type { ResultOf } from "../../contract/result.ts";
import type { BaseRef, TaskOf, VolumeRef } from "../../contract/task.ts";
import {
  generationTypes,
  holdsVolumes,
  needsBase,
  parseGenerationId,
  type GenerationType,
} from "../../domain/generation.ts";
import { manifestFormat } from "../../domain/manifest.ts";
import { MoverError } from "../errors.ts";
import { membersOf } from "./chains.ts";
import { compareShape } from "./contents.ts";
import { digestFile } from "./digest.ts";
import { filesListFile, type Layout } from "./layout.ts";
import { listGenerations, type GenerationEntry, type Listing } from "./listing.ts";
import { clip } from "../../domain/text.ts";

type Choice = NonNullable<ResultOf<"preflight">["base"]>;

/** At the source sealed generations lie in two places. */
export async function listSource(layout: Layout): Promise<Pick<Listing, "generations" | "broken">> {
  const [stored, waiting] = [await listGenerations(layout.store), await listGenerations(layout.handover)];
  return {
    generations: [...stored.generations, ...waiting.generations].toSorted((a, b) => a.seq - b.seq),
    broken: [...stored.broken, ...waiting.broken],
  };
}

/** @returns undefined for a type that needs no base */
export async function chooseBase(
  task: Pick<TaskOf<"preflight">, "type" | "maxChain" | "volumes" | "policyUID">,
  layout: Layout,
  signal: AbortSignal,
): Promise<Choice | undefined> {
  if (!needsBase(task.type)) return undefined;
  if (task.volumes.length === 0) return full("there are no volumes, and databases are always dumped as a whole");
  const { generations, broken } = await listSource(layout);
  const fits = (type: GenerationType | undefined): boolean =>
    type !== undefined && (task.type === "Differential" ? type === "Full" : holdsVolumes(type));
  const newest = generations.findLast(({ manifest }) => fits(manifest.type));
  const spoilt = broken.find(({ name }) => {
    const { seq = 0, type: label = "" } = parseGenerationId(name) ?? {};
    return seq > (newest?.seq ?? 0) && fits(generationTypes.find((type) => type.toLowerCase() === label));
  });
  if (spoilt !== undefined)
    return full(
      `generation ${spoilt.name} ${spoilt.newer === true ? "cannot be built upon" : "is damaged"}: ${spoilt.why}`,
    );
  if (newest === undefined)
    return full(task.type === "Differential" ? "there is no full generation yet" : "there is no generation yet");
  const reason =
    whyUnfit(newest, task) ?? (await whyBroken(newest, generations, signal).then(describeBroken(newest.id)));
  return reason === undefined ? { id: newest.id, manifestSHA256: newest.manifestSHA256 } : full(reason);
}

const full = (reason: string): Choice => ({ full: clip(reason, 300) });

const describeBroken =
  (id: string) =>
  (why: string | undefined): string | undefined =>
    why === undefined
      ? undefined
      : `the chain of generation ${id} is not whole: ${why.startsWith(`generation ${id}: `) ? why.slice(`generation ${id}: `.length) : why}`;

function whyUnfit(
  { id, manifest }: GenerationEntry,
  task: Pick<TaskOf<"preflight">, "type" | "maxChain" | "volumes" | "policyUID">,
): string | undefined {
  if (manifest.lineage.policyUID !== task.policyUID) return `generation ${id} is of a former policy`;
  if (manifest.format !== manifestFormat)
    return `generation ${id} has format ${manifest.format}, this release writes ${manifestFormat}`;
  const differing = differingVolume(manifest.volumes, task.volumes);
  if (differing !== undefined) return `volume ${differing} of the policy is not as in generation ${id}`;
  const length = manifest.chain.length + 1;
  if (task.type === "Incremental" && task.maxChain !== undefined && length >= task.maxChain)
    return `the chain has ${length} generations, as many as it may have (maxChain ${task.maxChain})`;
  return undefined;
}

type Selected = Pick<VolumeRef, "name" | "paths" | "exclude">;

/** The first volume that only one of the two has, or of which another part is captured. */
export function differingVolume(before: readonly Selected[], now: readonly Selected[]): string | undefined {
  const text = ({ paths, exclude }: Selected): string => JSON.stringify([paths.toSorted(), exclude.toSorted()]);
  const other = (list: readonly Selected[], volume: Selected): boolean =>
    !list.some((candidate) => candidate.name === volume.name && text(candidate) === text(volume));
  return (now.find((volume) => other(before, volume)) ?? before.find((volume) => other(now, volume)))?.name;
}

/** Names and sizes of the whole chain, and every byte of the list that is built upon. @returns why it cannot be built upon */
async function whyBroken(
  base: GenerationEntry,
  all: readonly GenerationEntry[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const members = membersOf(base, all);
  if (typeof members === "string") return members;
  for (const member of [...members, base]) {
    const difference = await compareShape(member.path, member.manifest);
    if (difference !== undefined) return `generation ${member.id}: ${difference}`;
  }
  const listed = base.manifest.files.find(({ path }) => path === filesListFile);
  if (listed === undefined) return `generation ${base.id}: it has no list of files`;
  const { sha256 } = await digestFile(join(base.path, filesListFile), signal);
  return sha256 === listed.sha256 ? undefined : `generation ${base.id}: ${filesListFile} is damaged`;
}

/**
 * The base that the run was given. @param generations what lies at the source
 * @throws MoverError HO-A405 when it or one of its chain is not there as it was.
 */
export async function openBase(
  generations: readonly GenerationEntry[],
  ref: BaseRef,
  signal: AbortSignal,
): Promise<GenerationEntry> {
  const refuse = (why: string): MoverError => new MoverError("HO-A405", clip(why, 900));
  const base = generations.find(({ id }) => id === ref.id);
  if (base === undefined) throw refuse(`generation ${ref.id} is not there any more`);
  if (base.manifestSHA256 !== ref.manifestSHA256)
    throw refuse(
      `the manifest of generation ${ref.id} is ${base.manifestSHA256.slice(0, 12)}, the run was given ${ref.manifestSHA256.slice(0, 12)}`,
    );
  const why = await whyBroken(base, generations, signal);
  if (why !== undefined) throw refuse(why);
  return base;
}
