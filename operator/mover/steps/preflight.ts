/**
 * Preflight: tries everything that can fail while the app still runs. What makes a backup impossible or a lie is refused
 * with its code; what only makes a copy at a sink impossible is a warning, because a generation at the source is better than none, and
 * the transport reports it again. Writes nothing but identities and an empty probe file; deletes nothing, but where there is no room
 * what has had its time in the trash.
 */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ResultOf } from "../../contract/result.ts";
import type { LocationRef, TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { checkDatabase } from "../database/check.ts";
import { errnoOf, isDiskFull, MoverError } from "../errors.ts";
import { checkSpace, estimateStored } from "../mirror/space.ts";
import { findRoom, makeRoom } from "../retention/room.ts";
import { checkVolume, type VolumeEstimate } from "../mirror/estimate.ts";
import { observeLacks } from "../store/abilities.ts";
import { chooseBase } from "../store/base.ts";
import { filesBelow } from "../store/contents.ts";
import { observeLocation, type LocationFacts } from "../store/facts.ts";
import type { Layout } from "../store/layout.ts";
import { highestSeq, listGenerations, type GenerationEntry } from "../store/listing.ts";
import { readMarkers } from "../store/markers.ts";
import { openLineage, openStore, type Role } from "../store/sentinel.ts";
import { clip } from "../../domain/text.ts";

interface Place {
  readonly root: string;
  readonly layout: Layout;
  readonly lastSeq: number;
  readonly facts: LocationFacts;
  readonly generations: readonly GenerationEntry[];
  readonly pending: number;
  /** What a newer release has left here, beside which nothing is removed, and what the file system of the store cannot keep; for people. */
  readonly told: readonly string[];
}

type Task = TaskOf<"preflight">;

export async function preflight(task: Task, context: MoverContext): Promise<ResultOf<"preflight">> {
  const warnings: string[] = [];
  const source = await openPlace(context.roots.store, task.store, "source", task, context);
  const sinks: Place[] = [];
  for (const sink of task.sinks) {
    try {
      sinks.push(await openPlace(context.roots.sink(sink.name), sink, "sink", task, context));
    } catch (error) {
      if (!(error instanceof MoverError)) throw error;
      warnings.push(`${error.code} ${error.message}`);
    }
  }
  for (const { told } of [source, ...sinks]) warnings.push(...told);
  const known = [source, ...sinks].flatMap(({ generations }) => generations).toSorted((a, b) => b.seq - a.seq);
  const databases: ResultOf<"preflight">["databases"] = [];
  for (const database of task.databases) databases.push(await checkDatabase(database, context));
  const volumes: VolumeEstimate[] = [];
  for (const volume of task.volumes) {
    const acceptEmpty = task.acceptEmpty?.includes(volume.name) ?? false;
    // Every generation that holds the volume tells what to expect, of whatever type.
    const newest = known.find(({ manifest }) => manifest.volumes.some(({ name }) => name === volume.name))?.manifest;
    volumes.push(await checkVolume(volume, { layout: source.layout, newest, acceptEmpty }, context));
  }
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const bytes = sum(volumes.map((volume) => volume.bytes));
  const databaseBytes = sum(databases.map((database) => database.bytes));
  const base = await chooseBase(task, source.layout, context.abort);
  const stored = estimateStored({
    type: base === undefined || !("full" in base) ? task.type : "Full",
    known: known.map(({ manifest }) => manifest),
    bytes,
    databaseBytes,
    changed: sum(volumes.map(({ transferred }) => transferred)),
  });
  const need = {
    what: "the store",
    code: "HO-C901",
    bytes: stored + sum(volumes.map(({ growth }) => growth)),
    inodes: sum(volumes.map(({ created }) => created)),
    reclaimable: await stagedBytes(source.layout),
  } as const;
  await findRoom({ ...source, owner: task }, need, task.trash, context);
  for (const sink of sinks) {
    const refusal = await checkSpace(sink.root, {
      what: `sink ${sink.facts.name}`,
      code: "HO-C902",
      bytes: stored,
      inodes: 0,
    }).catch((error: unknown) => error);
    if (refusal instanceof MoverError) warnings.push(`${refusal.code} ${refusal.message}`);
    else if (refusal !== undefined) throw refusal;
  }
  return {
    version: 1,
    ok: true,
    step: "preflight",
    lastSeq: Math.max(...[source, ...sinks].map(({ lastSeq }) => lastSeq)),
    locations: [source, ...sinks].map(({ facts }) => facts),
    pending: source.pending,
    bytes: bytes + databaseBytes,
    files: sum(volumes.map(({ files }) => files)),
    databases,
    warnings: warnings.slice(0, 8).map((text) => clip(text, 300)),
    ...(base === undefined ? {} : { base }),
  };
}

async function openPlace(
  root: string,
  ref: LocationRef,
  role: Role,
  task: Task,
  context: MoverContext,
): Promise<Place> {
  const what = role === "source" ? "the store" : `sink ${ref.name}`;
  try {
    const { uuid } = await openStore(root, { role, name: ref.name, expectedUuid: ref.uuid });
    const lacks = await probe(root, task.policyUID).catch(async (error: unknown) => {
      if (role !== "source" || task.trash === undefined || !isDiskFull(error)) throw error;
      await makeRoom({ layout: await openLineage(root, task, role), owner: task, what }, task.trash, context);
      return await probe(root, task.policyUID);
    });
    const layout = await openLineage(root, task, role);
    const stored = await listGenerations(layout.store);
    const waiting = role === "source" ? await listGenerations(layout.handover) : undefined;
    const generations = [...stored.generations, ...(waiting?.generations ?? [])];
    const facts = await observeLocation({ name: ref.name, uuid, root }, stored.generations, await readMarkers(layout));
    const broken = [...stored.broken, ...(waiting?.broken ?? [])];
    for (const { name, why } of broken)
      context.log.warn("a directory is named like a generation and is none", { location: ref.name, name, why });
    return {
      root,
      layout,
      facts,
      generations,
      lastSeq: await highestSeq(layout),
      pending: waiting?.generations.length ?? 0,
      told: [
        ...broken
          .filter(({ newer }) => newer === true)
          .map(({ name, why }) => `generation ${name} at ${ref.name} cannot be read: ${why}`),
        // A sink gets archives, which need neither.
        ...(role === "source" ? lacks.map((lack) => `${what} ${lack}`) : []),
      ],
    };
  } catch (error) {
    if (error instanceof MoverError) throw error;
    const errno = errnoOf(error) ?? String(error);
    const why = errno === "EROFS" ? "it is mounted read-only, or its file system has become so" : errno;
    if (isDiskFull(error))
      throw new MoverError(role === "source" ? "HO-C901" : "HO-C902", `${what} is full`, { cause: error });
    throw new MoverError(role === "source" ? "HO-P105" : "HO-T502", `${what} cannot be used (${why})`, {
      cause: error,
    });
  }
}

/** What runs that died have left. No other run of the policy is active, and the next steps of this one remove it. */
async function stagedBytes(layout: Layout): Promise<number> {
  let bytes = 0;
  for await (const { size } of filesBelow(layout.staging)) bytes += size;
  return bytes;
}

/**
 * Whether the place can be written to: a share may be mounted read-only. What a death leaves, the next run of the policy removes.
 * @returns what its file system cannot keep
 */
async function probe(root: string, policyUID: string): Promise<readonly string[]> {
  const file = join(root, `.probe-${policyUID}`);
  await (await open(file, "w", 0o600)).close();
  const lacks = await observeLacks(file);
  await rm(file, { force: true });
  return lacks;
}
