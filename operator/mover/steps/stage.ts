/**
 * Stage: builds the restored state beside the running app, new databases on the server and a directory on each volume, and
 * compares both with what was captured. The app and its present state are not touched; after any failure nothing is left behind.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { blame, MoverError } from "../errors.ts";
import { openCopy, type OpenedCopy } from "../restore/copies.ts";
import { groupByServer, type DatabaseServer } from "../restore/database-server.ts";
import { stageDatabase } from "../restore/database-staging.ts";
import { discardStaged } from "../restore/discard.ts";
import { isNeeded, isNeededOfMember, selectParts, type RestoreParts } from "../restore/parts.ts";
import { stageVolume, type VolumeSource } from "../restore/volume-staging.ts";
import { compareContents } from "../store/contents.ts";
import type { GenerationEntry } from "../store/listing.ts";
import { clip } from "../../domain/text.ts";

export async function stage(task: TaskOf<"stage">, context: MoverContext): Promise<ResultOf<"stage">> {
  const started = Date.now();
  const { opened, parts, servers } = await openAll(task, context);
  try {
    const staged = await stageAll(task, opened, parts, servers, context);
    return {
      version: 1,
      ok: true,
      step: "stage",
      bytes: parts.databases.reduce((sum, { part }) => sum + part.bytes, staged.bytes),
      files: staged.files,
      rows: staged.rows,
      seconds: (Date.now() - started) / 1000,
    };
  } catch (error) {
    // Also when the pod is asked to end: it has its grace time for this, and the cleanup step does it again.
    await discardStaged(task, servers, context).catch((trouble: unknown) =>
      context.log.warn("what was staged could not be removed", { error: String(trouble) }),
    );
    context.abort.throwIfAborted();
    throw blame(error, { full: "HO-C903", otherwise: "HO-R803", what: "staging the generation failed", retry: true });
  }
}

interface Opened {
  readonly opened: OpenedCopy;
  readonly parts: RestoreParts;
  readonly servers: readonly DatabaseServer[];
}

/** Before anything is built. */
async function openAll(task: TaskOf<"stage">, context: MoverContext): Promise<Opened> {
  try {
    const opened = await openCopy(task, task, context);
    const parts = selectParts(opened.generation.manifest, task);
    await checkDigests(opened, parts, task.location.name, context);
    return { opened, parts, servers: await groupByServer(task.databases, context) };
  } catch (error) {
    context.abort.throwIfAborted();
    throw blame(error, { full: "HO-C903", otherwise: "HO-R803", what: "reading the generation failed", retry: true });
  }
}

/** Before anything is built from it: every byte that is needed, of the chain too, is what the manifests say. */
async function checkDigests(
  { generation, members }: OpenedCopy,
  parts: RestoreParts,
  location: string,
  context: MoverContext,
): Promise<void> {
  const needed = parts.volumes.length === 0 ? [] : members;
  for (const one of [generation, ...needed]) {
    const { difference } = await compareContents(one.path, one.manifest, {
      read: ({ path }) => (one === generation ? isNeeded(parts, path) : isNeededOfMember(parts, one.manifest, path)),
      signal: context.abort,
    });
    if (difference === undefined) continue;
    throw one === generation
      ? new MoverError("HO-R802", clip(`generation ${one.id} at ${location}: ${difference}`, 900))
      : new MoverError(
          "HO-R809",
          clip(`generation ${one.id} at ${location}, which ${generation.id} is based on: ${difference}`, 900),
        );
  }
}

async function stageAll(
  task: TaskOf<"stage">,
  { generation, members }: OpenedCopy,
  parts: RestoreParts,
  servers: readonly DatabaseServer[],
  context: MoverContext,
): Promise<{ readonly bytes: number; readonly files: number; readonly rows: number }> {
  let [bytes, files, rows] = [0, 0, 0];
  for (const { ref, part } of parts.volumes) {
    const chain = members.map((member) => sourceOf(member, part.name));
    const root = context.roots.volume(ref.name);
    const staged = await stageVolume(sourceOf(generation, part.name), chain, root, task.runUID, context);
    bytes += staged.bytes;
    files += staged.files;
    context.log.info("volume staged", { volume: ref.name, ...staged });
  }
  for (const server of servers) {
    for (const { ref, part } of parts.databases) {
      if (!server.databases.includes(ref)) continue;
      const loaded = await stageDatabase(generation, ref, part, server, task.runUID, context);
      rows += loaded;
      context.log.info("database staged", { database: ref.name, rows: loaded });
    }
  }
  return { bytes, files, rows };
}

/** @throws MoverError HO-R809 when a generation of the chain does not have the volume */
function sourceOf({ id, path, manifest }: GenerationEntry, volume: string): VolumeSource {
  const part = manifest.volumes.find(({ name }) => name === volume);
  if (part === undefined) throw new MoverError("HO-R809", `generation ${id} of the chain has no volume ${volume}`);
  return { id, path, part, format: manifest.format };
}
