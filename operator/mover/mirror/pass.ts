/**
 * Brings the mirror of a volume up to date while the app still runs (warm), twice if once takes long, so that the pass with
 * the app stopped (cold) has little left to do. Its cost then grows with the number of files, not with their bytes. Reads the volume, and
 * writes only into the mirror and its state beside it.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { VolumeRef } from "../../contract/task.ts";
import { count } from "../../domain/quantities.ts";
import { CommandError, errnoOf, MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { makeDirectory, syncFilesystem, writeFileDurably } from "../store/durable.ts";
import { together } from "../together.ts";
import {
  argvCompareContent,
  argvMirror,
  argvMirrorListed,
  argvMirrorRoot,
  changedFiles,
  firstUnreadable,
  parseStats,
  partialTransfer,
  unsupportedAttributes,
  vanishedSource,
  type Attributes,
  type RsyncStats,
} from "../tools/rsync.ts";
import {
  listChanged,
  noMark,
  notAhead,
  surveyVolume,
  withSlack,
  type Foreign,
  type Changed,
  type ChangeMark,
  type Survey,
} from "./changes.ts";
import { fillMirror } from "./fill.ts";
import { listHardLinks, untangleHardLinks } from "./hard-links.ts";
import { copySparse, type SparseCopied } from "./sparse-files.ts";
import { beginWriting, stateFiles } from "./state-list.ts";

export interface MirrorJob {
  readonly volume: VolumeRef;
  /** Root of the volume. */
  readonly source: string;
  readonly mirror: string;
  readonly stateDirectory: string;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

export interface PassResult extends RsyncStats {
  readonly warnings: readonly string[];
}

const stateSchema = z.object({
  /**
   * Every change up to this mark is in the mirror, durably, and any later one gives a file a newer time, even where only whole
   * seconds are kept: either the mark is older by that than what the pass found, or what changed in the second before it was compared by
   * content later than a second after it.
   */
  mark: z.string(),
  /** Size of the mirror after the warm passes. */
  bytes: z.number(),
  attributes: z.object({ acls: z.boolean(), xattrs: z.boolean() }),
  foreign: z.object({ owners: z.number(), devices: z.number() }).default({ owners: 0, devices: 0 }),
});
type State = z.infer<typeof stateSchema>;

/** Milliseconds between the mark and the pass that compares what is near it: more than the coarsest clock's tick. */
const markAge = 1_100;

/**
 * A first pass that took less leaves no more to the last one than the time between them does anyway: the pods that have to
 * start, the app that has to end. A second would only cost its own time.
 */
const quickMillis = 5_000;
/** What the last pass may compare once more, because it changed shortly before the mark: a tenth of a second of the downtime. */
const quickBytes = 64 * 1024 * 1024;

/** One or two passes beside the running app. @throws MoverError HO-A401, CommandError */
export async function warmMirror(job: MirrorJob): Promise<PassResult> {
  await makeDirectory(job.mirror);
  await beginWriting(stateFiles(job.stateDirectory, job.volume.name));
  const before = await readState(job);
  const isNew = (await readdir(job.mirror)).length === 0;
  const [{ newest, recentBytes, foreign }] = await together<[Survey, void]>(job.signal, (signal) => [
    surveyVolume(job.source, largeFiles(job), signal),
    listHardLinks(job.mirror, linksFile(job), signal),
  ]);
  const mark = notAhead(newest, Date.now());
  const marked = performance.now();
  if (isNew) {
    const listFile = join(job.scratch, `fill-${job.volume.name}`);
    await fillMirror({ ...job, selection: job.volume, listFile }, (argv, signal) =>
      transfer({ ...job, signal }, argv, false),
    );
  }
  let attributes = before?.attributes ?? { acls: true, xattrs: true };
  let stats: RsyncStats;
  try {
    stats = await pass(job, {
      attributes,
      attributesOf: "all",
      mark: isNew ? undefined : withSlack(before?.mark ?? noMark),
      frozen: false,
    });
  } catch (error) {
    const unsupported =
      error instanceof CommandError ? unsupportedAttributes(error.stderrTail) : { acls: false, xattrs: false };
    if (!unsupported.acls && !unsupported.xattrs) throw error;
    // ACLs are extended attributes as well: a file system without the one has neither.
    attributes = { acls: false, xattrs: attributes.xattrs && !unsupported.xattrs };
    stats = await pass(job, { attributes, attributesOf: "all", mark: noMark, frozen: false });
  }
  // With a clock that was set back, more than the recent bytes is newer than the mark.
  const toCompare = mark === newest ? recentBytes : Infinity;
  const once = toCompare <= quickBytes && performance.now() - marked <= quickMillis;
  if (!once) {
    await listHardLinks(job.mirror, linksFile(job), job.signal);
    await sleep(Math.max(0, markAge - (performance.now() - marked)), undefined, { signal: job.signal });
    // All attributes have been looked at since the mark.
    stats = await pass(job, { attributes, attributesOf: "changed", mark: withSlack(mark), frozen: false });
  }
  // Durable before the mark: after a power cut between the two, a mark that came first would call durable what is not, and an
  // edit that kept its size would never be looked at again.
  await together<[void, void]>(job.signal, (signal) => [
    listHardLinks(job.mirror, linksFile(job), signal),
    syncFilesystem(job.mirror, signal),
  ]);
  const state: State = { mark: once ? withSlack(mark) : mark, bytes: stats.bytes, attributes, foreign };
  await writeFileDurably(stateFile(job), `${JSON.stringify(state)}\n`);
  return { ...stats, warnings: warningsOf(job, attributes, foreign) };
}

