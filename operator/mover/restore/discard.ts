/** Removes what a run has staged and not swapped in, on every server and volume of a task. */
import type { DatabaseRef, VolumeRef } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { dropStaged } from "./database-cleanup.ts";
import { withServer, type DatabaseServer } from "./database-server.ts";
import { discardVolume } from "./volume-staging.ts";

export interface Removed {
  readonly databases: number;
  readonly volumes: number;
}

/**
 * Databases first: they tell for certain whether the swap has taken place, and then nothing may be removed.
 * @throws MoverError HO-R804 when it has, or has begun.
 */
export async function discardStaged(
  task: { readonly runUID: string; readonly databases: readonly DatabaseRef[]; readonly volumes: readonly VolumeRef[] },
  servers: readonly DatabaseServer[],
  context: MoverContext,
): Promise<Removed> {
  let [databases, volumes] = [0, 0];
  for (const server of servers)
    await withServer(server, async (client) => {
      for (const ref of server.databases) if (await dropStaged(client, ref, task.runUID)) databases += 1;
    });
  for (const { name } of task.volumes)
    if (await discardVolume(context.roots.volume(name), name, task.runUID)) volumes += 1;
  return { databases, volumes };
}
