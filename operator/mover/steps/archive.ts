/**
 * Archive: while the app is stopped, the last pass into the mirrors; then the source is released, and while
 * the app runs again the mirrors are packed and listed. Reads the volumes; writes the mirrors and its own staging directory.
 */
import { createWriteStream } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf, VolumeRef } from "../../contract/task.ts";
import { count } from "../../domain/quantities.ts";
import type { MoverContext } from "../context.ts";
import { blame } from "../errors.ts";
import { pipeline, run } from "../exec.ts";
import { writeFilesList } from "../mirror/files-list.ts";
import { coldMirror } from "../mirror/pass.ts";
import { createProgress, peakMiB } from "../progress.ts";
import { signalFailed, signalReleased } from "../signals.ts";
import { claimMirrors, mirrorStateDirectory } from "../store/claim.ts";
import { HashTap } from "../store/digest.ts";
import { makeDirectory, privateFile, writeFileDurably } from "../store/durable.ts";
import { archivePartFile, filesListFile, volumeArchive, type Layout } from "../store/layout.ts";
import type { ArchivePart, StoredFile } from "../store/parts.ts";
import { openSource, openStaging } from "../store/staging.ts";
import { together } from "../together.ts";
import { argvCreate } from "../tools/tar.ts";
import { argvCompress } from "../tools/zstd.ts";

export async function archive(task: TaskOf<"archive">, context: MoverContext): Promise<ResultOf<"archive">> {
  try {
    return await capture(task, context);
  } catch (error) {
    await signalFailed(context.roots.signal, "archive", error);
    throw error;
  }
}

async function capture(task: TaskOf<"archive">, context: MoverContext): Promise<ResultOf<"archive">> {
  const started = context.startedAt ?? Date.now();
  const layout = await openSource(task, context);
  const claim = await claimMirrors(layout, { seq: task.seq, podUID: context.podUID }, context.abort);
  try {
    const warnings = await lastPass(task, layout, context);
    claim.check();
    await signalReleased(context.roots.signal, "archive");
    const freezeSeconds = (Date.now() - started) / 1000;
    context.log.info("source released", { part: "archive", freezeSeconds });
    const part = await pack(task, layout, context).catch((error: unknown) => {
      context.abort.throwIfAborted();
      throw blame(error, { full: "HO-C901", otherwise: "HO-A403", what: "packing the volumes failed" });
    });
    claim.check();
    await claim.done();
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
    return {
      version: 1,
      ok: true,
      step: "archive",
      bytes: sum(part.volumes.map(({ bytes }) => bytes)),
      storedBytes: sum(part.files.map(({ size }) => size)),
      files: sum(part.volumes.map(({ files }) => files)),
      freezeSeconds,
      seconds: (Date.now() - started) / 1000,
      peakMiB: peakMiB(),
      warnings: [...warnings, ...leftOut(part)].slice(0, 8),
    };
  } finally {
    await claim.abandon();
  }
}

/** No archive can hold a socket, and the app makes its own when it starts. */
const leftOut = ({ volumes }: ArchivePart): readonly string[] =>
  volumes.flatMap(({ name, skipped }) =>
    skipped === 0 ? [] : [`volume ${name}: ${count(skipped, "socket")} left out, which no archive can hold`],
  );

/** Everything that is done while the app is stopped. */
async function lastPass(task: TaskOf<"archive">, layout: Layout, context: MoverContext): Promise<readonly string[]> {
  const passOver = async (volume: VolumeRef, signal: AbortSignal): Promise<readonly string[]> => {
    const job = {
      volume,
      source: context.roots.volume(volume.name),
      mirror: layout.mirror(volume.name),
      stateDirectory: mirrorStateDirectory(layout),
      scratch: context.roots.scratch,
      signal,
    };
    try {
      return (await coldMirror(job, task.frozen)).warnings;
    } catch (error) {
      signal.throwIfAborted();
      throw blame(error, { full: "HO-C901", otherwise: "HO-A403", what: `copying volume ${volume.name} failed` });
    }
  };
  const warnings = await together<readonly (readonly string[])[]>(context.abort, (signal) =>
    task.volumes.map((volume) => passOver(volume, signal)),
  );
  // No sync here: it would flush whatever else the file system holds while the app is down. Until the next warm pass the
  // mirror may be lost to a crash; that pass compares everything newer than its mark by content, so it finds that out. The
  // generation itself is synced by the seal.
  return warnings.flat();
}

/** Packs and lists the mirrors at the same time: the one reads into memory what the other needs next. */
async function pack(task: TaskOf<"archive">, layout: Layout, context: MoverContext): Promise<ArchivePart> {
  const staging = await openStaging(layout, task.seq, context.podUID);
  await makeDirectory(join(staging, "volumes"));
  const progress = createProgress(context.log, "reading the mirrors");
  const [list, archives, tools] = await together(context.abort, (signal) => [
    writeFilesList({
      volumes: task.volumes.map(({ name }) => ({ name, mirror: layout.mirror(name) })),
      target: join(staging, filesListFile),
      signal,
      onProgress: (files, bytes) => progress({ files, bytes }),
    }),
    packAll(task.volumes, layout, staging, signal, context),
    toolVersions(signal),
  ]);
  const part: ArchivePart = {
    seq: task.seq,
    podUID: context.podUID,
    volumes: task.volumes.map((volume, index) => {
      const totals = list.totals[index] ?? { files: 0, bytes: 0, allocated: 0, members: 0, skipped: 0 };
      return { ...volume, archive: volumeArchive(volume.name), ...totals };
    }),
    files: [...archives, { path: filesListFile, ...list.stored }],
    tools,
  };
  await writeFileDurably(join(staging, archivePartFile), `${JSON.stringify(part)}\n`);
  return part;
}

async function packAll(
  volumes: readonly VolumeRef[],
  layout: Layout,
  staging: string,
  signal: AbortSignal,
  context: MoverContext,
): Promise<readonly StoredFile[]> {
  const files: StoredFile[] = [];
  for (const volume of volumes) {
    const path = volumeArchive(volume.name);
    const progress = createProgress(context.log, "packing");
    const tap = new HashTap((storedBytes) => progress({ volume: volume.name, storedBytes }));
    const target = createWriteStream(join(staging, path), { mode: privateFile, flags: "wx" });
    // More threads than this are of no use at this level, and each costs memory.
    const threads = Math.min(4, availableParallelism());
    await pipeline([{ argv: argvCreate(), cwd: layout.mirror(volume.name) }, { argv: argvCompress(threads) }], {
      stdout: [tap, target],
      signal,
    });
    files.push({ path, ...tap.digest() });
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
