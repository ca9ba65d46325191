/**
 * Collect: copies the configuration that a policy names into the staging area, unless the newest generation of it holds exactly
 * the same. Runs beside the app. What the keys hold is never in a message, a log or a result.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { ConfigPart } from "../../domain/manifest.ts";
import { readKeys } from "../config/mounted-keys.ts";
import type { MoverContext } from "../context.ts";
import { blame } from "../errors.ts";
import { compareContents } from "../store/contents.ts";
import { digestText } from "../store/digest.ts";
import { makeDirectory, writeFileDurably } from "../store/durable.ts";
import { collectPartFile, configDirectory, type Layout } from "../store/layout.ts";
import { listGenerations, type GenerationEntry } from "../store/listing.ts";
import type { CollectPart, StoredFile } from "../store/parts.ts";
import { openSource, openStaging } from "../store/staging.ts";

interface Collected {
  readonly configs: readonly ConfigPart[];
  readonly files: readonly (StoredFile & { readonly content: Buffer })[];
}

export async function collect(task: TaskOf<"collect">, context: MoverContext): Promise<ResultOf<"collect">> {
  try {
    const layout = await openSource(task, context);
    const collected = await readAll(task, context);
    const unchanged = await findSame(layout, task.policyUID, collected, context.abort);
    if (unchanged === undefined) await write(task, layout, collected, context);
    return {
      version: 1,
      ok: true,
      step: "collect",
      files: collected.files.length,
      objects: collected.configs.length,
      bytes: collected.files.reduce((sum, { size }) => sum + size, 0),
      ...(unchanged === undefined ? {} : { unchanged }),
    };
  } catch (error) {
    context.abort.throwIfAborted();
    throw blame(error, { full: "HO-C901", otherwise: "HO-A403", what: "collecting the configuration failed" });
  }
}

async function readAll(task: TaskOf<"collect">, context: MoverContext): Promise<Collected> {
  const configs: ConfigPart[] = [];
  const files: Collected["files"][number][] = [];
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

/** The newest generation of the configuration at the source, if it is this policy's, holds exactly this and is whole. */
async function findSame(
  layout: Layout,
  policyUID: string,
  { configs, files }: Collected,
  signal: AbortSignal,
): Promise<string | undefined> {
  const newest = await newestConfig(layout);
  // Those of a former policy do not count, and are not brought to the sinks of this one.
  if (newest?.manifest.lineage.policyUID !== policyUID) return undefined;
  const { manifest } = newest;
  const text = (list: readonly ConfigPart[], of: readonly StoredFile[]): string =>
    JSON.stringify([
      list.map(({ kind, name, keys }) => [kind, name, keys.toSorted()].join("\n")).toSorted(),
      of.map(({ path, sha256 }) => `${sha256} ${path}`).toSorted(),
    ]);
  const stored = manifest.files.filter(({ path }) => path.startsWith("config/"));
  if (text(manifest.configs ?? [], stored) !== text(configs, files)) return undefined;
  const { difference } = await compareContents(newest.path, manifest, { read: () => true, signal });
  return difference === undefined ? newest.id : undefined;
}

async function newestConfig(layout: Layout): Promise<GenerationEntry | undefined> {
  const listings = [await listGenerations(layout.handover), await listGenerations(layout.store)];
  return listings
    .flatMap(({ generations }) => generations)
    .filter(({ manifest }) => manifest.type === "Config")
    .toSorted((a, b) => a.seq - b.seq)
    .at(-1);
}

async function write(
  task: TaskOf<"collect">,
  layout: Layout,
  { configs, files }: Collected,
  context: MoverContext,
): Promise<void> {
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
