/**
 * Command lines of the PostgreSQL clients. The connection is in the environment and in a password file, never in the
 * arguments: those are visible to every process of the node, and a database may be named `a=b`, which would be read as options.
 */
import { join } from "node:path";
import type { Argv } from "../exec.ts";

/** Where Debian puts the clients of each major. */
export const clientsRoot = "/usr/lib/postgresql";

/**
 * The client for a server: the same major, else the smallest newer one. An older client refuses the server, and a newer one
 * writes archives that the server's own pg_restore cannot read, so it is second choice.
 * @returns undefined when every client is older than the server.
 */
export function chooseClient(serverMajor: number, majors: readonly number[]): number | undefined {
  return majors.filter((major) => major >= serverMajor).toSorted((a, b) => a - b)[0];
}

export const clientProgram = (
  root: string,
  major: number,
  program: "pg_dump" | "pg_dumpall" | "pg_restore" | "psql",
): string => join(root, String(major), "bin", program);

/** Since 16 pg_dump has zstd, nine times as fast as its gzip at the default level; before, gzip at level 1. */
const compression = (major: number): string => (major >= 16 ? "--compress=zstd:1" : "--compress=1");

export interface DumpOptions {
  readonly root: string;
  readonly major: number;
  readonly snapshot: string;
  /** Directory that must not exist. */
  readonly directory: string;
  readonly jobs: number;
}

/** Verbose, because its messages tell when the locks are held. */
export const argvDump = (options: DumpOptions): Argv => [
  clientProgram(options.root, options.major, "pg_dump"),
  "--format=directory",
  `--file=${options.directory}`,
  `--jobs=${options.jobs}`,
  `--snapshot=${options.snapshot}`,
  compression(options.major),
  "--lock-wait-timeout=60s",
  "--no-password",
  "--verbose",
];

/**
 * Roles and tablespaces to standard output. pg_dumpall knows no database in the environment and reads its argument as a connection
 * string, so the name is quoted as a value of one.
 */
export const argvDumpGlobals = (root: string, major: number, database: string): Argv => [
  clientProgram(root, major, "pg_dumpall"),
  "--globals-only",
  "--no-role-passwords",
  "--no-password",
  `--database=dbname='${database.replaceAll(/['\\]/g, String.raw`\$&`)}'`,
];

/** Table of contents of a dump to standard output, a line per entry. Reads only the beginning: proves little. */
export const argvList = (root: string, major: number, directory: string): Argv => [
  clientProgram(root, major, "pg_restore"),
  "--list",
  directory,
];

/** Decodes the whole dump: a truncated or damaged one ends with an exit code other than 0. */
export const argvDecode = (root: string, major: number, directory: string): Argv => [
  clientProgram(root, major, "pg_restore"),
  "--file=/dev/null",
  directory,
];

/**
 * Tells from the messages of a verbose pg_dump when it holds a lock on every table that it dumps: it takes them while it
 * "reads user-defined tables", so they are held when it speaks of the next thing.
 */
export function createLockWatch(onHeld: () => void): (line: string) => void {
  let reading = false;
  let held = false;
  return (line) => {
    if (held) return;
    if (
      reading &&
      line.startsWith("pg_dump: ") &&
      !line.startsWith("pg_dump: error:") &&
      !line.startsWith("pg_dump: detail:")
    ) {
      held = true;
      onHeld();
    } else if (line.includes("reading user-defined tables")) reading = true;
  };
}
