/**
 * Seal: re-reads what the capture has written, in a fresh process, and only if all of it equals what was captured makes a
 * generation of it: manifest, one sync, one rename. Before the rename there is no generation, after it there is a whole
 * one. Repeating it after a crash or a lost answer ends in the same generation.
 */
import { chmod, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import { manifestFormat, manifestSchema, type Manifest } from "../../domain/manifest.ts";
import type { MoverContext } from "../context.ts";
import { blame, MoverError } from "../errors.ts";
import { doubt } from "../mirror/mirror-state.ts";
import { forget, stateFiles } from "../mirror/state-list.ts";
import { peakMiB } from "../progress.ts";
import { listSource, openBase } from "../store/base.ts";
import { checkClaimed, mirrorStateDirectory } from "../store/claim.ts";
import { filesBelow } from "../store/contents.ts";
import { sweepStaging } from "../store/delivery.ts";
import { digestText } from "../store/digest.ts";
import {
  exists,
  isTemporary,
  privateDirectory,
  privateFile,
  renameNew,
  syncFilesystem,
  writeFileDurably,
} from "../store/durable.ts";
import {
  chainFile,
  checksumsFile,
  databaseDump,
  databaseGlobals,
  manifestDigestFile,
  manifestFile,
  stagingName,
  type Layout,
} from "../store/layout.ts";
import type { GenerationEntry } from "../store/listing.ts";
import { partFiles, readParts, setPartsAside, type Parts } from "../store/capture-parts.ts";
import type { StoredFile } from "../store/parts.ts";
import { checkDigests, checkDump, checkShape } from "../store/recheck.ts";
import { recheckVolumes } from "../store/recheck-volume.ts";
import {
  chainText,
  restoreGuide,
  restoreGuideFile,
  restoreScript,
  restoreScriptFile,
  rowCheck,
} from "../store/restore-script.ts";
import { openSource } from "../store/staging.ts";

type Task = TaskOf<"seal">;

export async function seal(task: Task, context: MoverContext): Promise<ResultOf<"seal">> {
  try {
    const layout = await openSource(task, context);
    const { generations: sealed } = await listSource(layout);
    // The answer of an earlier attempt may have been lost, so its generation may even have been transported since.
    const before = sealed.find(({ manifest }) => manifest.run.uid === task.runUID);
    if (before !== undefined) {
      context.log.info("this run has sealed its generation before", { generation: before.id });
      // Where that attempt died before it had cleaned up.
      await sweepStaging(layout, task.seq);
      return resultOf(before.manifest, before.manifestSHA256);
    }
    return await sealNew(task, layout, sealed, context);
  } catch (error) {
    context.abort.throwIfAborted();
    throw blame(error, { full: "HO-C901", otherwise: "HO-A404", what: "sealing failed" });
  }
}

async function sealNew(
  task: Task,
  layout: Layout,
  sealed: readonly GenerationEntry[],
  context: MoverContext,
): Promise<ResultOf<"seal">> {
  const target = join(layout.handover, task.id);
  if (await exists(target)) throw new MoverError("HO-A404", `${task.id} exists already and is of another run`);
  const staging = join(layout.staging, stagingName(task.seq, task.stagingPodUID));
  const parts = await readParts(task, staging);
  await removeTemporaries(staging, filesOf(parts));
  const base = task.base === undefined ? undefined : await openBase(sealed, task.base, context.abort);
  await recheck(task, layout, staging, parts, base, context);

  const manifest = await writeExtras(task, staging, parts, base);
  await restrict(staging);
  // What was copied and packed becomes durable at once; after it only small files follow, each with its own fsync.
  await syncFilesystem(staging, context.abort);
  const text = `${JSON.stringify(manifest, undefined, 1)}\n`;
  const manifestSHA256 = digestText(text);
  await writeFileDurably(join(staging, manifestDigestFile), `${manifestSHA256}  ${manifestFile}\n`);
  await writeFileDurably(join(staging, manifestFile), text);
  await setPartsAside(staging);
  context.abort.throwIfAborted();
  await renameNew(staging, target);
  context.log.info("sealed", { generation: task.id, manifestSHA256 });
  await sweepStaging(layout, task.seq);
  return resultOf(manifest, manifestSHA256);
}

const filesOf = ({ dump, archive, collection }: Parts): readonly StoredFile[] => [
  ...(dump?.files ?? []),
  ...(archive?.files ?? []),
  ...(collection?.files ?? []),
];

/**
 * An attempt that was killed within a small write has left its file; it belongs to no generation, and must not keep us from one. A
 * key of a ConfigMap may have such a name, and was captured.
 */
async function removeTemporaries(staging: string, captured: readonly StoredFile[]): Promise<void> {
  const ours = new Set(captured.map(({ path }) => path));
  for await (const { path } of filesBelow(staging))
    if (isTemporary(basename(path)) && !ours.has(path)) await rm(join(staging, path));
}

async function recheck(
  task: Task,
  layout: Layout,
  staging: string,
  parts: Parts,
  base: GenerationEntry | undefined,
  context: MoverContext,
): Promise<void> {
  const { dump, archive, collection } = parts;
  const files = filesOf(parts);
  const ofEarlierAttempt = [
    manifestFile,
    manifestDigestFile,
    checksumsFile,
    chainFile,
    restoreGuideFile,
    restoreScriptFile,
    ...task.databases.map(({ name }) => checkFile(name)),
  ];
  await checkShape(staging, files, new Set([...partFiles, ...ofEarlierAttempt]));
  const expected = (path: string): StoredFile => {
    const found = files.find((file) => file.path === path);
    if (found === undefined) throw new MoverError("HO-A404", `${path} was not captured`);
    return found;
  };
  if (archive !== undefined) {
    checkClaimed(layout, { seq: task.seq, podUID: task.stagingPodUID });
    try {
      await recheckVolumes(
        archive.volumes,
        { layout, staging, scratch: context.roots.scratch, expected, base },
        context.abort,
      );
    } catch (error) {
      context.abort.throwIfAborted();
      // Wherever the mistake is: what the next run would take for granted may have it.
      const stateDirectory = mirrorStateDirectory(layout);
      for (const { name } of archive.volumes) {
        await forget(stateFiles(stateDirectory, name));
        await doubt({ stateDirectory, volume: { name } });
      }
      throw error;
    }
    // Who may have written into the mirrors meanwhile would have had to take them first.
    checkClaimed(layout, { seq: task.seq, podUID: task.stagingPodUID });
  }
  await checkDigests(staging, [...(dump?.files ?? []), ...(collection?.files ?? [])], context.abort);
  for (const database of dump?.databases ?? []) {
    expected(`${databaseDump(database.name)}/toc.dat`);
    expected(databaseGlobals(database.name));
    await checkDump(staging, database, context.abort);
  }
  context.log.info("the staging equals what was captured", { files: files.length });
}

const checkFile = (database: string): string => `databases/${database}/check.sql`;

/** Writes what makes the generation usable without us, and the checksums. @returns the manifest, not yet written. */
async function writeExtras(
  task: Task,
  staging: string,
  parts: Parts,
  base: GenerationEntry | undefined,
): Promise<Manifest> {
  const { dump, archive, collection } = parts;
  const files: StoredFile[] = [...filesOf(parts)];
  const add = async (path: string, content: string): Promise<void> => {
    await writeFileDurably(join(staging, path), content);
    files.push({ path, size: Buffer.byteLength(content), sha256: digestText(content) });
  };
  const databases = dump?.databases ?? [];
  for (const { name, tables } of databases) await add(checkFile(name), rowCheck(tables));
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const volumes = archive?.volumes ?? [];
  const keys = (collection?.files ?? []).map(({ size }) => size);
  const manifest = {
    format: manifestFormat,
    id: task.id,
    seq: task.seq,
    type: task.type,
    parent: base?.id ?? "",
    chain: base === undefined ? [] : chainOn(base),
    consistency: task.consistency,
    time: task.time,
    sealedAt: new Date().toISOString(),
    lineage: { namespace: task.namespace, policy: task.policy, policyUID: task.policyUID },
    run: { name: task.run, uid: task.runUID },
    workloads: task.workloads,
    tools: {
      ...archive?.tools,
      ...Object.fromEntries(databases.map(({ name, clientVersion }) => [`pg_dump ${name}`, clientVersion])),
    },
    databases,
    volumes,
    ...(collection === undefined ? {} : { configs: collection.configs }),
    totals: {
      bytes: sum([...databases.map(({ bytes }) => bytes), ...volumes.map(({ bytes }) => bytes), ...keys]),
      storedBytes: 0,
      files: sum(volumes.map((volume) => volume.files)) + keys.length,
      tables: sum(databases.map(({ tables }) => tables.length)),
    },
  } as const;
  if (base !== undefined) await add(chainFile, chainText(manifest.chain));
  await add(restoreGuideFile, restoreGuide(manifest));
  await add(restoreScriptFile, restoreScript);
  const sorted = (): StoredFile[] => files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  await add(
    checksumsFile,
    sorted()
      .map(({ path, sha256 }) => `${sha256}  ${path}\n`)
      .join(""),
  );
  const storedBytes = sum(files.map(({ size }) => size));
  // Parsing drops what only the seal needs to know, and makes sure that every reader will accept it.
  return manifestSchema.parse({ ...manifest, totals: { ...manifest.totals, storedBytes }, files: sorted() });
}

const chainOn = ({ id, manifest, manifestSHA256 }: GenerationEntry): Manifest["chain"] => [
  ...manifest.chain,
  { id, manifestSHA256 },
];

/** The tools create files by their own ideas of modes. */
async function restrict(staging: string): Promise<void> {
  const directories = new Set([""]);
  for await (const { path } of filesBelow(staging)) {
    await chmod(join(staging, path), privateFile);
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
      directories.add(path.slice(0, end));
  }
  for (const directory of directories) await chmod(join(staging, directory), privateDirectory);
}

function resultOf(manifest: Manifest, manifestSHA256: string): ResultOf<"seal"> {
  const { id, totals } = manifest;
  return { version: 1, ok: true, step: "seal", id, manifestSHA256, ...totals, peakMiB: peakMiB() };
}
