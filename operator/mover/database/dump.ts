/**
 * Dumps one database from an exported snapshot. The app may start as soon as pg_dump holds its locks: what it writes then
 * is not in the snapshot, and what it would drop is protected. Rows are counted in the same snapshot, so that a restore can be checked.
 */
import { createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import type { ErrorCode } from "../../api/codes.ts";
import type { DatabaseRef } from "../../contract/task.ts";
import { CommandError, isDiskFull, MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { makeDirectory, privateFile } from "../store/durable.ts";
import { databaseDump, databaseGlobals } from "../store/layout.ts";
import type { DumpPart } from "../store/parts.ts";
import { argvDump, argvDumpGlobals, argvList, clientsRoot, createLockWatch } from "../tools/pg.ts";
import { clientFor, clientVersion } from "./clients.ts";
import { connect, databaseTrouble } from "./connection.ts";
import { clientEnvironment, readCredentials } from "./credentials.ts";
import { countRows, listTables, openSnapshot, readFacts } from "./snapshot.ts";
import { clip } from "../../domain/text.ts";

export interface DumpJob {
  readonly database: DatabaseRef;
  readonly secret: string;
  readonly staging: string;
  readonly scratch: string;
  readonly applicationName: string;
  readonly signal: AbortSignal;
  /** Called once, when the app may start. */
  readonly onReleased: () => void;
  readonly onProgress: (fields: Readonly<Record<string, number | string>>) => void;
}

type DumpedDatabase = DumpPart["databases"][number];

/** Two workers read two tables at once; more would take the server from the app, which is running again. */
const dumpJobs = 2;

/** @throws MoverError HO-P104, HO-D30x, HO-D306; CommandError */
export async function dumpDatabase(job: DumpJob): Promise<DumpedDatabase> {
  const credentials = await readCredentials(job.database, job.secret);
  const environment = await clientEnvironment(job.database, credentials, job);
  let control: Client | undefined;
  try {
    control = await connect(job.database, credentials, job.applicationName);
    return await dumpFrom(control, environment.env, job);
  } catch (error) {
    job.signal.throwIfAborted();
    if (error instanceof CommandError) throw dumpTrouble(error, job.database);
    // Of the store, and no fault of the database: the caller knows its code.
    if (error instanceof MoverError || isDiskFull(error)) throw error;
    throw databaseTrouble(error, job.database, "HO-D306");
  } finally {
    // A server that is busy counting reads the good-bye only afterwards.
    await Promise.race([control?.end().catch(() => undefined), sleep(1_000, undefined, { ref: false })]);
    await environment.dispose();
  }
}

async function dumpFrom(control: Client, env: Readonly<Record<string, string>>, job: DumpJob): Promise<DumpedDatabase> {
  const { database, signal, staging } = job;
  const { rows } = await control.query<{ number: number; version: string }>(
    "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version",
  );
  const serverMajor = Math.floor((rows[0]?.number ?? 0) / 10_000);
  const major = await clientFor(database.name, serverMajor);
  await makeDirectory(join(staging, "databases"));
  await makeDirectory(join(staging, "databases", database.name));
  const directory = join(staging, databaseDump(database.name));
  const snapshot = await openSnapshot(control);

  const whenHeld = database.release === "AfterDump" ? (): void => undefined : job.onReleased;
  const argv = argvDump({ root: clientsRoot, major, snapshot: snapshot.name, directory, jobs: dumpJobs });
  // Its locks begin to matter only now; the rest is done at the same time and is not waited for by the app.
  const stop = new AbortController();
  const held = Promise.withResolvers<void>();
  const watchLine = createLockWatch(() => {
    whenHeld();
    held.resolve();
  });
  const dumping = run(argv, { env, signal: AbortSignal.any([signal, stop.signal]), onStderrLine: watchLine });
  // A pg_dump whose messages we do not understand releases the app late rather than early.
  const described = Promise.race([held.promise, dumping]).then(async () => {
    const tables = await listTables(control);
    const counted = await countRows(control, tables, (done) =>
      job.onProgress({ database: database.name, tables: done, of: tables.length }),
    );
    return { facts: await readFacts(control), tables: counted };
  });
  const [, description] = await Promise.all([dumping, described]).catch(async (error: unknown) => {
    stop.abort();
    await Promise.allSettled([dumping]);
    throw error;
  });
  // Ends the snapshot, and the locks that counting took.
  await control.query("COMMIT");
  job.onReleased();

  await dumpGlobals(major, env, job);
  const entries = await checkContents(major, directory, description.tables.length, job);
  return {
    name: database.name,
    database: database.database,
    serverVersion: rows[0]?.version ?? "unknown",
    clientVersion: await clientVersion(major),
    clientMajor: major,
    ...description.facts,
    snapshot: { exportedAt: snapshot.exportedAt, lsn: snapshot.lsn, timeline: snapshot.timeline },
    tables: description.tables,
    entries,
  };
}

async function dumpGlobals(major: number, env: Readonly<Record<string, string>>, job: DumpJob): Promise<void> {
  const target = createWriteStream(join(job.staging, databaseGlobals(job.database.name)), {
    mode: privateFile,
    flags: "wx",
  });
  const argv = argvDumpGlobals(clientsRoot, major, job.database.database);
  await run(argv, { env, stdout: target, signal: job.signal });
}

/** The end marker: pg_dump writes its table of contents last. Whether the data can be decoded is for the seal, which reads it anew. */
async function checkContents(major: number, directory: string, tables: number, job: DumpJob): Promise<number> {
  const fail = (why: string): MoverError => new MoverError("HO-D306", `database ${job.database.name}: ${why}`);
  if (
    !(await stat(join(directory, "toc.dat")).then(
      (found) => found.size > 0,
      () => false,
    ))
  )
    throw fail("the dump has no table of contents");
  let entries = 0;
  let withData = 0;
  const lines = createLineCounter((line) => {
    if (line === "" || line.startsWith(";")) return;
    entries += 1;
    if (/^[0-9]+; [0-9]+ [0-9]+ TABLE DATA /.test(line)) withData += 1;
  });
  await run(argvList(clientsRoot, major, directory), { stdout: lines, signal: job.signal });
  if (withData < tables) throw fail(`the dump holds the data of ${withData} tables, the database has ${tables}`);
  return entries;
}

export function createLineCounter(onLine: (line: string) => void): Writable {
  let rest = "";
  return new Writable({
    write(chunk: Buffer, _encoding, done): void {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line);
      done();
    },
    final(done): void {
      if (rest !== "") onLine(rest);
      done();
    },
  });
}

function dumpTrouble(error: CommandError, database: DatabaseRef): Error {
  // pg_dump is told to say everything that it does; only what went wrong is of use here.
  const lines = error.stderrTail.split("\n").filter((line) => /(?:error|detail|hint|FATAL|ERROR): /.test(line));
  const reason = lines.length === 0 ? error.message : `${basename(error.tool)} failed: ${lines.slice(0, 3).join("; ")}`;
  const trouble = (code: ErrorCode, why: string): MoverError =>
    new MoverError(code, clip(`database ${database.name}: ${why}`, 900), { cause: error });
  if (/No space left on device|Disk quota exceeded/i.test(error.stderrTail)) return trouble("HO-C901", reason);
  if (/could not obtain lock on relation|canceling statement due to lock timeout/.test(error.stderrTail))
    return trouble(
      "HO-D306",
      `something wanted a table for itself while it was dumped, as an app does that changes its schema when it starts. Set postgres.release: AfterDump for this database (${reason})`,
    );
  if (/permission denied/.test(error.stderrTail)) return trouble("HO-D305", reason);
  return trouble("HO-D306", reason);
}
