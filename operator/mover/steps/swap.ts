/**
 * Swap: with the app at zero, exchanges the present state for the staged one. Databases first, because their exchange is one
 * transaction on each server; if it fails, nothing has changed. After it everything rolls forward: a repeated step
 * completes what a crash has left, and never goes back.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { blame, MoverError } from "../errors.ts";
import { groupByServer } from "../restore/database-server.ts";
import { swapDatabases } from "../restore/database-swap.ts";
import { requireStaged, swapVolume } from "../restore/volume-swap.ts";

export async function swap(task: TaskOf<"swap">, context: MoverContext): Promise<ResultOf<"swap">> {
  let begun = false;
  try {
    for (const { name } of task.volumes) {
      const { phase } = await requireStaged(context.roots.volume(name), name, task.runUID);
      begun ||= phase !== "staged";
    }
    for (const server of await groupByServer(task.databases, context)) {
      await swapDatabases(server, task.runUID, context);
      begun = true;
      context.log.info("databases exchanged", { databases: server.databases.map(({ name }) => name) });
    }
    for (const { name } of task.volumes) {
      begun = true;
      await swapVolume(context.roots.volume(name), name, task.runUID, context);
      context.log.info("volume exchanged", { volume: name });
    }
  } catch (error) {
    const trouble = blame(error, { full: "HO-C903", otherwise: "HO-R804", what: "nothing was exchanged", retry: true });
    // The controller gives the app back on this code alone; on any other it stays stopped, as on a pod that died.
    if (!begun) throw new MoverError("HO-R807", trouble.message, { retry: true, cause: error });
    const message = `the exchange has begun and can only be completed: ${trouble.message}`.slice(0, 900);
    throw new MoverError("HO-R804", message, { retry: true, cause: error });
  }
  return { version: 1, ok: true, step: "swap", databases: task.databases.length, volumes: task.volumes.length };
}
