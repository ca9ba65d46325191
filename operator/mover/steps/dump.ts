/**
 * Dump: takes one moment of each database while the app is stopped, lets the app go as soon as every dump holds its
 * locks, and writes the dumps while it runs again. Writes only into its own staging directory, and removes those of dead runs.
 */
import { join } from "node:path";
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { dumpDatabase } from "../database/dump.ts";
import { blame } from "../errors.ts";
import { createProgress, peakMiB } from "../progress.ts";
import { signalFailed, signalReleased } from "../signals.ts";
import { sweepStaging } from "../store/delivery.ts";
import { filesBelow } from "../store/contents.ts";
import { digestFile } from "../store/digest.ts";
import { writeFileDurably } from "../store/durable.ts";
import { dumpPartFile } from "../store/layout.ts";
import type { DumpPart, StoredFile } from "../store/parts.ts";
import { openSource, openStaging } from "../store/staging.ts";
import { together } from "../together.ts";

export async function dump(task: TaskOf<"dump">, context: MoverContext): Promise<ResultOf<"dump">> {
  try {
    return await capture(task, context);
  } catch (error) {
    // Whoever waits with the app is told the same.
    const failure = context.abort.aborted
      ? context.abort.reason
      : blame(error, { full: "HO-C901", otherwise: "HO-D306", what: "dumping failed" });
    await signalFailed(context.roots.signal, "dump", failure);
    throw failure;
  }
}

async function capture(task: TaskOf<"dump">, context: MoverContext): Promise<ResultOf<"dump">> {
  const started = context.startedAt ?? Date.now();
  const layout = await openSource(task, context);
  const staging = await openStaging(layout, task.seq, context.podUID);
  const gates = task.databases.map(() => Promise.withResolvers<void>());
  const onProgress = createProgress(context.log, "counting rows");
  const [databases] = await together(context.abort, (signal) => {
    const dumps = together<readonly DumpPart["databases"][number][]>(signal, (inner) =>
      task.databases.map((database, index) =>
        dumpDatabase({
          database,
          secret: context.roots.secret(database.name),
          staging,
          scratch: context.roots.scratch,
          applicationName: `handover-${task.run}`.slice(0, 63),
          signal: inner,
          onReleased: () => gates[index]?.resolve(),
          onProgress,
        }),
      ),
    );
    const released = releaseAfter(Promise.all(gates.map(({ promise }) => promise)), dumps, started, context);
    // What dead runs have left takes space that this one may need, and a run of databases alone has no warm pass that would remove it.
    // Beside the dumps, because the app is stopped; with our own directory in place, which keeps the number from being given again.
    return [dumps, released, sweepStaging(layout, task.seq - 1)];
  });
  const files: StoredFile[] = [];
  const root = join(staging, "databases");
  for await (const { path } of filesBelow(root))
    files.push({ path: `databases/${path}`, ...(await digestFile(join(root, path), context.abort)) });
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const part: DumpPart = { seq: task.seq, podUID: context.podUID, databases, files };
  await writeFileDurably(join(staging, dumpPartFile), `${JSON.stringify(part)}\n`);
  const tables = databases.flatMap((database) => database.tables);
  return {
    version: 1,
    ok: true,
    step: "dump",
    bytes: databases.reduce((sum, { bytes }) => sum + bytes, 0),
    storedBytes: files.reduce((sum, { size }) => sum + size, 0),
    tables: tables.length,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    seconds: (Date.now() - started) / 1000,
    peakMiB: peakMiB(),
  };
}

/** Signals when every database has let the app go. If the dumps fail before, there is nothing to signal here. */
async function releaseAfter(
  gates: Promise<unknown>,
  dumps: Promise<unknown>,
  started: number,
  context: MoverContext,
): Promise<void> {
  const opened = await Promise.race([
    gates.then(() => true),
    dumps.then(
      () => true,
      () => false,
    ),
  ]);
  if (!opened) return;
  await signalReleased(context.roots.signal, "dump");
  context.log.info("source released", { part: "dump", freezeSeconds: (Date.now() - started) / 1000 });
}
