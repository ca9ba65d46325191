/** The dump of a database in a generation: which client can read it, and which of the roles it names the server has. Reads only. */
import { join } from "node:path";
import type { Client } from "pg";
import type { DatabasePart } from "../../domain/manifest.ts";
import { installedClients } from "../database/clients.ts";
import { MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { databaseDump } from "../store/layout.ts";
import { argvSchema, parseRoles } from "../tools/pg-restore.ts";
import { chooseClient, clientsRoot } from "../tools/pg.ts";

export interface DumpAccess {
  readonly major: number;
  readonly directory: string;
}

/**
 * An archive is read by the client that wrote it, else by the next newer one.
 * @throws MoverError HO-D304 when every client is older than the archive.
 */
export async function openDump(generation: string, part: DatabasePart): Promise<DumpAccess> {
  const written = Number.parseInt(part.clientVersion, 10);
  const majors = await installedClients(clientsRoot);
  const major = chooseClient(written, majors);
  if (major === undefined)
    throw new MoverError(
      "HO-D304",
      `the dump of database ${part.name} was written by PostgreSQL ${written}, the clients here are ${majors.join(", ") || "none"}`,
    );
  return { major, directory: join(generation, databaseDump(part.name)) };
}

export interface RolesVerdict {
  /** Whether objects can get the owners that the dump records. */
  readonly owners: boolean;
  readonly privileges: boolean;
  /** Roles of the dump that the server does not have. */
  readonly missing: readonly string[];
  /** Roles that exist, but which the user may not hand objects to. */
  readonly denied: readonly string[];
}

export async function judgeRoles(client: Client, dump: DumpAccess, signal: AbortSignal): Promise<RolesVerdict> {
  const { stdout } = await run(argvSchema(clientsRoot, dump.major, dump.directory), { stdout: "capture", signal });
  const { owners, grantees } = parseRoles(stdout);
  const { rows } = await client.query<{ readonly name: string; readonly usable: boolean }>(
    `SELECT rolname AS name, pg_catalog.pg_has_role(oid, 'USAGE') AS usable FROM pg_catalog.pg_roles WHERE rolname = ANY($1)`,
    [[...owners, ...grantees]],
  );
  const known = new Map(rows.map(({ name, usable }) => [name, usable]));
  const missing = [...new Set([...owners, ...grantees])].filter((name) => !known.has(name));
  const denied = owners.filter((name) => known.get(name) === false);
  return {
    owners: denied.length === 0 && owners.every((name) => known.has(name)),
    // Without the owners the grants would be made by another role than recorded, and some could not be made at all.
    privileges: denied.length === 0 && missing.length === 0,
    missing,
    denied,
  };
}
