/**
 * Swap: with the app at zero, exchanges the present state for the staged one. Databases first, because their exchange is one
 * transaction on each server; if it fails, nothing has changed. After it everything rolls forward: a repeated step
 * completes what a crash has left, and never goes back.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { blame, MoverError } from "../errors.ts";
import { reopenLive } from "../restore/database-cleanup.ts";
import { groupByServer, withServer } from "../restore/database-server.ts";
import { swapDatabases } from "../restore/database-swap.ts";
import { readVolumeState } from "../restore/volume-state.ts";
import { checkStaged, swapVolume } from "../restore/volume-swap.ts";
import { clip } from "../../domain/text.ts";

export async function swap(task: TaskOf<"swap">, context: MoverContext): Promise<ResultOf<"swap">> {
  const volumes = task.volumes.map(({ name }) => ({ name, root: context.roots.volume(name) }));
  try {
    for (const { name, root } of volumes) await checkStaged(root, name, task.runUID, context);
    for (const server of await groupByServer(task.databases, context)) {
      await swapDatabases(server, task.runUID, context);
      context.log.info("databases exchanged", { databases: server.databases.map(({ name }) => name) });
    }
    for (const { name, root } of volumes) {
      await swapVolume(root, name, task.runUID, context);
      context.log.info("volume exchanged", { volume: name });
    }
  } catch (error) {
    const { message } = blame(error, {
      full: "HO-C903",
      otherwise: "HO-R804",
      what: "the exchange failed",
      retry: true,
    });
    // The controller gives the app back on this code alone; on any other it stays stopped, as on a pod that died.
    // What was changed since it was compared does not change back, and the app would only wait for it.
    const retry = !(error instanceof MoverError && error.code === "HO-R807");
    if (await isUntouched(task, context)) throw new MoverError("HO-R807", message, { retry, cause: error });
    throw new MoverError("HO-R804", clip(`the exchange may have begun and can only be completed: ${message}`, 900), {
      retry: true,
      cause: error,
    });
  }
  return { version: 1, ok: true, step: "swap", databases: task.databases.length, volumes: task.volumes.length };
}

/**
 * Whether it is certain that nothing was exchanged, by this attempt or by one before it. Asked anew of the volumes and, over new
 * connections, of the servers: a commit whose answer was lost may have taken place. In doubt: no.
 */
async function isUntouched(task: TaskOf<"swap">, context: MoverContext): Promise<boolean> {
  try {
    for (const { name } of task.volumes) {
      const state = await readVolumeState(context.roots.volume(name), task.runUID);
      if (state !== undefined && state.phase !== "staged") return false;
    }
    let untouched = true;
    for (const server of await groupByServer(task.databases, context)) {
      const open = await withServer(server, async (client) => await reopenLive(client, server.databases, task.runUID));
      untouched &&= open;
    }
    return untouched;
  } catch (error) {
    context.log.warn("whether anything was exchanged could not be found out", { error: String(error) });
    return false;
  }
}
