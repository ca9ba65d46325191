/**
 * Cleanup: after a swap removes what was replaced; without one removes what was staged in vain. Removes only what carries
 * the uid of the run, refuses when the other of the two is the case, and finds nothing to do when repeated.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { blame } from "../errors.ts";
import { dropReplaced } from "../restore/database-cleanup.ts";
import { groupByServer, withServer } from "../restore/database-server.ts";
import { discardStaged, type Removed } from "../restore/discard.ts";
import { removeReplaced } from "../restore/volume-staging.ts";

export async function cleanup(task: TaskOf<"cleanup">, context: MoverContext): Promise<ResultOf<"cleanup">> {
  try {
    const removed = task.swapped
      ? await removeAllReplaced(task, context)
      : await discardStaged(task, await groupByServer(task.databases, context), context);
    return { version: 1, ok: true, step: "cleanup", ...removed };
  } catch (error) {
    throw blame(error, {
      full: "HO-C903",
      otherwise: "HO-R803",
      what: "removing what the restore has left failed",
      retry: true,
    });
  }
}

async function removeAllReplaced(task: TaskOf<"cleanup">, context: MoverContext): Promise<Removed> {
  let [databases, volumes] = [0, 0];
  // Volumes first: their record tells for certain that the exchange is complete, and until then no database may go.
  for (const { name } of task.volumes)
    if (await removeReplaced(context.roots.volume(name), name, task.runUID)) volumes += 1;
  for (const server of await groupByServer(task.databases, context))
    await withServer(server, async (client) => {
      for (const ref of server.databases) if (await dropReplaced(client, ref, task.runUID, context)) databases += 1;
    });
  return { databases, volumes };
}
