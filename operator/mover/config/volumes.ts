/**
 * The volumes of class Config, beside the running app: brings their mirrors up to date and lists them. Somebody may edit a file at
 * any moment, so a second pass takes what has changed during the first.
 */
import type { TaskOf } from "../../contract/task.ts";
import { count } from "../../domain/quantities.ts";
import type { MoverContext } from "../context.ts";
import { blame } from "../errors.ts";
import { listMirrors, type ListedMirror } from "../mirror/listing.ts";
import { coldMirror, warmMirror, type ColdResult, type MirrorJob } from "../mirror/pass.ts";
import { createProgress } from "../progress.ts";
import { mirrorStateDirectory } from "../store/claim.ts";
import type { Layout } from "../store/layout.ts";

export interface MirroredVolumes {
  readonly passes: readonly ColdResult[];
  readonly mirrors: readonly ListedMirror[];
  readonly files: number;
  readonly bytes: number;
  readonly warnings: readonly string[];
}

/** @throws MoverError; nothing else may write into the mirrors meanwhile */
export async function mirrorVolumes(
  { volumes }: TaskOf<"collect">,
  layout: Layout,
  context: MoverContext,
): Promise<MirroredVolumes> {
  const passes: ColdResult[] = [];
  for (const volume of volumes) {
    const job: MirrorJob = {
      volume,
      source: context.roots.volume(volume.name),
      mirror: layout.mirror(volume.name),
      stateDirectory: mirrorStateDirectory(layout),
      scratch: context.roots.scratch,
      signal: context.abort,
    };
    try {
      await warmMirror(job);
      // With the warnings of the first pass.
      passes.push(await coldMirror(job, false));
    } catch (error) {
      context.abort.throwIfAborted();
      throw blame(error, { full: "HO-C901", otherwise: "HO-A403", what: `copying volume ${volume.name} failed` });
    }
  }
  const progress = createProgress(context.log, "reading the mirrors");
  const mirrors = await listMirrors(
    volumes.map(({ name }) => ({ volume: name, mirror: layout.mirror(name) })),
    {
      stateDirectory: mirrorStateDirectory(layout),
      scratch: context.roots.scratch,
      reuse: true,
      signal: context.abort,
      onProgress: (files, bytes) => progress({ files, bytes }),
    },
  );
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const warnings = passes.flatMap((pass) => pass.warnings);
  for (const { volume, totals } of mirrors)
    if (totals.skipped > 0)
      warnings.push(`volume ${volume}: ${count(totals.skipped, "socket")} left out, which no archive can hold`);
  return {
    passes,
    mirrors,
    files: sum(mirrors.map(({ totals }) => totals.files)),
    bytes: sum(mirrors.map(({ totals }) => totals.bytes)),
    warnings,
  };
}
