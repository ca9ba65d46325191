/**
 * Stage: builds the restored state beside the running app, new databases on the server and a directory on each volume, and
 * compares both with what was captured. The app and its present state are not touched; after any failure nothing is left behind.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { blame, MoverError } from "../errors.ts";
import { openCopy } from "../restore/copies.ts";
import { groupByServer, type DatabaseServer } from "../restore/database-server.ts";
import { stageDatabase } from "../restore/database-staging.ts";
import { discardStaged } from "../restore/discard.ts";
import { isNeeded, selectParts, type RestoreParts } from "../restore/parts.ts";
import { stageVolume } from "../restore/volume-staging.ts";
import { compareContents } from "../store/contents.ts";
import type { GenerationEntry } from "../store/listing.ts";

export async function stage(task: TaskOf<"stage">, context: MoverContext): Promise<ResultOf<"stage">> {
  const started = Date.now();
  const generation = await openCopy(task, task, context);
  const parts = selectParts(generation.manifest, task);
  await checkDigests(generation, parts, task.location.name, context);
  const servers = await groupByServer(task.databases, context);
  try {
    const staged = await stageAll(task, generation, parts, servers, context);
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

/** Before anything is built from it: every byte that is needed is what the manifest says. */
async function checkDigests(
  generation: GenerationEntry,
  parts: RestoreParts,
  location: string,
  context: MoverContext,
): Promise<void> {
  const { difference } = await compareContents(generation.path, generation.manifest, {
    read: ({ path }) => isNeeded(parts, path),
    signal: context.abort,
  });
  if (difference !== undefined)
    throw new MoverError("HO-R802", `generation ${generation.id} at ${location}: ${difference}`.slice(0, 900));
}

async function stageAll(
  task: TaskOf<"stage">,
  generation: GenerationEntry,
  parts: RestoreParts,
  servers: readonly DatabaseServer[],
  context: MoverContext,
): Promise<{ readonly bytes: number; readonly files: number; readonly rows: number }> {
  let [bytes, files, rows] = [0, 0, 0];
  for (const { ref, part } of parts.volumes) {
    const staged = await stageVolume(generation, part, context.roots.volume(ref.name), task.runUID, context);
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
