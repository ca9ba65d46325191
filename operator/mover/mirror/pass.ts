/**
 * Brings the mirror of a volume up to date while the app still runs (warm), twice if once takes long, so that the pass with
 * the app stopped (cold) has little left to do. Its cost then grows with the number of files, not with their bytes. Reads the volume, and
 * writes only into the mirror and its state beside it.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { count } from "../../domain/quantities.ts";
import { CommandError, MoverError } from "../errors.ts";
import { makeDirectory, syncFilesystem } from "../store/durable.ts";
import { together } from "../together.ts";
import { unsupportedAttributes, type Attributes } from "../tools/rsync.ts";
import { noMark, notAhead, withSlack, type ChangeMark } from "./changes.ts";
import { fillMirror } from "./fill.ts";
import { fullPass, type PassOptions } from "./full-pass.ts";
import { keepInventory } from "./inventory.ts";
import { freshInventory, readState, selectionOf, writeState, type MirrorJob, type State } from "./mirror-state.ts";
import { isNothing, partialPass, type Held } from "./partial-pass.ts";
import { othersOf, scanVolume, type Foreign, type Scan } from "./scan.ts";
import { beginWriting, stateFiles } from "./state-list.ts";
import { transfer, type PassStats } from "./transfer.ts";

export type { MirrorJob } from "./mirror-state.ts";

export interface PassResult extends Held {
  readonly warnings: readonly string[];
}

/** Milliseconds between the mark and the pass that compares what is near it: more than the coarsest clock's tick. */
const markAge = 1_100;

/**
 * A first pass that took less leaves no more to the last one than the time between them does anyway: the pods that have to
 * start, the app that has to end. A second would only cost its own time.
 */
const quickMillis = 5_000;
/** What the last pass may compare once more, because it changed shortly before the mark: a tenth of a second of the downtime. */
const quickBytes = 64 * 1024 * 1024;

/** What a pass has left in the mirror. */
interface Passed extends Held {
  readonly attributes: Attributes;
  readonly torn: readonly string[];
  /** Whether anything was written. */
  readonly wrote: boolean;
}

/**
 * One or two passes beside the running app. @param whole whether the whole mirror is compared with the volume, and not only what changed
 * since they were equal: so that whatever has gone wrong in a mirror unseen ends there
 * @throws MoverError HO-A401, CommandError
 */
export async function warmMirror(job: MirrorJob, whole = false): Promise<PassResult> {
  await makeDirectory(job.mirror);
  const files = stateFiles(job.stateDirectory, job.volume.name);
  await beginWriting(files);
  const before = await readState(job);
  const isNew = (await readdir(job.mirror)).length === 0;
  const since = withSlack(before?.mark ?? noMark);
  const allContent = whole && since === noMark;
  const known = isNew || allContent || before?.selection !== selectionOf(job) ? undefined : before;
  const comparedAt = isNew || allContent ? Date.now() : (before?.comparedAt ?? 0);
  // Before there is an inventory of a mirror that holds something else: a pass that is killed then leaves what the state did not mean.
  if (before !== undefined && before.selection !== selectionOf(job))
    await writeState(job, { ...before, selection: "" });
  const first = await scanVolume(job, { since, known, frozen: false, anew: whole });
  const mark = notAhead(first.newest, Date.now());
  const marked = performance.now();
  // Also before a whole pass: an edit under a clock that was set back, and that kept size and time, is in the inventories alone.
  const brought = known === undefined ? undefined : await partial(job, known, first, { mark: since, frozen: false });
  const others = brought === undefined ? await othersOf(job, first) : undefined;
  let passed =
    brought === undefined || whole
      ? await wholePass(job, before, isNew ? undefined : since, { others, newest: first.newest })
      : brought;
  // With a clock that was set back, more than the recent bytes is newer than the mark.
  const toCompare = mark === first.newest ? first.recentBytes : Infinity;
  const once = toCompare <= quickBytes && performance.now() - marked <= quickMillis;
  const stateOf = ({ newest, foreign }: Scan): State => {
    const { bytes, files: held, attributes } = passed;
    const found = { newest, foreign, bytes, files: held, attributes };
    return { ...found, mark: once ? withSlack(mark) : mark, selection: selectionOf(job), comparedAt };
  };
  let last = first;
  if (!once) {
    if (first.complete) {
      // With the mark of before: what the mirror has is not durable yet.
      await writeState(job, { ...stateOf(first), mark: before?.mark ?? noMark });
      await keepInventory(freshInventory(job), files.source, job.signal);
    }
    await sleep(Math.max(0, markAge - (performance.now() - marked)), undefined, { signal: job.signal });
    const state = stateOf(first);
    last = await scanVolume(job, { since: withSlack(mark), known: first.complete ? state : undefined, frozen: false });
    passed = await lastChanges(job, state, last, { mark: withSlack(mark), frozen: false });
  }
  const state = stateOf(last);
  await together<[void, void]>(job.signal, (signal) => {
    // Durable before the mark: after a power cut between the two, a mark that came first would call durable what is not, and an
    // edit that kept its size would never be looked at again.
    const marking = syncFilesystem(job.mirror, signal).then(() => writeState(job, state));
    return [
      marking,
      last.complete ? keepInventory(freshInventory(job), files.source, signal, marking) : Promise.resolve(),
    ];
  });
  return { ...passed, warnings: warningsOf(job, state) };
}

