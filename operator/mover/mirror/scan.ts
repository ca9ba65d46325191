/** Looks at every entry of a volume once, and tells what differs from when its mirror was last equal to it. Reads only. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isNewer, noMark, secondOf, withSlack, type ChangeMark } from "./changes.ts";
import {
  compareInventories,
  maxDifferences,
  readInventory,
  readNew,
  readRecords,
  takeInventory,
  type Item,
} from "./inventory.ts";
import { freshInventory, largeFiles, type MirrorJob, type State } from "./mirror-state.ts";
import { NameFile } from "./name-file.ts";
import type { PassOptions } from "./full-pass.ts";
import type { Changes } from "./partial-pass.ts";
import { stateFiles } from "./state-list.ts";

export interface ScanOptions {
  /** What has a change time not before this may have changed unseen. */
  readonly since: ChangeMark;
  /** State that belongs to the kept inventory; undefined when nothing is to be believed. */
  readonly known: State | undefined;
  /** Whether the app is stopped. */
  readonly frozen: boolean;
  /** The large files are those of the warm passes: the last one has no time to look for new ones. */
  readonly last?: boolean;
  /** Whether what is said of all entries is found out anew, and not reckoned from what is known. */
  readonly anew?: boolean;
}

/** Entries that a mover which is not root cannot make as they are. */
export type Foreign = State["foreign"];

export interface Scan {
  /** The newest change time in the volume: whatever changes after this has a newer one, or an equal one. */
  readonly newest: ChangeMark;
  /** Bytes of the files that changed so shortly before that a list from `withSlack(newest)` on has them. */
  readonly recentBytes: number;
  readonly foreign: Foreign;
  /** Undefined when all has to be compared: nothing is known, or too much has changed. */
  readonly changes: Changes | undefined;
  /** Of more changes than are treated one by one, the file of their names; undefined when nothing is known. */
  readonly names: string | undefined;
  /** Whether the fresh inventory has every entry. */
  readonly complete: boolean;
}

export async function scanVolume(job: MirrorJob, options: ScanOptions): Promise<Scan> {
  const { since, known, frozen, last = false, anew = false } = options;
  const { signal } = job;
  const target = freshInventory(job);
  const into = join(job.scratch, `recent-${job.volume.name}`);
  const complete = await takeInventory({
    root: job.source,
    target,
    also: {
      ...(known === undefined ? {} : { changed: { since, into } }),
      ...(last ? {} : { large: largeFiles(job) }),
      mayVanish: !frozen,
    },
    signal,
  });
  const isKnown = known !== undefined && complete;
  const changes = isKnown ? await changesSince(job, into) : undefined;
  const names = isKnown && changes === undefined ? await listNames(job, into) : undefined;
  const reckoned = anew ? undefined : changes;
  const summary = new Summary(reckoned === undefined ? undefined : known);
  if (reckoned === undefined) await readInventory(target, (item) => summary.add(item), signal);
  for (const item of reckoned?.before ?? []) summary.remove(item);
  for (const item of reckoned?.now ?? []) summary.add(item);
  return { ...summary.result, changes, names, complete };
}

type Add = (item: Pick<Item, "path">) => void;

/** @param addAll gives it names; the root is brought along with any other, see changes.ts @returns the file */
async function writeNames(job: MirrorJob, addAll: (add: Add) => Promise<void>): Promise<string> {
  const file = join(job.scratch, `differing-${job.volume.name}`);
  await rm(file, { force: true });
  const names = new NameFile(file);
  try {
    await addAll(({ path }) => {
      if (path !== "") names.add(path);
    });
  } finally {
    names.close();
  }
  return file;
}

async function listNames(job: MirrorJob, recentFile: string): Promise<string | undefined> {
  const { source } = stateFiles(job.stateDirectory, job.volume.name);
  let isWhole = false;
  const file = await writeNames(job, async (add) => {
    isWhole = await readNew(source, freshInventory(job), add, job.signal);
    await readRecords(recentFile, (record) => add({ path: record.slice(record.indexOf(" ") + 1) }), job.signal);
  });
  return isWhole ? file : undefined;
}

