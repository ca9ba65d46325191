/**
 * Extracts the archive of a volume beside its present content and compares every file with what was captured. The archive is
 * treated as hostile: GNU tar refuses members that lead out of the directory and makes links last; what it let through is
 * compared entry by entry with the list of files, so that nothing comes back that was not recorded.
 */
import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { VolumePart } from "../../domain/manifest.ts";
import type { MoverContext } from "../context.ts";
import { CommandError, MoverError, quote } from "../errors.ts";
import { pipeline, run } from "../exec.ts";
import { writeFilesList } from "../mirror/files-list.ts";
import { parseEntry, splitHolder } from "../mirror/lines.ts";
import { linesOfVolume } from "../mirror/listing.ts";
import { exists, syncDirectory, syncFilesystem } from "../store/durable.ts";
import { filesListFile } from "../store/layout.ts";
import { together } from "../together.ts";
import { argvCopyDirectories, argvFileSystem, argvOpenDirectories, argvRemoveTree } from "../tools/restore-files.ts";
import { argvExtract } from "../tools/tar.ts";
import { argvDecompress } from "../tools/zstd.ts";
import { workDirectory } from "./names.ts";
import { keepTime, timeOf } from "./root-time.ts";
import { digestOfStaged } from "./staged-inventory.ts";
import { moveInto, removeNamed } from "./volume-chain.ts";
import { readVolumeState, writeVolumeState } from "./volume-state.ts";

export interface StagedVolume {
  readonly files: number;
  readonly bytes: number;
}

/** What lies in the directory of a generation of one volume. */
export interface VolumeSource {
  readonly id: string;
  readonly path: string;
  readonly part: VolumePart;
  /** Of the manifest: what has format 1 lists no attributes. */
  readonly format: number;
}

/**
 * @param members what the generation is based on, oldest first
 * @throws MoverError HO-R803 when the result differs from what was captured.
 */
export async function stageVolume(
  generation: VolumeSource,
  members: readonly VolumeSource[],
  root: string,
  runUID: string,
  context: MoverContext,
): Promise<StagedVolume> {
  const { part } = generation;
  await discardVolume(root, part.name, runUID);
  const work = join(root, workDirectory(runUID));
  const fresh = join(work, "new");
  await keepTime(root, async () => await mkdir(work, { mode: 0o700 }));
  // Without the setgid bit that it may have from the root: GNU tar leaves that in directories that it makes below.
  await chmod(work, 0o700);
  await mkdir(fresh);
  for (const [index, one] of [...members, generation].entries())
    await (index === 0 ? extract(one, fresh, context) : applyMember(one, work, context));
  const [staged] = await together<[StagedVolume, void]>(context.abort, (signal) => [
    compareWithList(generation, fresh, { ...context, abort: signal }),
    // Written to the disk while it is compared, which leaves little to the sync after it.
    syncFilesystem(root, signal),
  ]);
  await syncFilesystem(root, context.abort);
  const { paths, exclude } = part;
  const rootTime = await timeOf(fresh);
  const inventory = await digestOfStaged(work, context.roots.scratch, context.abort);
  const state = { format: 1, runUID, generation: generation.id, phase: "staged", paths, exclude } as const;
  await writeVolumeState(root, { ...state, rootTime, inventory });
  return staged;
}

async function extract({ path, part }: VolumeSource, into: string, { abort }: MoverContext): Promise<void> {
  await pipeline([{ argv: argvDecompress() }, { argv: argvExtract(), cwd: into }], {
    stdin: { file: join(path, part.archive) },
    signal: abort,
  });
}

/** Makes the state of the next generation of a chain of that in `new`. */
async function applyMember(member: VolumeSource, work: string, context: MoverContext): Promise<void> {
  const { id, path, part } = member;
  if (part.deleted === undefined)
    throw new MoverError(
      "HO-R803",
      `generation ${id} does not say what has gone from volume ${part.name} since the one before`,
    );
  const [fresh, changed] = [join(work, "new"), join(work, "changed")];
  await mkdir(changed);
  await extract(member, changed, context);
  const removed = await removeNamed(fresh, join(path, part.deleted), context.abort);
  // Moving what is in them changes the times of the directories on both sides.
  await mkdir(join(work, "directories"));
  await copyDirectories("changed", "directories", work, context);
  const moved = await moveInto(changed, fresh, context.abort);
  await copyDirectories("directories", "new", work, context);
  for (const name of ["changed", "directories"]) await removeTree(join(work, name));
  context.log.info("generation of the chain applied", { generation: id, volume: part.name, removed, moved });
}