export interface ColdResult {
  readonly warnings: readonly string[];
  /** To be called when what the mirror holds is durable: makes known that it is equal to the volume. */
  readonly settle: (signal: AbortSignal) => Promise<void>;
}

/**
 * The last pass. @param frozen whether the app is stopped: a file that vanishes or changes then is an error.
 * @throws MoverError HO-A401, HO-A402; CommandError
 */
export async function coldMirror(job: MirrorJob, frozen: boolean): Promise<ColdResult> {
  const state = await readState(job);
  if (state === undefined)
    throw new MoverError("HO-A403", `the mirror of volume ${job.volume.name} has not been warmed`);
  const { mark } = state;
  const known = state.selection === selectionOf(job) ? state : undefined;
  const scan = await scanVolume(job, { since: mark, known, frozen, last: true });
  const passed = await lastChanges(job, state, scan, { mark, frozen });
  return {
    warnings: [...warningsOf(job, { ...state, foreign: scan.foreign }), ...tornWarning(job, passed.torn)],
    settle: async (signal) => {
      if (!passed.wrote || !scan.complete) return;
      const { source } = stateFiles(job.stateDirectory, job.volume.name);
      const { bytes, files } = passed;
      await writeState(job, { ...state, bytes, files, newest: scan.newest, foreign: scan.foreign });
      await keepInventory(freshInventory(job), source, signal);
    },
  };
}

type Moment = Pick<PassOptions, "frozen"> & { readonly mark: ChangeMark };

/** @returns undefined when only a full pass will do */
async function partial(job: MirrorJob, known: State, scan: Scan, moment: Moment): Promise<Passed | undefined> {
  const { attributes, files, bytes } = known;
  const { changes, newest } = scan;
  if (changes === undefined) return undefined;
  if (isNothing(changes)) return { attributes, files, bytes, torn: [], wrote: false };
  await unsettle(job);
  const stats = await partialPass(job, changes, { attributes, newest, ...moment });
  if (stats === undefined) return undefined;
  return { attributes, files: files + stats.files, bytes: bytes + stats.bytes, torn: stats.torn, wrote: true };
}

async function lastChanges(job: MirrorJob, state: State, scan: Scan, moment: Moment): Promise<Passed> {
  const brought = await partial(job, state, scan, moment);
  if (brought !== undefined) return brought;
  await unsettle(job);
  const { attributes } = state;
  const stats = await fullPass(job, { attributes, newest: scan.newest, others: await othersOf(job, scan), ...moment });
  return { ...stats, attributes, wrote: true };
}

/** @param mark undefined when the mirror is empty */
async function wholePass(
  job: MirrorJob,
  before: State | undefined,
  mark: ChangeMark | undefined,
  scanned: Pick<PassOptions, "others" | "newest">,
): Promise<Passed> {
  await unsettle(job);
  if (mark === undefined) {
    const listFile = join(job.scratch, `fill-${job.volume.name}`);
    const fill = { ...job, selection: job.volume, inventory: freshInventory(job), listFile };
    await fillMirror(fill, (argv, signal) => transfer({ ...job, signal }, argv, false));
  }
  const attributes = before?.attributes ?? { acls: true, xattrs: true };
  const options = { frozen: false, ...scanned } as const;
  try {
    const [stats] = await together<[PassStats, void]>(job.signal, (signal) => [
      fullPass({ ...job, signal }, { ...options, attributes, mark }),
      // What was filled is written to the disk while it is compared, which leaves little to the sync at the end.
      mark === undefined ? syncFilesystem(job.mirror, signal) : Promise.resolve(),
    ]);
    return { ...stats, attributes, wrote: true };
  } catch (error) {
    const unsupported =
      error instanceof CommandError ? unsupportedAttributes(error.stderrTail) : { acls: false, xattrs: false };
    if (!unsupported.acls && !unsupported.xattrs) throw error;
    // ACLs are extended attributes as well: a file system without the one has neither.
    const fewer = { acls: false, xattrs: attributes.xattrs && !unsupported.xattrs };
    const stats = await fullPass(job, { ...options, attributes: fewer, mark: noMark });
    return { ...stats, attributes: fewer, wrote: true };
  }
}

/**
 * Before anything is written: a pass that is killed may leave a file that the app removes before the next one, and an inventory from
 * before the file was made would never tell. Not synced: what a power cut brings back is not believed by another boot.
 */
const unsettle = async (job: MirrorJob): Promise<void> =>
  await rm(stateFiles(job.stateDirectory, job.volume.name).source, { force: true });

const warningsOf = (
  { volume: { name } }: MirrorJob,
  { attributes, foreign: { owners, devices } }: { readonly attributes: Attributes; readonly foreign: Foreign },
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