/**
 * The last pass. @param frozen whether the app is stopped: a file that vanishes or changes then is an error.
 * @throws MoverError HO-A401, HO-A402; CommandError
 */
export async function coldMirror(job: MirrorJob, frozen: boolean): Promise<PassResult> {
  const state = await readState(job);
  if (state === undefined)
    throw new MoverError("HO-A403", `the mirror of volume ${job.volume.name} has not been warmed`);
  const { attributes, mark, foreign } = state;
  const stats = await pass(job, { attributes, attributesOf: "changed", mark, frozen });
  return { ...stats, warnings: [...warningsOf(job, attributes, foreign), ...tornWarning(job, stats.torn)] };
}

/** Bytes that the mirror holds already; 0 when there is none. */
export async function mirroredBytes(stateDirectory: string, volume: string): Promise<number> {
  return (await readState({ stateDirectory, volume: { name: volume } }))?.bytes ?? 0;
}

const warningsOf = (
  { volume: { name } }: MirrorJob,
  attributes: Attributes,
  { owners, devices }: Foreign,
): readonly string[] => {
  const lost = [...(attributes.acls ? [] : ["ACLs"]), ...(attributes.xattrs ? [] : ["extended attributes"])];
  const asRoot = "only a mover that runs as root can keep";
  return [
    ...(lost.length === 0 ? [] : [`the file system of the store cannot keep ${lost.join(" and ")}`]),
    ...(devices === 0 ? [] : [`${count(devices, "device")} left out, which ${asRoot}`]),
    ...(owners === 0 ? [] : [`the owner or group of ${count(owners, "file")} is lost, which ${asRoot}`]),
  ].map((what) => `volume ${name}: ${what}`);
};

const tornWarning = ({ volume }: MirrorJob, torn: readonly string[]): readonly string[] => {
  const [first = ""] = torn;
  const which = `${count(torn.length, "file")} changed while being copied, ${JSON.stringify(first).slice(0, 150)} for one`;
  return first === "" ? [] : [`volume ${volume.name}: ${which}; what is held of that may be torn`];
};

interface PassOptions {
  /** What the mirror can keep. */
  readonly attributes: Attributes;
  /** Whether ACLs and extended attributes of every file are looked at, or only of those that changed since the mark. */
  readonly attributesOf: "all" | "changed";
  /** What changed since is compared by content; undefined when the mirror was empty. */
  readonly mark: ChangeMark | undefined;
  readonly frozen: boolean;
}

interface PassStats extends RsyncStats {
  /** Files that changed while they were copied, of a running app. */
  readonly torn: readonly string[];
}

