/**
 * Plan: finds out what a restore would do, and whether it can. Changes nothing. Everything that can fail is tried here, while
 * the app runs on its present state.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { VolumePart } from "../../domain/manifest.ts";
import type { MoverContext } from "../context.ts";
import { blame, MoverError } from "../errors.ts";
import { chooseCopies } from "../restore/choice.ts";
import { listCopies, type Copies, type Copy, type Unread } from "../restore/copies.ts";
import { planDatabase } from "../restore/database-plan.ts";
import { groupByServer } from "../restore/database-server.ts";
import { lacking, presentParts, selectParts, stateBytes } from "../restore/parts.ts";
import { planVolume, type PartPlan } from "../restore/volume-plan.ts";
import { compareShape } from "../store/contents.ts";
import type { GenerationEntry } from "../store/listing.ts";
import { clip } from "../../domain/text.ts";

export async function plan(task: TaskOf<"plan">, context: MoverContext): Promise<ResultOf<"plan">> {
  try {
    const { passedOver, ...found } = await listAll(task, context);
    const choice = chooseCopies(found, task.from, task);
    const { location, generation, members } = await findWhole(choice.copies, context);
    const { manifest } = generation;
    if (manifest.type === "Config" && manifest.volumes.length === 0)
      throw new MoverError("HO-R810", `generation ${generation.id} holds configuration, as plain files at ${location}`);
    const asked = task.from.generation === undefined || task.included ? task : presentParts(task, manifest);
    // With nothing of it left, the error names what is asked for and what there is.
    const parts = selectParts(manifest, asked.databases.length + asked.volumes.length === 0 ? task : asked);
    const plans: PartPlan[] = [];
    for (const server of await groupByServer(asked.databases, context)) {
      for (const { ref, part } of parts.databases)
        if (server.databases.includes(ref)) plans.push(await planDatabase(generation.path, ref, part, server, context));
    }
    for (const { ref, part } of parts.volumes) {
      const chain = typeof members === "string" ? [] : members;
      plans.push(await planVolume(context.roots.volume(ref.name), part, beside(generation, chain, part)));
    }
    // What was passed over may hold a newer generation.
    const warnings = [
      ...passedOver,
      ...choice.newer,
      ...lacking(task, manifest).map((part) => `the generation has no ${part}, which stays as it is`),
      ...(task.included ? [] : lacking(manifest, task)).map(
        (part) => `${part} is not in the policy and is not restored`,
      ),
      ...plans.flatMap((one) => one.warnings),
    ];
    if (manifest.chain.length > 0 && parts.volumes.length > 0)
      warnings.push(`the volumes come from a chain: ${[...manifest.chain, generation].map(({ id }) => id).join(", ")}`);
    if ((manifest.configs ?? []).length > 0)
      warnings.push(
        "ConfigMaps and keys of Secrets stay as they are: compare and apply them by hand, as RESTORE.md says",
      );
    if (manifest.consistency === "Running" && parts.volumes.length > 0)
      warnings.unshift("the generation was captured while the app ran");
    return {
      version: 1,
      ok: true,
      step: "plan",
      id: generation.id,
      location,
      sealedAt: manifest.sealedAt,
      manifestSHA256: generation.manifestSHA256,
      bytes: stateBytes(parts),
      databases: parts.databases.map(({ ref }) => ref.name),
      volumes: parts.volumes.map(({ ref }) => ref.name),
      replaces: plans.map(({ replaces }) => replaces.slice(0, 100)).slice(0, 16),
      warnings: warnings.map((text) => clip(text, 200)).slice(0, 8),
    };
  } catch (error) {
    context.abort.throwIfAborted();
    throw blame(error, { full: "HO-C903", otherwise: "HO-R803", what: "planning the restore failed", retry: true });
  }
}

interface Found extends Copies {
  /** Which locations could not be asked, and why. */
  readonly passedOver: readonly string[];
}

/** In the order in which the locations are asked. One that is out of reach is passed over, unless it is the only one. */
async function listAll(task: TaskOf<"plan">, context: MoverContext): Promise<Found> {
  const { location: named } = task.from;
  const locations = task.locations.filter(({ name }) => named === undefined || name === named);
  const copies: Copy[] = [];
  const unread: Unread[] = [];
  const passedOver = [...task.passedOver];
  const trouble: unknown[] = [];
  for (const location of locations) {
    try {
      const found = await listCopies(location, task, context);
      copies.push(...found.copies);
      unread.push(...found.unread);
    } catch (error) {
      trouble.push(error);
      passedOver.push(
        `location ${location.name} is passed over: ${error instanceof Error ? error.message : String(error)}`,
      );
      context.log.warn("a location cannot be read and is passed over", {
        location: location.name,
        error: String(error),
      });
    }
  }
  if (locations.length === 0)
    throw new MoverError("HO-R801", clip(`no location can be read; ${passedOver.join("; ")}`, 900));
  if (trouble.length === locations.length) throw trouble[0];
  return { copies, unread, passedOver };
}

/** The first copy that has all its files, and all of its chain. @throws MoverError HO-R802 when none has, HO-R809 when it is a chain that lacks. */
async function findWhole(copies: readonly [Copy, ...Copy[]], context: MoverContext): Promise<Copy> {
  const differences: string[] = [];
  let ofChain = false;
  for (const copy of copies) {
    const own = await compareShape(copy.generation.path, copy.generation.manifest);
    const difference = own ?? (await whyChainBroken(copy.members));
    if (difference === undefined) return copy;
    ofChain ||= own === undefined;
    differences.push(`at ${copy.location} ${difference}`);
    context.log.warn("a copy does not equal its manifest", {
      generation: copy.generation.id,
      location: copy.location,
      difference,
    });
  }
  const code = ofChain ? "HO-R809" : "HO-R802";
  throw new MoverError(code, clip(`generation ${copies[0].generation.id}: ${differences.join("; ")}`, 900));
}

async function whyChainBroken(members: Copy["members"]): Promise<string | undefined> {
  if (typeof members === "string") return members;
  for (const { id, path, manifest } of members) {
    const difference = await compareShape(path, manifest);
    if (difference !== undefined) return `generation ${id}, which it is based on: ${difference}`;
  }
  return undefined;
}

/** Of a chain, what one generation holds is extracted beside the state before it: about its archive, twice for what compression saves. */
function beside(
  generation: GenerationEntry,
  members: readonly GenerationEntry[],
  { archive, bytes }: VolumePart,
): number {
  const [, ...later] = [...members, generation];
  const sizes = later.map(({ manifest }) => manifest.files.find(({ path }) => path === archive)?.size ?? 0);
  return Math.min(bytes, 2 * Math.max(0, ...sizes));
}
