/** Lists the mirrors of a capture, and makes of that the list of the generation: of all there is, or against a base. */
import { copyFile, rm } from "node:fs/promises";
import { constants, createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { MoverError } from "../errors.ts";
import { pipeline, run } from "../exec.ts";
import { HashTap, type Digest } from "../store/digest.ts";
import { privateFile } from "../store/durable.ts";
import { filesListFile, volumeDeleted } from "../store/layout.ts";
import type { GenerationEntry } from "../store/listing.ts";
import type { StoredFile } from "../store/parts.ts";
import { together } from "../together.ts";
import { argvCompress } from "../tools/zstd.ts";
import { argvReverseNames } from "../tools/names.ts";
import { changedInodes, differ, type States } from "./difference.ts";
import { writeFilesList, type VolumeTotals } from "./files-list.ts";
import { takeInventory } from "./inventory.ts";
import { readLines, splitHolder } from "./lines.ts";
import { NameFile } from "./name-file.ts";
import { describeDifferences, patched, type Replacement } from "./patch.ts";
import { findRotten, RottenMirrors, type Rotten } from "./rot.ts";
import { differencesInMirror, isListBelieved, stateFiles, type KnownMirror, type Settled } from "./state-list.ts";
import { totalsOf, type MirrorTotals } from "./totals.ts";

export interface ListedMirror extends Settled {
  /** All that the mirror differs in from the kept list, and the digest of that. */
  readonly since?: { readonly replacements: readonly Replacement[]; readonly list: string };
  readonly volume: string;
  /** What the mirror holds, as often as it is asked for, until its state is settled. */
  readonly lines: (signal: AbortSignal) => AsyncGenerator<readonly string[], undefined>;
  readonly totals: VolumeTotals;
  /** Whether any file has several names. */
  readonly linked: boolean;
}

export interface MirrorToList {
  readonly volume: string;
  readonly mirror: string;
}

export interface ListingOptions {
  readonly stateDirectory: string;
  /** Where the inventories go. */
  readonly scratch: string;
  /**
   * Whether what has not changed in the mirror since the last list is taken from it. A full generation reads everything: whatever
   * has gone wrong in a mirror unseen ends there.
   */
  readonly reuse: boolean;
  /** Digest of the list of the base, which was found whole. */
  readonly baseList?: Promise<string | undefined> | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (files: number, bytes: number) => void;
}

/** Looks at each mirror. @throws RottenMirrors when it reads all of them, and any content is not what is known of it */
export async function listMirrors(
  mirrors: readonly MirrorToList[],
  options: ListingOptions,
): Promise<readonly ListedMirror[]> {
  const { signal, scratch, reuse } = options;
  const listed: ListedMirror[] = [];
  const rotten: Rotten[] = [];
  for (const { volume, mirror } of mirrors) {
    const files = stateFiles(options.stateDirectory, volume);
    const inventory = join(scratch, `mirror-${volume}`);
    if (!(await takeInventory({ root: mirror, target: inventory, signal })))
      throw new MoverError("HO-A404", `the mirror of volume ${volume} cannot be read whole`);
    // Of a capture that died, also when it was an increment and this is none.
    for (const left of [files.next, files.names, files.gone]) await rm(left, { force: true });
    const trusted = await options.baseList;
    // Asked before: what starts a program must not wait behind the reading of the inventory.
    const believed = await isListBelieved(files);
    const [known, totals] = await together<[KnownMirror | undefined, MirrorTotals]>(signal, (stop) => [
      believed ? differencesInMirror(files, inventory, trusted, stop) : Promise.resolve(undefined),
      totalsOf(inventory, stop),
    ]);
    const of = { volume, files, inventory, ...totals };
    if (known === undefined || !reuse) {
      await writeFilesList({ ...options, volumes: [{ name: volume, mirror }], target: files.next });
      if (known !== undefined) {
        const paths = await findRotten(bareLines(files.list, signal), readLines(files.next, signal), known.differences);
        if (paths.length > 0) rotten.push({ volume, paths });
      }
      listed.push({ ...of, lines: (stop) => readLines(files.next, stop), write: () => Promise.resolve() });
      continue;
    }
    const { differences, list } = known;
    const same = differences.before.length + differences.now.length === 0;
    const replacements = same ? [] : await describeDifferences({ volume, mirror }, differences, signal);
    const lines: ListedMirror["lines"] = (stop) => patched(bareLines(files.list, stop), replacements);
    const write = async (stop: AbortSignal): Promise<void> => {
      await rm(files.next, { force: true });
      await writeLines(lines(stop), files.next, stop);
    };
    listed.push({ ...of, lines, same, since: { replacements, list }, ...(same ? {} : { write }) });
  }
  if (rotten.length > 0) throw new RottenMirrors(rotten);
  return listed;
}

async function* bareLines(list: string, signal: AbortSignal): AsyncGenerator<readonly string[], undefined> {
  for await (const lines of readLines(list, signal)) yield lines.map((line) => splitHolder(line).bare);
  return undefined;
}

/** With the list of a generation that holds this mirror alone for what is known of it: the next one will find that it is its base's. */
export const keptAsList = (mirror: ListedMirror, list: string): ListedMirror => ({
  ...mirror,
  write: async () => await copyFile(list, mirror.files.next, constants.COPYFILE_FICLONE),
});

/** Writes the list of a generation that stands alone. */
export async function writeWholeList(
  mirrors: readonly ListedMirror[],
  staging: string,
  signal: AbortSignal,
): Promise<Digest> {
  async function* lines(): AsyncGenerator<readonly string[]> {
    for (const { lines: linesOf } of mirrors) yield* linesOf(signal);
  }
  return await writeLines(lines(), join(staging, filesListFile), signal);
}

async function writeLines(
  batches: AsyncGenerator<readonly string[]>,
  target: string,
  signal: AbortSignal,
): Promise<Digest> {
  async function* text(): AsyncGenerator<string> {
    for await (const lines of batches) if (lines.length > 0) yield `${lines.join("\n")}\n`;
  }
  return await writeText(text(), target, signal);
}

async function writeText(batches: AsyncGenerator<string>, target: string, signal: AbortSignal): Promise<Digest> {
  const tap = new HashTap();
  await pipeline([{ argv: argvCompress(1) }], {
    stdin: Readable.from(batches, { objectMode: false }),
    stdout: [tap, createWriteStream(target, { mode: privateFile, flags: "wx" })],
    signal,
  });
  return tap.digest();
}

/** The lines of one volume in the list of a generation. */
export async function* linesOfVolume(
  list: string,
  volume: string,
  signal: AbortSignal,
): AsyncGenerator<readonly string[], undefined> {
  for await (const lines of readLines(list, signal)) yield lines.filter((line) => line.startsWith(`{"v":"${volume}",`));
  return undefined;
}

export interface DifferentVolume {
  readonly volume: string;
  /** Entries that the archive has to hold. */
  readonly packed: number;
  /** File with their names. */
  readonly names: string;
  readonly deleted: StoredFile;
}

export const digestOfList = ({ manifest }: GenerationEntry): string | undefined =>
  manifest.files.find(({ path }) => path === filesListFile)?.sha256;

/** Writes the list of a generation that has a base, and what is gone since then; the names to pack lie beside the state. */
export async function writeDifference(
  mirrors: readonly ListedMirror[],
  base: GenerationEntry,
  staging: string,
  signal: AbortSignal,
): Promise<{ readonly list: Digest; readonly volumes: readonly DifferentVolume[] }> {
  const volumes: DifferentVolume[] = [];
  const baseList = digestOfList(base);
  async function* batches(): AsyncGenerator<string> {
    for (const { volume, files, linked, lines, since } of mirrors) {
      const states: States = {
        now: () => lines(signal),
        base: () => linesOfVolume(join(base.path, filesListFile), volume, signal),
        baseId: base.id,
        replacements: since?.list === baseList ? since?.replacements : undefined,
      };
      const changed = linked ? await changedInodes(states) : new Set<string>();
      for (const name of [files.names, files.gone]) await rm(name, { force: true });
      const into = { packed: new NameFile(files.names), deleted: new NameFile(files.gone) };
      try {
        yield* differ(states, changed, into);
      } finally {
        into.packed.close();
        into.deleted.close();
      }
      const deleted = await reverse(files.gone, join(staging, volumeDeleted(volume)), signal);
      await rm(files.gone);
      volumes.push({
        volume,
        packed: into.packed.count,
        names: files.names,
        deleted: { path: volumeDeleted(volume), ...deleted },
      });
    }
  }
  const list = await writeText(batches(), join(staging, filesListFile), signal);
  return { list, volumes };
}

/** What is in a directory has to go before it. */
async function reverse(from: string, to: string, signal: AbortSignal): Promise<Digest> {
  const tap = new HashTap();
  const target = createWriteStream(to, { mode: privateFile, flags: "wx" });
  await run(argvReverseNames(from), { stdout: [tap, target], signal });
  return tap.digest();
}
