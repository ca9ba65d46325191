/**
 * Warm: brings the mirror of each volume up to date beside the running app, twice if once takes long, so that almost nothing is left for the
 * pass during which the app is stopped. Each mirror is durable before its mark says what it has.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { blame } from "../errors.ts";
import { mirrorJobOf } from "../mirror/mirror-state.ts";
import { warmMirror } from "../mirror/pass.ts";
import { claimMirrors } from "../store/claim.ts";
import { sweepStaging } from "../store/delivery.ts";
import { openSource } from "../store/staging.ts";

export async function warm(task: TaskOf<"warm">, context: MoverContext): Promise<ResultOf<"warm">> {
  try {
    return await warmAll(task, context);
  } catch (error) {
    context.abort.throwIfAborted();
    throw blame(error, { full: "HO-C901", otherwise: "HO-A403", what: "warming the mirrors failed", retry: true });
  }
}

async function warmAll(task: TaskOf<"warm">, context: MoverContext): Promise<ResultOf<"warm">> {
  const layout = await openSource(task, context);
  // What dead runs have left takes space that this one may need.
  await sweepStaging(layout, task.seq - 1);
  const claim = await claimMirrors(layout, { seq: task.seq, podUID: context.podUID }, context.abort);
  let bytes = 0;
  let files = 0;
  const warnings: string[] = [];
  try {
    for (const volume of task.volumes) {
      try {
        const result = await warmMirror(mirrorJobOf(volume, layout, context), task.base === undefined);
        bytes += result.bytes;
        files += result.files;
        warnings.push(...result.warnings);
        context.log.info("mirror is warm", { volume: volume.name, files: result.files, bytes: result.bytes });
      } catch (error) {
        context.abort.throwIfAborted();
        throw blame(error, {
          full: "HO-C901",
          otherwise: "HO-A403",
          what: `copying volume ${volume.name} failed`,
          retry: true,
        });
      }
      claim.check();
    }
    await claim.done();
  } finally {
    await claim.abandon();
  }
  return {
    version: 1,
    ok: true,
    step: "warm",
    bytes,
    files,
    ...(warnings.length === 0 ? {} : { warnings: warnings.slice(0, 8) }),
  };
}