async function pass(job: MirrorJob, options: PassOptions): Promise<PassStats> {
  await untangleHardLinks(job.source, job.mirror, linksFile(job));
  const listFile = join(job.scratch, `changed-${job.volume.name}`);
  const sparse = await copySparseFiles(job, options);
  // Looking at them costs twice as much as everything else: 10 instead of 4 microseconds for each file.
  const attributes = options.attributesOf === "all" ? options.attributes : { acls: false, xattrs: false };
  const [stats, changed] = await together<[PassStats, Changed]>(job.signal, (signal) => [
    mirrorAll({ ...job, signal }, attributes, options.frozen),
    options.mark === undefined
      ? Promise.resolve({ names: false, root: false })
      : listChanged(job.source, options.mark, listFile, signal, sparse.inodes),
  ]);
  const torn = [...sparse.torn, ...stats.torn];
  // The directories on the way to a name are brought up to date with it, the root among them.
  if (changed.names) {
    const argv = argvCompareContent(job.mirror, listFile, job.volume, options.attributes);
    torn.push(...(await transfer(job, argv, options.frozen)).torn);
  }
  if (changed.root && !changed.names)
    await transfer(job, argvMirrorRoot(job.mirror, options.attributes), options.frozen);
  return { ...stats, torn: [...new Set(torn)] };
}

async function copySparseFiles(job: MirrorJob, { mark, frozen, attributes }: PassOptions): Promise<SparseCopied> {
  if (mark === undefined) return { inodes: [], torn: [] };
  const copiedList = join(job.scratch, `sparse-${job.volume.name}`);
  const copied = await copySparse({ ...job, mark, frozen, largeFiles: largeFiles(job), copiedList });
  if (copied.inodes.length > 0)
    await transfer(job, argvMirrorListed(job.mirror, copiedList, job.volume, attributes), frozen);
  return copied;
}

/** Of a running app a file may change again each time. */
const attempts = 3;

async function mirrorAll(job: MirrorJob, attributes: Attributes, frozen: boolean): Promise<PassStats> {
  const argv = argvMirror(job.mirror, job.volume, attributes);
  let { stdout, torn } = await transfer(job, argv, frozen);
  // After such an error rsync removes nothing more, so the mirror may hold what is long gone.
  for (let attempt = 1; torn.length > 0 && attempt < attempts; attempt += 1)
    ({ stdout, torn } = await transfer(job, argv, frozen));
  const stats = parseStats(stdout);
  if (stats === undefined) throw new MoverError("HO-A403", "rsync printed no statistics");
  return { ...stats, torn };
}

interface Transferred {
  readonly stdout: string;
  readonly torn: readonly string[];
}

async function transfer(job: MirrorJob, argv: Parameters<typeof run>[0], frozen: boolean): Promise<Transferred> {
  const okCodes = [0, vanishedSource, partialTransfer];
  const { code, signal, stdout, stderrTail } = await run(argv, {
    cwd: job.source,
    stdout: "capture",
    signal: job.signal,
    okCodes,
  });
  const volume = `volume ${job.volume.name}`;
  if (code === vanishedSource && frozen)
    throw new MoverError("HO-A402", `${volume}: files vanished during the last pass, although the app is stopped`);
  if (code === partialTransfer) {
    const unreadable = firstUnreadable(stderrTail);
    if (unreadable !== undefined) throw new MoverError("HO-A401", `${volume}: ${unreadable}`);
    const torn = changedFiles(stderrTail);
    if (torn.length === 0) throw new CommandError("rsync", code, signal, stderrTail);
    if (frozen)
      throw new MoverError("HO-A402", `${volume}: files changed during the last pass, although the app is stopped`);
    return { stdout, torn };
  }
  return { stdout, torn: [] };
}

type StateOwner = Pick<MirrorJob, "stateDirectory"> & { readonly volume: Pick<VolumeRef, "name"> };
const stateFile = (job: StateOwner): string => join(job.stateDirectory, `${job.volume.name}.json`);
const largeFiles = (job: StateOwner): string => join(job.stateDirectory, `${job.volume.name}.large`);
const linksFile = (job: MirrorJob): string => join(job.stateDirectory, `${job.volume.name}.links`);

async function readState(job: StateOwner): Promise<State | undefined> {
  try {
    return stateSchema.safeParse(JSON.parse(await readFile(stateFile(job), "utf8"))).data;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