async function copyDirectories(from: string, to: string, cwd: string, { abort: signal }: MoverContext): Promise<void> {
  try {
    await run(argvCopyDirectories(from, to, true), { cwd, signal });
  } catch (error) {
    // What the file system cannot keep, tar has not brought either; the comparison with the list tells whether it matters.
    if (!(error instanceof CommandError)) throw error;
    await run(argvCopyDirectories(from, to, false), { cwd, signal });
  }
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
  { path, part, format }: VolumeSource,
  fresh: string,
  context: MoverContext,
): Promise<StagedVolume> {
  const volume = part.name;
  const list = join(path, filesListFile);
  const target = join(context.roots.scratch, `restored-${volume}.jsonl.zst`);
  await rm(target, { force: true });
  try {
    const { totals } = await writeFilesList({
      volumes: [{ name: volume, mirror: fresh }],
      target,
      attributes: format > 1,
      signal: context.abort,
      onProgress: () => undefined,
    });
    const unequal = await compareLines(linesOf(list, volume, context.abort), linesOf(target, volume, context.abort));
    if (unequal !== undefined) throw await refusal(part, fresh, unequal, context.abort);
    const [total] = totals;
    return { files: total?.files ?? 0, bytes: total?.bytes ?? 0 };
  } finally {
    await rm(target, { force: true });
  }
}

interface Unequal {
  readonly wanted: string;
  readonly got: string;
}

/** @returns the first two that are not equal; undefined when all are */
async function compareLines(captured: Lines, restored: Lines): Promise<Unequal | undefined> {
  try {
    for (;;) {
      const [expected, found] = [await captured.next(), await restored.next()];
      if (expected.done === true && found.done === true) return undefined;
      const [wanted, got] = [expected.value ?? "nothing", found.value ?? "nothing"];
      if (wanted !== got) return { wanted, got };
    }
  } finally {
    await Promise.all([captured.return(undefined), restored.return(undefined)]);
  }
}

async function refusal(
  { name, claimName }: VolumePart,
  fresh: string,
  { wanted, got }: Unequal,
  signal: AbortSignal,
): Promise<MoverError> {
  const refuse = (why: string): MoverError => new MoverError("HO-R803", `volume ${name}: ${why}`);
  if (wanted.replace(/,"x":"[^"]*"/, "") !== got)
    return refuse(`captured was ${wanted.slice(0, 300)}, extracted is ${got.slice(0, 300)}`);
  const { stdout } = await run(argvFileSystem(), { cwd: fresh, stdout: "capture", signal });
  return refuse(
    `${quote(parseEntry(wanted).path).slice(0, 300)} has extended attributes or ACLs, which the file system of claim ${claimName} (${stdout.trim()}) did not keep. Use a claim whose file system keeps them; restore.sh of the generation brings the files without them`,
  );
}

type Lines = AsyncGenerator<string, undefined>;

/**
 * The lines of one volume. Inodes are not restored: which names share one is, so they are numbered in the order they come. Nor is it
 * of the state in which generation the content was.
 */
async function* linesOf(list: string, volume: string, signal: AbortSignal): Lines {
  const inodes = new Map<string, number>();
  for await (const lines of linesOfVolume(list, volume, signal)) {
    for (const line of lines) {
      // Of pipes and devices GNU tar does not keep which names share one.
      const { bare } = splitHolder(line);
      const listed = /,"t":"[pcb]",/.test(bare) ? bare.replace(/,"i":"[0-9]+","n":[0-9]+/, "") : bare;
      yield listed.replace(/"i":"([0-9]+)","n":/, (_whole, inode: string) => {
        const number = inodes.get(inode) ?? inodes.size + 1;
        inodes.set(inode, number);
        return `"i":"${number}","n":`;
      });
    }
  }
  return undefined;
}
