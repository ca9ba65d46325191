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
import { CommandError, errnoOf, MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { makeDirectory, syncFilesystem, writeFileDurably } from "../store/durable.ts";
import { together } from "../together.ts";
import {
  argvCompareContent,
  argvMirror,
  argvMirrorRoot,
  firstUnreadable,
  parseStats,
  partialTransfer,
  unsupportedAttributes,
  vanishedSource,
  type Attributes,
  type RsyncStats,
} from "../tools/rsync.ts";
import { listChanged, newestChange, noMark, withSlack, type Changed, type ChangeMark, type Newest } from "./changes.ts";
import { fillMirror } from "./fill.ts";
import { listHardLinks, untangleHardLinks } from "./hard-links.ts";
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
  const [{ mark, recentBytes }] = await together<[Newest, void]>(job.signal, (signal) => [
    newestChange(job.source, signal),
    listHardLinks(job.mirror, linksFile(job), signal),
  ]);
  const marked = performance.now();
  if (isNew)
    await fillMirror(
      { ...job, selection: job.volume, listFile: join(job.scratch, `fill-${job.volume.name}`) },
      (argv, signal) => transfer({ ...job, signal }, argv, false),
    );
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
  const once = recentBytes <= quickBytes && performance.now() - marked <= quickMillis;
  if (!once) {
    await listHardLinks(job.mirror, linksFile(job), job.signal);
    await sleep(Math.max(0, markAge - (performance.now() - marked)), undefined, { signal: job.signal });
    stats = await pass(job, { attributes, attributesOf: "all", mark: withSlack(mark), frozen: false });
  }
  // Durable before the mark: after a power cut between the two, a mark that came first would call durable what is not, and an
  // edit that kept its size would never be looked at again.
  await together<[void, void]>(job.signal, (signal) => [
    listHardLinks(job.mirror, linksFile(job), signal),
    syncFilesystem(job.mirror, signal),
  ]);
  const state: State = { mark: once ? withSlack(mark) : mark, bytes: stats.bytes, attributes };
  await writeFileDurably(stateFile(job), `${JSON.stringify(state)}\n`);
  return { ...stats, warnings: warningsOf(job, attributes) };
}

/**
 * The last pass. @param frozen whether the app is stopped: a file that vanishes or changes then is an error.
 * @throws MoverError HO-A401, HO-A402; CommandError
 */
export async function coldMirror(job: MirrorJob, frozen: boolean): Promise<PassResult> {
  const state = await readState(job);
  if (state === undefined)
    throw new MoverError("HO-A403", `the mirror of volume ${job.volume.name} has not been warmed`);
  const { attributes, mark } = state;
  const stats = await pass(job, { attributes, attributesOf: "changed", mark, frozen });
  return { ...stats, warnings: warningsOf(job, attributes) };
}

/** Bytes that the mirror holds already; 0 when there is none. */
export async function mirroredBytes(stateDirectory: string, volume: string): Promise<number> {
  return (await readState({ stateDirectory, volume: { name: volume } }))?.bytes ?? 0;
}

const warningsOf = ({ volume }: MirrorJob, attributes: Attributes): readonly string[] => {
  const lost = [...(attributes.acls ? [] : ["ACLs"]), ...(attributes.xattrs ? [] : ["extended attributes"])];
  return lost.length === 0
    ? []
    : [`volume ${volume.name}: the file system of the store cannot keep ${lost.join(" and ")}`];
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

async function pass(job: MirrorJob, options: PassOptions): Promise<RsyncStats> {
  await untangleHardLinks(job.source, job.mirror, linksFile(job));
  const listFile = join(job.scratch, `changed-${job.volume.name}`);
  // Looking at them costs twice as much as everything else: 10 instead of 4 microseconds for each file.
  const attributes = options.attributesOf === "all" ? options.attributes : { acls: false, xattrs: false };
  const [stats, changed] = await together<[RsyncStats, Changed]>(job.signal, (signal) => [
    mirrorAll({ ...job, signal }, attributes, options.frozen),
    options.mark === undefined
      ? Promise.resolve({ names: false, root: false })
      : listChanged(job.source, options.mark, listFile, signal),
  ]);
  // The directories on the way to a name are brought up to date with it, the root among them.
  if (changed.names)
    await transfer(job, argvCompareContent(job.mirror, listFile, job.volume, options.attributes), options.frozen);
  else if (changed.root) await transfer(job, argvMirrorRoot(job.mirror, options.attributes), options.frozen);
  return stats;
}

async function mirrorAll(job: MirrorJob, attributes: Attributes, frozen: boolean): Promise<RsyncStats> {
  const stats = parseStats(await transfer(job, argvMirror(job.mirror, job.volume, attributes), frozen));
  if (stats === undefined) throw new MoverError("HO-A403", "rsync printed no statistics");
  return stats;
}

async function transfer(job: MirrorJob, argv: Parameters<typeof run>[0], frozen: boolean): Promise<string> {
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
    // Says rsync of a file that was written to while it was copied. The next pass brings it again.
    if (!/failed verification/.test(stderrTail)) throw new CommandError("rsync", code, signal, stderrTail);
    if (frozen)
      throw new MoverError("HO-A402", `${volume}: files changed during the last pass, although the app is stopped`);
  }
  return stdout;
}

type StateOwner = Pick<MirrorJob, "stateDirectory"> & { readonly volume: Pick<VolumeRef, "name"> };
const stateFile = (job: StateOwner): string => join(job.stateDirectory, `${job.volume.name}.json`);
const linksFile = (job: MirrorJob): string => join(job.stateDirectory, `${job.volume.name}.links`);

async function readState(job: StateOwner): Promise<State | undefined> {
  try {
    return stateSchema.safeParse(JSON.parse(await readFile(stateFile(job), "utf8"))).data;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
