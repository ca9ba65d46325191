/**
 * Transport: brings every sealed generation that one sink does not have, oldest first. That is what waits in the handover
 * point and, for a sink that is new, was away or lost a copy, what the source still keeps. Interrupted at any byte it
 * leaves no half generation in view and goes on where it was when repeated.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { blame, isDiskFull, MoverError } from "../errors.ts";
import { deliver, sweepStaging, type DeliveryTarget } from "../store/delivery.ts";
import { stagingName, type Layout } from "../store/layout.ts";
import { listGenerations, type GenerationEntry, type Listing } from "../store/listing.ts";
import { forgetRemoved, reaches, readMarkers, removeMarker, wasRemoved, type Markers } from "../store/markers.ts";
import { checkFence, openPresent, setAside } from "../store/presence.ts";
import { openLineage, openStore } from "../store/sentinel.ts";

export async function transport(task: TaskOf<"transport">, context: MoverContext): Promise<ResultOf<"transport">> {
  try {
    return await bring(task, context);
  } catch (error) {
    context.abort.throwIfAborted();
    throw blame(error, {
      full: "HO-C902",
      otherwise: "HO-T501",
      what: `transport to sink ${task.sink.name} failed`,
      retry: true,
    });
  }
}

async function bring(task: TaskOf<"transport">, context: MoverContext): Promise<ResultOf<"transport">> {
  const started = Date.now();
  const root = context.roots.sink(task.sink.name);
  const source = (await openPresent(context.roots.store, { role: "source", name: "source" }, task)).layout;
  await openStore(root, { role: "sink", name: task.sink.name, expectedUuid: task.sink.uuid });
  const layout = await openLineage(root, task, "sink");
  await checkFence([source, layout], task.seq);
  const target: DeliveryTarget = {
    sink: task.sink.name,
    layout,
    staging: join(layout.staging, stagingName(task.seq, context.podUID)),
    signal: context.abort,
  };
  try {
    const { delivered, bytes } = await deliverAll(source, target, context);
    await sweepStaging(layout, task.seq);
    const seconds = (Date.now() - started) / 1000;
    return { version: 1, ok: true, step: "transport", delivered: delivered.slice(-20), bytes, seconds };
  } catch (error) {
    // A full sink gets its space back; after any other trouble the next attempt goes on with what is there.
    if (isDiskFull(error) || (error instanceof MoverError && error.code === "HO-C902"))
      await sweepStaging(layout, task.seq);
    throw error;
  }
}

async function deliverAll(
  source: Layout,
  target: DeliveryTarget,
  context: MoverContext,
): Promise<{ readonly delivered: readonly string[]; readonly bytes: number }> {
  const delivered: string[] = [];
  const trouble: MoverError[] = [];
  /** Ids of what is damaged at the source. */
  const spoilt = new Set<string>();
  let bytes = 0;
  const handover = await listGenerations(source.handover);
  const kept = await listGenerations(source.store);
  const atSink = await listGenerations(target.layout.store);
  for (const { name, why, newer } of handover.broken) {
    // The prune at the source says that it waits; the copies of this run do not depend on it.
    if (newer === true) context.log.warn("a generation cannot be read, and waits for a newer release", { name, why });
    else
      trouble.push(
        new MoverError("HO-T501", `generation ${name} in the handover point cannot be brought to a sink: ${why}`),
      );
  }
  const markers = await readMarkers(target.layout);
  for (const generation of await wanted(handover, kept, atSink, markers, target.layout)) {
    const present = atSink.generations.find(({ id }) => id === generation.id);
    if (present !== undefined) {
      if (present.manifestSHA256 !== generation.manifestSHA256)
        trouble.push(conflict(target.sink, generation.id, describeManifests(generation, present)));
      continue;
    }
    const broken = atSink.broken.find(({ name }) => name === generation.id);
    if (broken?.newer === true) {
      trouble.push(conflict(target.sink, generation.id, broken.why));
      continue;
    }
    if (broken !== undefined) {
      const damaged = await setAside(target.layout, generation.id);
      context.log.warn("a copy does not equal its manifest and was set aside", { ...broken, damaged });
    }
    // A copy that got lost has left its marker, which would call verified what nobody has read yet.
    if (reaches(generation, markers, "None")) await removeMarker(target.layout, generation.id);
    // Without what it is based on it is worth nothing there.
    if (generation.manifest.chain.some(({ id }) => spoilt.has(id))) continue;
    try {
      bytes += await deliver(generation, target);
    } catch (error) {
      if (!(error instanceof MoverError) || error.code !== "HO-T501") throw error;
      trouble.push(error);
      spoilt.add(generation.id);
      continue;
    }
    delivered.push(generation.id);
    context.log.info("generation delivered", { generation: generation.id, sink: target.sink });
  }
  const waiting = [...handover.generations.map(({ id }) => id), ...handover.broken.map(({ name }) => name)];
  await forgetRemoved(target.layout, markers, new Set(waiting));
  // The others are brought first: one bad generation must not keep the good ones from the sink, nor from being checked there. With
  // another generation of the same id nothing is checked: it would be found whole, and be taken for ours.
  const [first] = trouble;
  if (first !== undefined)
    throw (
      trouble.find(({ code }) => code === "HO-V601") ?? new MoverError("HO-T503", first.message, { retry: first.retry })
    );
  return { delivered, bytes };
}

/**
 * What waits in the handover point, but for what the sink has had, verified, and its retention has let go: that waits for
 * another sink. And of what was handed over before, what is newer than everything at the sink, or was at the sink and is
 * damaged. So what retention has removed at the sink does not come back; what got lost there while it waits does. And what any of
 * these, or of what is at the sink, is based on: without it they are worth nothing there.
 */
async function wanted(
  handover: Listing,
  kept: Listing,
  atSink: Listing,
  markers: Markers,
  sink: Layout,
): Promise<readonly GenerationEntry[]> {
  const newest = Math.max(0, ...atSink.generations.map(({ seq }) => seq));
  const present = new Set(atSink.generations.map(({ id }) => id));
  const damaged = [
    ...(await readdir(sink.damaged)),
    ...atSink.broken.filter(({ newer }) => newer !== true).map(({ name }) => name),
  ];
  const again = kept.generations.filter(
    ({ id, seq }) => seq > newest || (!present.has(id) && damaged.some((name) => name.startsWith(id))),
  );
  const waiting = handover.generations.filter((generation) => !wasRemoved(generation, markers));
  const ours = new Map([...kept.generations, ...handover.generations].map((generation) => [generation.id, generation]));
  const all = new Map([...again, ...waiting].map((generation) => [generation.id, generation]));
  for (const { manifest } of [...atSink.generations, ...all.values()]) {
    for (const { id, manifestSHA256 } of manifest.chain) {
      const member = ours.get(id);
      if (member?.manifestSHA256 === manifestSHA256 && !present.has(id)) all.set(id, member);
    }
  }
  // A base has a lower number than what is based on it.
  return [...all.values()].toSorted((a, b) => a.seq - b.seq);
}

const conflict = (sink: string, id: string, why: string): MoverError =>
  new MoverError("HO-V601", `sink ${sink} has another generation under the id ${id}: ${why}`);

function describeManifests(ours: GenerationEntry, theirs: GenerationEntry): string {
  const short = ({ manifestSHA256 }: GenerationEntry): string => manifestSHA256.slice(0, 12);
  return `its manifest is ${short(theirs)}, ours ${short(ours)}; it was not overwritten`;
}
