/**
 * Makes the archives and the list of a capture from the mirrors, in its staging directory, while the app runs again. A generation
 * that stands alone holds every entry; one with a base holds what differs from it, and the names of what is gone.
 */
import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { pipeline, run } from "../exec.ts";
import { createProgress } from "../progress.ts";
import { listSource, openBase } from "../store/base.ts";
import { mirrorStateDirectory } from "../store/claim.ts";
import { digestGrowing, type Digest } from "../store/digest.ts";
import { makeDirectory, writeFileDurably } from "../store/durable.ts";
import { archivePartFile, filesListFile, volumeArchive, type Layout } from "../store/layout.ts";
import type { ArchivePart, StoredFile } from "../store/parts.ts";
import { openStaging } from "../store/staging.ts";
import { together } from "../together.ts";
import { argvCreate, argvCreateNamed } from "../tools/tar.ts";
import { argvCompress } from "../tools/zstd.ts";
import {
  digestOfList,
  keptAsList,
  listMirrors,
  writeDifference,
  writeWholeList,
  type DifferentVolume,
  type ListedMirror,
  type ListingOptions,
} from "./listing.ts";
import { mirrorJobOf } from "./mirror-state.ts";
import { bringAnew, RottenMirrors } from "./rot.ts";
import { settleState, type WhenDurable } from "./state-list.ts";

type Task = TaskOf<"archive">;

interface Packed {
  readonly mirrors: readonly ListedMirror[];
  readonly list: Digest;
  readonly archives: readonly StoredFile[];
  readonly tools: ArchivePart["tools"];
  /** With a base, in the order of the volumes. */
  readonly different?: readonly DifferentVolume[];
  readonly warnings?: readonly string[];
}

export interface PackedMirrors {
  readonly part: ArchivePart;
  readonly warnings: readonly string[];
}

/** @throws MoverError HO-A405 when the base is not as the run was given it, HO-A408 */
export async function packMirrors(
  task: Task,
  layout: Layout,
  context: MoverContext,
  whenDurable: WhenDurable = () => Promise.resolve(),
): Promise<PackedMirrors> {
  const staging = await openStaging(layout, task.seq, context.podUID);
  await makeDirectory(join(staging, "volumes"));
  const {
    mirrors,
    list,
    archives,
    different,
    tools,
    warnings = [],
  } = await (task.base === undefined
    ? packSound(task, layout, staging, context, whenDurable)
    : packDifference(task, task.base, layout, staging, context, whenDurable));
  const part: ArchivePart = {
    seq: task.seq,
    podUID: context.podUID,
    ...(task.base === undefined ? {} : { base: task.base }),
    volumes: task.volumes.map((volume, index) => {
      const totals = mirrors[index]?.totals ?? { files: 0, bytes: 0, allocated: 0, members: 0, skipped: 0 };
      const since = different?.[index];
      return {
        ...volume,
        archive: volumeArchive(volume.name),
        ...totals,
        ...(since === undefined ? { packed: totals.members } : { packed: since.packed, deleted: since.deleted.path }),
      };
    }),
    files: [...archives, ...(different ?? []).map(({ deleted }) => deleted), { path: filesListFile, ...list }],
    tools,
  };
  await writeFileDurably(join(staging, archivePartFile), `${JSON.stringify(part)}\n`);
  return { part, warnings };
}

/** Once more when something in a mirror was rotten: what was packed meanwhile may have it. */
async function packSound(
  task: Task,
  layout: Layout,
  staging: string,
  context: MoverContext,
  whenDurable: WhenDurable,
): Promise<Packed> {
  try {
    return await packAll(task, layout, staging, context, whenDurable);
  } catch (error) {
    if (!(error instanceof RottenMirrors)) throw error;
    const warnings: string[] = [];
    for (const volume of task.volumes) {
      await rm(join(staging, volumeArchive(volume.name)), { force: true });
      const rotten = error.rotten.find(({ volume: name }) => name === volume.name);
      if (rotten !== undefined) warnings.push(await bringAnew(mirrorJobOf(volume, layout, context), rotten.paths));
    }
    context.log.warn("mirrors were mended, and are packed anew", { warnings });
    return { ...(await packAll(task, layout, staging, context, whenDurable)), warnings };
  }
}

