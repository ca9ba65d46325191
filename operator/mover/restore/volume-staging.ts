/**
 * Extracts the archive of a volume beside its present content and compares every file with what was captured. The archive is
 * treated as hostile: GNU tar refuses members that lead out of the directory and makes links last; what it let through is
 * compared entry by entry with the list of files, so that nothing comes back that was not recorded.
 */
import { createReadStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { VolumePart } from "../../domain/manifest.ts";
import type { MoverContext } from "../context.ts";
import { MoverError } from "../errors.ts";
import { pipeline, run } from "../exec.ts";
import { writeFilesList } from "../mirror/files-list.ts";
import { exists, syncDirectory, syncFilesystem } from "../store/durable.ts";
import { filesListFile } from "../store/layout.ts";
import type { GenerationEntry } from "../store/listing.ts";
import { argvOpenDirectories, argvRemoveTree } from "../tools/restore-files.ts";
import { argvExtract } from "../tools/tar.ts";
import { argvDecompress } from "../tools/zstd.ts";
import { workDirectory } from "./names.ts";
import { keepTime, timeOf } from "./root-time.ts";
import { readVolumeState, writeVolumeState } from "./volume-state.ts";

export interface StagedVolume {
  readonly files: number;
  readonly bytes: number;
}

/** @param generation directory of the generation @throws MoverError HO-R803 when the result differs from what was captured. */
export async function stageVolume(
  generation: GenerationEntry,
  part: VolumePart,
  root: string,
  runUID: string,
  context: MoverContext,
): Promise<StagedVolume> {
  await discardVolume(root, part.name, runUID);
  const work = join(root, workDirectory(runUID));
  const fresh = join(work, "new");
  await keepTime(root, async () => await mkdir(work, { mode: 0o700 }));
  await mkdir(fresh);
  await pipeline([{ argv: argvDecompress() }, { argv: argvExtract(), cwd: fresh }], {
    stdin: createReadStream(join(generation.path, part.archive), { highWaterMark: 1024 * 1024 }),
    signal: context.abort,
  });
  const staged = await compareWithList(generation, part.name, fresh, context);
  await syncFilesystem(root, context.abort);
  const { paths, exclude } = part;
  const rootTime = await timeOf(fresh);
  const state = { format: 1, runUID, generation: generation.id, phase: "staged", paths, exclude, rootTime } as const;
  await writeVolumeState(root, state);
  return staged;
}

/**
 * Removes what this run has staged on the volume; what others have staged stays.
 * @throws MoverError HO-R804 when the exchange has begun: then the work directory holds the state of the app.
 */
export async function discardVolume(root: string, volume: string, runUID: string): Promise<boolean> {
  const work = join(root, workDirectory(runUID));
  if (!(await exists(work))) return false;
  const state = await readVolumeState(root, runUID);
  if (state !== undefined && state.phase !== "staged")
    throw new MoverError(
      "HO-R804",
      `volume ${volume}: the exchange has begun (${state.phase}); it can only be completed`,
    );
  // First what makes it count: a half removed state must never be swapped in.
  await rm(join(work, "state.json"), { force: true });
  await syncDirectory(work);
  await removeWork(root, work);
  return true;
}

/** Removes the replaced state. @throws MoverError HO-R804 unless the exchange is complete. */
export async function removeReplaced(root: string, volume: string, runUID: string): Promise<boolean> {
  const work = join(root, workDirectory(runUID));
  if (!(await exists(work))) return false;
  const state = await readVolumeState(root, runUID);
  // No state: an earlier removal was interrupted after it had removed the state.
  if (state !== undefined && state.phase !== "done")
    throw new MoverError(
      "HO-R804",
      `volume ${volume}: the exchange is not complete (${state.phase}); nothing was removed`,
    );
  await removeWork(root, work);
  return true;
}

async function removeTree(path: string): Promise<void> {
  await run(argvRemoveTree(path)).catch(async () => {
    await run(argvOpenDirectories(path)).catch(() => undefined);
    await run(argvRemoveTree(path));
  });
}

/** The content first, which may take long, so that nobody else changes the root between the two looks at its time. */
async function removeWork(root: string, work: string): Promise<void> {
  for (const name of ["new", "old"]) await removeTree(join(work, name));
  await keepTime(root, async () => await removeTree(work));
}

/** Lists the extracted files as the capture listed the captured ones, and compares the two line by line. */
async function compareWithList(
  { path, manifest }: GenerationEntry,
  volume: string,
  fresh: string,
  context: MoverContext,
): Promise<StagedVolume> {
  const list = join(path, filesListFile);
  const target = join(context.roots.scratch, `restored-${volume}.jsonl.zst`);
  await rm(target, { force: true });
  try {
    const { totals } = await writeFilesList({
      volumes: [{ name: volume, mirror: fresh }],
      target,
      attributes: manifest.format > 1,
      signal: context.abort,
      onProgress: () => undefined,
    });
    await compareLines(volume, linesOf(list, volume, context.abort), linesOf(target, volume, context.abort));
    const [total] = totals;
    return { files: total?.files ?? 0, bytes: total?.bytes ?? 0 };
  } finally {
    await rm(target, { force: true });
  }
}

async function compareLines(volume: string, captured: Lines, restored: Lines): Promise<void> {
  try {
    for (;;) {
      const [expected, found] = [await captured.next(), await restored.next()];
      if (expected.done === true && found.done === true) return;
      const [wanted, got] = [expected.value ?? "nothing", found.value ?? "nothing"];
      if (wanted !== got)
        throw new MoverError(
          "HO-R803",
          `volume ${volume}: captured was ${wanted.slice(0, 300)}, extracted is ${got.slice(0, 300)}`,
        );
    }
  } finally {
    await Promise.all([captured.return(undefined), restored.return(undefined)]);
  }
}

type Lines = AsyncGenerator<string, undefined>;

/** The lines of one volume. Inodes are not restored: which names share one is, so they are numbered in the order they come. */
async function* linesOf(list: string, volume: string, signal: AbortSignal): Lines {
  const text = new PassThrough();
  const reading = pipeline([{ argv: argvDecompress() }], { stdin: createReadStream(list), stdout: text, signal });
  // A failure ends the stream as well, which throws it out of the loop.
  reading.catch((error: unknown) => text.destroy(error instanceof Error ? error : new Error(String(error))));
  const inodes = new Map<string, number>();
  let partial = "";
  text.setEncoding("utf8");
  for await (const chunk of text as AsyncIterable<string>) {
    const lines = (partial + chunk).split("\n");
    partial = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith(`{"v":"${volume}",`)) continue;
      // Of pipes and devices GNU tar does not keep which names share one.
      const listed = /,"t":"[pcb]",/.test(line) ? line.replace(/,"i":"[0-9]+","n":[0-9]+/, "") : line;
      yield listed.replace(/"i":"([0-9]+)","n":/, (_whole, inode: string) => {
        const number = inodes.get(inode) ?? inodes.size + 1;
        inodes.set(inode, number);
        return `"i":"${number}","n":`;
      });
    }
  }
  await reading;
  return undefined;
}
