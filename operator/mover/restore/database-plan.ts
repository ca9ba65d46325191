/** What a restore of a database will replace, whether the user may do it, and what a person should know before. Reads only. */
import type { Client } from "pg";
import type { DatabaseRef } from "../../contract/task.ts";
import type { DatabasePart } from "../../domain/manifest.ts";
import { count, formatBytes } from "../../domain/quantities.ts";
import type { MoverContext } from "../context.ts";
import { connect } from "../database/connection.ts";
import { listTables } from "../database/snapshot.ts";
import { MoverError } from "../errors.ts";
import { judgeRoles, openDump } from "./database-archive.ts";
import { withServer, type DatabaseServer } from "./database-server.ts";
import { findDatabase } from "./database-tag.ts";
import type { PartPlan } from "./volume-plan.ts";

/** @throws MoverError HO-D301 to HO-D305. */
export async function planDatabase(
  generation: string,
  ref: DatabaseRef,
  part: DatabasePart,
  server: DatabaseServer,
  context: MoverContext,
): Promise<PartPlan> {
  const dump = await openDump(generation, part);
  return await withServer(server, async (client) => {
    await checkRights(client, ref);
    const warnings: string[] = [];
    const serverMajor = await readMajor(client);
    if (serverMajor < dump.major)
      warnings.push(
        `database ${ref.name}: the dump was written by PostgreSQL ${part.clientVersion}, the server is older (${serverMajor})`,
      );
    const { missing, denied } = await judgeRoles(client, dump, context.abort);
    if (missing.length > 0)
      warnings.push(
        `database ${ref.name}: the server has no role ${missing.slice(0, 5).join(", ")}; its objects will belong to ${server.credentials.username}, privileges are not restored`,
      );
    if (denied.length > 0)
      warnings.push(
        `database ${ref.name}: ${server.credentials.username} may not give objects to ${denied.slice(0, 5).join(", ")}; they will belong to ${server.credentials.username}, privileges are not restored`,
      );
    return { replaces: await describeLive(client, ref, server), warnings };
  });
}

/** Renaming needs ownership and CREATEDB; creating needs CREATEDB. @throws MoverError HO-D305 */
async function checkRights(client: Client, ref: DatabaseRef): Promise<void> {
  const { rows } = await client.query<{
    readonly user: string;
    readonly superuser: boolean;
    readonly createdb: boolean;
    readonly owns: boolean | null;
  }>(
    `SELECT r.rolname AS user, r.rolsuper AS superuser, r.rolcreatedb AS createdb,
            (SELECT pg_catalog.pg_has_role(d.datdba, 'USAGE') FROM pg_catalog.pg_database d WHERE d.datname = $1) AS owns
       FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`,
    [ref.database],
  );
  const [rights] = rows;
  if (rights === undefined || rights.superuser) return;
  const fail = (what: string): MoverError => new MoverError("HO-D305", `database ${ref.name}: ${rights.user} ${what}`);
  if (!rights.createdb) throw fail("may not create databases; a restore needs that: ALTER ROLE … CREATEDB");
  if (rights.owns === false) throw fail(`does not own ${ref.database} and so may not rename it`);
}

async function readMajor(client: Client): Promise<number> {
  const { rows } = await client.query<{ readonly version: number }>(
    "SELECT current_setting('server_version_num')::int AS version",
  );
  return Math.floor((rows[0]?.version ?? 0) / 10_000);
}

async function describeLive(client: Client, ref: DatabaseRef, server: DatabaseServer): Promise<string> {
  const live = await findDatabase(client, ref.database);
  if (live === undefined) return `database ${ref.name}: nothing, ${ref.database} does not exist`;
  const { rows } = await client.query<{ readonly bytes: string }>("SELECT pg_database_size($1::oid)::text AS bytes", [
    live.oid,
  ]);
  const size = formatBytes(Number(rows[0]?.bytes ?? 0));
  const tables = await countTables(ref, server);
  return `database ${ref.name} (${size}${tables === undefined ? "" : `, ${count(tables, "table")}`})`;
}

/** @returns undefined when the live database lets nobody in, which is no reason not to replace it. */
async function countTables(ref: DatabaseRef, server: DatabaseServer): Promise<number | undefined> {
  let client: Client;
  try {
    client = await connect(ref, server.credentials, "handover restore");
  } catch {
    return undefined;
  }
  try {
    return (await listTables(client)).length;
  } finally {
    await client.end().catch(() => undefined);
  }
}
