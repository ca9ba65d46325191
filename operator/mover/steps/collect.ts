/**
 * Collect: copies the configuration that a policy names, keys and volumes, into the staging area, unless the newest generation of
 * it holds exactly the same. Runs beside the app. What the keys hold is never in a message, a log or a result.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { ConfigPart } from "../../domain/manifest.ts";
import { readKeys } from "../config/mounted-keys.ts";
import { findSame } from "../config/newest.ts";
import { mirrorVolumes, type MirroredVolumes } from "../config/volumes.ts";
import type { MoverContext } from "../context.ts";
import { blame } from "../errors.ts";
import { packMirrors } from "../mirror/packing.ts";
import { settleState } from "../mirror/state-list.ts";
import { claimMirrors, type Claim } from "../store/claim.ts";
import { sweepStaging } from "../store/delivery.ts";
import { digestText } from "../store/digest.ts";
import { makeDirectory, writeFileDurably } from "../store/durable.ts";
import { collectPartFile, configDirectory, type Layout } from "../store/layout.ts";
import type { CollectPart, StoredFile } from "../store/parts.ts";
import { openSource, openStaging } from "../store/staging.ts";

type Task = TaskOf<"collect">;

interface Keys {
  readonly configs: readonly ConfigPart[];
  readonly files: readonly (StoredFile & { readonly content: Buffer })[];
}

export async function collect(task: Task, context: MoverContext): Promise<ResultOf<"collect">> {
  try {
    const layout = await openSource(task, context);
    const keys = await readAll(task, context);
    const { unchanged, volumes } =
      task.volumes.length === 0
        ? { unchanged: await keepKeys(task, layout, keys, context), volumes: undefined }
        : await withMirrors(task, layout, context, async (claim) => await keepAll(task, layout, keys, claim, context));
    return {
      version: 1,
      ok: true,
      step: "collect",
      files: keys.files.length,
      objects: keys.configs.length,
      bytes: keys.files.reduce((sum, { size }) => sum + size, volumes?.bytes ?? 0),
      ...(volumes === undefined ? {} : { volumeFiles: volumes.files, warnings: volumes.warnings.slice(0, 8) }),
      ...(unchanged === undefined ? {} : { unchanged }),
    };
  } catch (error) {
    context.abort.throwIfAborted();
    throw blame(error, { full: "HO-C901", otherwise: "HO-A403", what: "collecting the configuration failed" });
  }
}

async function readAll(task: Task, context: MoverContext): Promise<Keys> {
  const configs: ConfigPart[] = [];
  const files: Keys["files"][number][] = [];
  for (const ref of task.configs) {
    context.abort.throwIfAborted();
    const keys = await readKeys(ref, context.roots.config(ref.kind, ref.name));
    configs.push({ kind: ref.kind, name: ref.name, keys: [...keys.keys()] });
    for (const [key, content] of keys)
      files.push({
        path: `${configDirectory(ref.kind, ref.name)}/${key}`,
        size: content.byteLength,
        sha256: digestText(content),
        content,
      });
  }
  return { configs, files };
}

/** @returns the generation that holds them already, and then nothing is written */
async function keepKeys(task: Task, layout: Layout, keys: Keys, context: MoverContext): Promise<string | undefined> {
  const unchanged = await findSame(layout, task, { ...keys, mirrors: [] }, context.abort);
  if (unchanged === undefined) await write(task, layout, keys, context);
  return unchanged;
}

async function withMirrors<T>(
  task: Task,
  layout: Layout,
  context: MoverContext,
  work: (claim: Claim) => Promise<T>,
): Promise<T> {
  // What dead runs have left takes space that this one may need.
  await sweepStaging(layout, task.seq - 1);
  const claim = await claimMirrors(layout, { seq: task.seq, podUID: context.podUID }, context.abort);
  try {
    return await work(claim);
  } finally {
    await claim.abandon();
  }
}

async function keepAll(
  task: Task,
  layout: Layout,
  keys: Keys,
  claim: Claim,
  context: MoverContext,
): Promise<{ readonly unchanged: string | undefined; readonly volumes: MirroredVolumes }> {
  const volumes = await mirrorVolumes(task, layout, context);
  claim.check();
  const unchanged = await findSame(layout, task, { ...keys, mirrors: volumes.mirrors }, context.abort);
  const warnings = [...volumes.warnings];
  if (unchanged === undefined) {
    const packed = await packMirrors({ ...task, step: "archive", frozen: false }, layout, context);
    warnings.unshift(...packed.warnings);
  } else await settleState(volumes.mirrors, context.abort);
  for (const { settle } of volumes.passes) await settle(context.abort);
  if (unchanged !== undefined) {
    await claim.giveBack();
    return { unchanged, volumes: { ...volumes, warnings } };
  }
  if (task.configs.length > 0) await write(task, layout, keys, context);
  await claim.done();
  return { unchanged, volumes: { ...volumes, warnings } };
}

async function write(task: Task, layout: Layout, { configs, files }: Keys, context: MoverContext): Promise<void> {
  const staging = await openStaging(layout, task.seq, context.podUID);
  // Whatever an earlier start of this very pod has left.
  await rm(join(staging, "config"), { recursive: true, force: true });
  const directories = configs.flatMap(({ kind, name }) => {
    const parts = configDirectory(kind, name).split("/");
    return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  });
  for (const directory of new Set(directories)) await makeDirectory(join(staging, directory));
  for (const { path, content } of files) await writeFileDurably(join(staging, path), content);
  const part: CollectPart = {
    seq: task.seq,
    podUID: context.podUID,
    configs: [...configs],
    files: files.map(({ path, size, sha256 }) => ({ path, size, sha256 })),
  };
  await writeFileDurably(join(staging, collectPartFile), `${JSON.stringify(part)}\n`);
}