/** Packs and lists the mirrors at the same time: the one reads into memory what the other needs next. */
async function packAll(
  task: Task,
  layout: Layout,
  staging: string,
  context: MoverContext,
  whenDurable: WhenDurable,
): Promise<Packed> {
  const listing = async (signal: AbortSignal): Promise<Pick<Packed, "mirrors" | "list">> => {
    const mirrors = await listAll(task, layout, { reuse: false, signal }, context);
    const list = await writeWholeList(mirrors, staging, signal);
    await settleState(mirrors, signal, whenDurable);
    return { mirrors, list };
  };
  const [listed, archives, tools] = await together(context.abort, (signal) => [
    listing(signal),
    packEach(task, layout, staging, undefined, signal, context),
    toolVersions(signal),
  ]);
  return { ...listed, archives, tools };
}

async function packDifference(
  task: Task,
  ref: NonNullable<Task["base"]>,
  layout: Layout,
  staging: string,
  context: MoverContext,
  whenDurable: WhenDurable,
): Promise<Packed> {
  const { abort } = context;
  const [base, mirrors, tools] = await together(abort, (signal) => {
    const opening = listSource(layout).then(async ({ generations }) => await openBase(generations, ref, signal));
    const baseList = opening.then(digestOfList);
    return [opening, listAll(task, layout, { reuse: true, baseList, signal }, context), toolVersions(signal)];
  });
  const { list, volumes } = await writeDifference(mirrors, base, staging, abort);
  const [only, ...others] = mirrors;
  const settled = only === undefined || others.length > 0 ? mirrors : [keptAsList(only, join(staging, filesListFile))];
  const [archives] = await together<[readonly StoredFile[], void]>(abort, (signal) => [
    packEach(task, layout, staging, volumes, signal, context),
    settleState(settled, signal, whenDurable),
  ]);
  for (const { names } of volumes) await rm(names);
  return { mirrors, list, archives, different: volumes, tools };
}

async function listAll(
  { volumes }: Task,
  layout: Layout,
  options: Pick<ListingOptions, "reuse" | "baseList" | "signal">,
  context: MoverContext,
): Promise<readonly ListedMirror[]> {
  const progress = createProgress(context.log, "reading the mirrors");
  return await listMirrors(
    volumes.map(({ name }) => ({ volume: name, mirror: layout.mirror(name) })),
    {
      ...options,
      stateDirectory: mirrorStateDirectory(layout),
      scratch: context.roots.scratch,
      onProgress: (files, bytes) => progress({ files, bytes }),
    },
  );
}

async function packEach(
  { volumes }: Task,
  layout: Layout,
  staging: string,
  different: readonly DifferentVolume[] | undefined,
  signal: AbortSignal,
  context: MoverContext,
): Promise<readonly StoredFile[]> {
  const files: StoredFile[] = [];
  for (const [index, { name }] of volumes.entries()) {
    const path = volumeArchive(name);
    const progress = createProgress(context.log, "packing");
    // More threads than this are of no use at this level, and each costs memory.
    const threads = Math.min(4, availableParallelism());
    const names = different?.[index]?.names;
    const [argv, stdin] =
      names === undefined ? [argvCreate(), "ignore" as const] : [argvCreateNamed(), { file: names }];
    const file = join(staging, path);
    const [digest] = await together<[Digest, unknown]>(signal, (stop) => {
      const writing = pipeline([{ argv, cwd: layout.mirror(name) }, { argv: argvCompress(threads) }], {
        stdin,
        stdout: { file },
        signal: stop,
      });
      return [digestGrowing(file, writing, (storedBytes) => progress({ volume: name, storedBytes })), writing];
    });
    files.push({ path, ...digest });
  }
  return files;
}

async function toolVersions(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
  const version = async (tool: "tar" | "zstd" | "rsync"): Promise<readonly [string, string]> => {
    const { stdout } = await run([tool, "--version"], { stdout: "capture", signal });
    return [tool, /[0-9]+(?:\.[0-9]+)+/.exec(stdout)?.[0] ?? "unknown"];
  };
  return Object.fromEntries(await Promise.all([version("tar"), version("zstd"), version("rsync")]));
}
