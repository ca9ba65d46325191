/**
 * The volumes of class Config, beside the running app: brings their mirrors up to date and lists them. Somebody may edit a file at
 * any moment, so a second pass takes what has changed during the first.
 */
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { blame } from "../errors.ts";
import { listMirrors, type ListedMirror } from "../mirror/listing.ts";
import { doubt, mirrorJobOf, readState, type MirrorJob } from "../mirror/mirror-state.ts";
import { coldMirror, warmMirror, type ColdResult } from "../mirror/pass.ts";
import { leftOut } from "../mirror/totals.ts";
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

/** How long what is known of a mirror is enough; no more work than the looks of a day, each of which reads the newest generation. */
const trustMillis = 24 * 3_600_000;

/**
 * Ends what has gone wrong in a mirror unseen: for the others a full generation does, but the policy may make none, and these volumes are
 * small. By content, because of a disk that has lost a bit nothing else tells.
 */
async function isComparisonDue(job: MirrorJob): Promise<boolean> {
  const age = Date.now() - ((await readState(job))?.comparedAt ?? 0);
  return age < 0 || age > trustMillis;
}

/** @throws MoverError; nothing else may write into the mirrors meanwhile */
export async function mirrorVolumes(
  { volumes }: TaskOf<"collect">,
  layout: Layout,
  context: MoverContext,
): Promise<MirroredVolumes> {
  const passes: ColdResult[] = [];
  for (const volume of volumes) {
    const job = mirrorJobOf(volume, layout, context);
    try {
      const whole = await isComparisonDue(job);
      if (whole) await doubt(job);
      await warmMirror(job, whole);
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
  return {
    passes,
    mirrors,
    files: sum(mirrors.map(({ totals }) => totals.files)),
    bytes: sum(mirrors.map(({ totals }) => totals.bytes)),
    warnings: [
      ...passes.flatMap(({ warnings }) => warnings),
      ...leftOut(mirrors.map(({ volume, totals }) => ({ name: volume, skipped: totals.skipped }))),
    ],
  };
}