/** What a full pass compares by content beside what has changed of itself, when no partial pass has brought what differs. */
export async function othersOf(job: MirrorJob, { changes, names }: Scan): Promise<PassOptions["others"]> {
  if (names !== undefined) return { names };
  if (changes === undefined) return "below";
  return { names: await writeNames(job, (add) => Promise.resolve([...changes.now, ...changes.recent].forEach(add))) };
}

async function changesSince(job: MirrorJob, recentFile: string): Promise<Changes | undefined> {
  const { source } = stateFiles(job.stateDirectory, job.volume.name);
  const differences = await compareInventories(source, freshInventory(job), job.signal);
  if (differences === undefined) return undefined;
  const recent: Pick<Item, "path" | "inode">[] = [];
  const take = (record: string): void => {
    const space = record.indexOf(" ");
    // One more than may be treated one by one is as good as all.
    if (recent.length <= maxDifferences) recent.push({ inode: record.slice(0, space), path: record.slice(space + 1) });
  };
  await readRecords(recentFile, take, job.signal);
  if (recent.length > maxDifferences) return undefined;
  const others = await otherNames(job, differences.now);
  return others.length > maxDifferences ? undefined : { ...differences, recent: [...recent, ...others] };
}

/**
 * The names, unchanged themselves, of files of which another name is new because a directory above it was renamed: rsync links only names
 * that it is given together.
 */
async function otherNames(job: MirrorJob, now: readonly Item[]): Promise<Changes["recent"]> {
  const missing = new Map<string, number>();
  for (const { type, inode, links } of now)
    if (type !== "d" && links > 1) missing.set(inode, (missing.get(inode) ?? links) - 1);
  for (const [inode, names] of missing) if (names <= 0) missing.delete(inode);
  if (missing.size === 0) return [];
  const there = new Set(now.map(({ path }) => path));
  const others: Item[] = [];
  const take = (item: Item): void => {
    if (others.length > maxDifferences) return;
    if (missing.has(item.inode) && item.type !== "d" && !there.has(item.path)) others.push(item);
  };
  await readInventory(freshInventory(job), take, job.signal);
  return others;
}

class Summary {
  readonly #user = process.getuid?.() ?? 0;
  readonly #groups = new Set([process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])].map(String));
  readonly #foreign: { owners: number; devices: number };
  #newest: ChangeMark;
  /** By the second. Of the seconds that may still count: one before that of the newest, and those after. */
  readonly #bytes = new Map<number, number>();

  /** @param before of the entries that are not added; undefined when all are */
  constructor(before: State | undefined) {
    this.#newest = before?.newest ?? noMark;
    this.#foreign = { ...(before?.foreign ?? { owners: 0, devices: 0 }) };
  }

  get result(): Pick<Scan, "newest" | "recentBytes" | "foreign"> {
    const bytes = [...this.#bytes].filter(([second]) => second >= secondOf(withSlack(this.#newest)));
    return {
      newest: this.#newest,
      recentBytes: bytes.reduce((sum, [, size]) => sum + size, 0),
      foreign: this.#foreign,
    };
  }

  add(item: Item): void {
    const { changed, size } = item;
    if (isNewer(changed, this.#newest)) this.#newest = changed;
    const second = secondOf(changed);
    const oldest = secondOf(withSlack(this.#newest));
    if (second >= oldest) this.#bytes.set(second, (this.#bytes.get(second) ?? 0) + size);
    if (this.#bytes.size > 16) for (const old of this.#bytes.keys()) if (old < oldest) this.#bytes.delete(old);
    this.#count(item, 1);
  }

  remove(item: Item): void {
    this.#count(item, -1);
  }

  #count({ type, user, group }: Item, by: number): void {
    if (this.#user === 0) return;
    if (type === "c" || type === "b") this.#foreign.devices += by;
    else if (user !== String(this.#user) || !this.#groups.has(group)) this.#foreign.owners += by;
  }
}
