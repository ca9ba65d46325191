/**
 * Archive: while the app is stopped, the last pass into the mirrors; then the source is released, and while
 * the app runs again the mirrors are packed and listed. Reads the volumes; writes the mirrors and its own staging directory.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf, VolumeRef } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { blame } from "../errors.ts";
import { mirrorJobOf } from "../mirror/mirror-state.ts";
import { packMirrors } from "../mirror/packing.ts";
import { coldMirror, type ColdResult } from "../mirror/pass.ts";
import { beginWriting, stateFiles } from "../mirror/state-list.ts";
import { leftOut } from "../mirror/totals.ts";
import { peakMiB } from "../progress.ts";
import { signalFailed, signalReleased } from "../signals.ts";
import { claimMirrors } from "../store/claim.ts";
import type { Layout } from "../store/layout.ts";
import { openSource } from "../store/staging.ts";
import { together } from "../together.ts";

export async function archive(task: TaskOf<"archive">, context: MoverContext): Promise<ResultOf<"archive">> {
  try {
    return await capture(task, context);
  } catch (error) {
    const failure = context.abort.aborted
      ? error
      : blame(error, { full: "HO-C901", otherwise: "HO-A403", what: "capturing the volumes failed" });
    await signalFailed(context.roots.signal, "archive", failure);
    throw failure;
  }
}

async function capture(task: TaskOf<"archive">, context: MoverContext): Promise<ResultOf<"archive">> {
  const started = context.startedAt ?? Date.now();
  const layout = await openSource(task, context);
  const claim = await claimMirrors(layout, { seq: task.seq, podUID: context.podUID }, context.abort);
  try {
    const passes = await lastPass(task, layout, context);
    claim.check();
    await signalReleased(context.roots.signal, "archive");
    const freezeSeconds = (Date.now() - started) / 1000;
    context.log.info("source released", { part: "archive", freezeSeconds });
    const settle = async (signal: AbortSignal): Promise<void> => {
      for (const pass of passes) await pass.settle(signal);
    };
    const { part, warnings } = await packMirrors(task, layout, context, settle).catch((error: unknown) => {
      context.abort.throwIfAborted();
      throw blame(error, { full: "HO-C901", otherwise: "HO-A403", what: "packing the volumes failed" });
    });
    claim.check();
    await claim.done();
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
    return {
      version: 1,
      ok: true,
      step: "archive",
      bytes: sum(part.volumes.map(({ bytes }) => bytes)),
      storedBytes: sum(part.files.map(({ size }) => size)),
      files: sum(part.volumes.map(({ files }) => files)),
      freezeSeconds,
      seconds: (Date.now() - started) / 1000,
      peakMiB: peakMiB(),
      warnings: [...warnings, ...passes.flatMap((pass) => pass.warnings), ...leftOut(part.volumes)].slice(0, 8),
    };
  } finally {
    await claim.abandon();
  }
}

/** Everything that is done while the app is stopped. */
async function lastPass(
  task: TaskOf<"archive">,
  layout: Layout,
  context: MoverContext,
): Promise<readonly ColdResult[]> {
  const passOver = async (volume: VolumeRef, signal: AbortSignal): Promise<ColdResult> => {
    const job = mirrorJobOf(volume, layout, context, signal);
    try {
      await beginWriting(stateFiles(job.stateDirectory, volume.name));
      return await coldMirror(job, task.frozen);
    } catch (error) {
      signal.throwIfAborted();
      throw blame(error, { full: "HO-C901", otherwise: "HO-A403", what: `copying volume ${volume.name} failed` });
    }
  };
  // No sync here: it would flush whatever else the file system holds while the app is down. Until the state of the mirror is
  // settled, the mirror may be lost to a crash; the next warm pass compares everything newer than its mark by content, so it finds
  // that out, and what was known of the mirror is forgotten (state-list.ts). The generation itself is synced by the seal.
  return await together<readonly ColdResult[]>(context.abort, (signal) =>
    task.volumes.map((volume) => passOver(volume, signal)),
  );
}
