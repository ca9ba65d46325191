/**
 * The source gives a generation out of the handover point only when every required sink proves to have it: the sink is the
 * one the policy knows, it holds the very same manifest, and its copy and all that it is based on were checked there as the policy
 * asks; or the sink's own retention has let that copy go. Then one rename moves it to the store.
 */
import { join } from "node:path";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { renameNew } from "./durable.ts";
import type { Layout } from "./layout.ts";
import { listGenerations, readGeneration, type Broken, type GenerationEntry } from "./listing.ts";
import { reaches, readMarkers, wasRemoved, writeMarker, type Markers, type VerifyMode } from "./markers.ts";
import { findStore } from "./presence.ts";
import type { LineageOwner } from "./sentinel.ts";

interface RequiredSink {
  readonly name: string;
  /** The check that the policy asks of it. */
  readonly verify: VerifyMode;
  /** Absent when the policy has never used the sink. */
  readonly found?: { readonly layout: Layout; readonly markers: Markers };
}

export interface Settlement {
  readonly settled: readonly string[];
  /** Sealed generations that still wait, each with the first required sink that does not prove to have it. */
  readonly pending: readonly { readonly id: string; readonly sink: string }[];
  /** Names in the handover point that are no whole generations, with the reason. */
  readonly broken: readonly Broken[];
}

/** @throws MoverError when a required sink is not the one that the policy knows: nothing can be settled then. */
export async function settle(
  source: Layout,
  requiredSinks: TaskOf<"prune">["requiredSinks"],
  owner: LineageOwner,
  context: MoverContext,
): Promise<Settlement> {
  const sinks: RequiredSink[] = [];
  for (const { name, uuid, verify } of requiredSinks) {
    const present = await findStore(context.roots.sink(name), { role: "sink", name, expectedUuid: uuid }, owner);
    if (present === undefined) sinks.push({ name, verify });
    else sinks.push({ name, verify, found: { layout: present.layout, markers: await readMarkers(present.layout) } });
  }
  const settled: string[] = [];
  const pending: { id: string; sink: string }[] = [];
  const { generations, broken } = await listGenerations(source.handover);
  for (const generation of generations) {
    const { id } = generation;
    const sink = await firstLacking(generation, sinks);
    if (sink === undefined) {
      // The marker first: the seal has verified the bytes here, and a generation in the store without one would not count.
      await writeMarker(source, generation, "Full");
      await renameNew(generation.path, join(source.store, id));
      settled.push(id);
      continue;
    }
    pending.push({ id, sink });
    context.log.info("generation waits: a required sink has not verified it", { generation: id, sink });
  }
  return { settled, pending, broken };
}

async function firstLacking(generation: GenerationEntry, sinks: readonly RequiredSink[]): Promise<string | undefined> {
  for (const { name, verify, found } of sinks) {
    if (found !== undefined && wasRemoved(generation, found.markers)) continue;
    if (found === undefined) return name;
    for (const part of [generation, ...generation.manifest.chain]) if (!(await has(found, part, verify))) return name;
  }
  return undefined;
}

/** Of what a generation is based on, each part is asked for by itself: without one of them the copy is worth nothing. */
async function has(
  { layout, markers }: NonNullable<RequiredSink["found"]>,
  { id, manifestSHA256 }: { readonly id: string; readonly manifestSHA256: string },
  verify: VerifyMode,
): Promise<boolean> {
  if (!reaches({ id, manifestSHA256 }, markers, verify)) return false;
  const copy = await readGeneration(join(layout.store, id), id);
  return typeof copy !== "string" && copy.manifestSHA256 === manifestSHA256;
}
