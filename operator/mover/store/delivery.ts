/**
 * Brings one sealed generation to a mounted sink: data first, the manifest last, one rename. Until that rename neither restore
 * nor retention see anything of it; after it the copy is whole, but not yet verified. Never overwrites a generation.
 */
import { readdir, readFile, rename, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes } from "../../domain/quantities.ts";
import { MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { argvDelivery } from "../tools/rsync-delivery.ts";
import { compareShape, filesBelow } from "./contents.ts";
import { digestText } from "./digest.ts";
import { makeDirectory, exists, renameNew, syncDirectory, syncFilesystem, writeFileDurably } from "./durable.ts";
import { manifestDigestFile, manifestFile, type Layout } from "./layout.ts";
import type { GenerationEntry } from "./listing.ts";
import { listTrash, observeTrash } from "./trash.ts";

export interface DeliveryTarget {
  /** Name of the sink, for messages. */
  readonly sink: string;
  readonly layout: Layout;
  /** Our own staging directory, `staging/<seq>-<pod uid>`; a generation is built in `<id>` below it. */
  readonly staging: string;
  readonly signal: AbortSignal;
}

/** Beside the data: the manifest, directories, and the room that a file system needs to stay well. */
const spareBytes = 16 * 1024 * 1024;

/** @returns bytes of the generation. @throws MoverError HO-C902 before copying when the space does not suffice. */
export async function deliver(generation: GenerationEntry, target: DeliveryTarget): Promise<number> {
  const { layout, sink, signal } = target;
  const staged = join(target.staging, generation.id);
  const size = generation.manifest.files.reduce((sum, file) => sum + file.size, 0);
  await adoptLeftover(generation.id, target);
  await makeDirectory(staged);
  await checkSpace(generation, staged, size, target);

  await run(argvDelivery(generation.path, staged, [manifestFile, manifestDigestFile]), { signal });
  const difference = await compareShape(staged, generation.manifest);
  if (difference !== undefined)
    throw new MoverError("HO-T501", `sink ${sink}, generation ${generation.id}: after the copy ${difference}`, {
      retry: true,
    });
  try {
    await syncFilesystem(staged, signal);
  } catch (error) {
    // What the kernel could not write it may have dropped, and it says so only once: the next attempt starts from nothing.
    if (!signal.aborted) await rm(staged, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }

  const text = await readFile(join(generation.path, manifestFile));
  if (digestText(text) !== generation.manifestSHA256)
    throw new MoverError(
      "HO-T501",
      `generation ${generation.id}: its manifest changed at the source during the transport`,
    );
  await writeFileDurably(join(staged, manifestDigestFile), await readFile(join(generation.path, manifestDigestFile)));
  await writeFileDurably(join(staged, manifestFile), text);
  await syncDirectory(staged);
  signal.throwIfAborted();
  await renameNew(staged, join(layout.store, generation.id));
  return size;
}

/**
 * Takes over what an interrupted attempt left of the same generation, so that it is not sent again. What it holds is not
 * believed: rsync compares it, and verify re-reads every byte.
 */
async function adoptLeftover(id: string, target: DeliveryTarget): Promise<void> {
  await makeDirectory(target.staging);
  for (const entry of await readdir(target.layout.staging, { withFileTypes: true })) {
    // Through a link, what is taken over could be a sealed generation.
    if (!entry.isDirectory()) continue;
    const from = join(target.layout.staging, entry.name, id);
    const into = join(target.staging, id);
    if (from !== into && (await exists(from)) && !(await exists(into))) await rename(from, into);
  }
}

async function checkSpace(
  generation: GenerationEntry,
  staged: string,
  size: number,
  { sink, layout }: DeliveryTarget,
): Promise<void> {
  let present = 0;
  for await (const file of filesBelow(staged)) present += file.size;
  const needed = size - Math.min(present, size) + spareBytes;
  const { bavail, bsize } = await statfs(staged);
  const free = bavail * bsize;
  if (free >= needed) return;
  const { bytes } = await observeTrash(await listTrash(layout), 0);
  const trash = bytes === 0 ? "" : `; ${formatBytes(bytes)} lie in the trash there`;
  throw new MoverError(
    "HO-C902",
    `sink ${sink}: generation ${generation.id} needs ${formatBytes(needed)}, ${formatBytes(free)} are free${trash}`,
  );
}

/** Removes the staging directories of runs up to ours: theirs and our own. Higher numbers belong to somebody newer. */
export async function sweepStaging(layout: Layout, seq: number): Promise<void> {
  for (const name of await readdir(layout.staging)) {
    const found = /^([0-9]{6})-/.exec(name);
    if (found !== null && Number(found[1]) <= seq)
      await rm(join(layout.staging, name), { recursive: true, force: true });
  }
}
