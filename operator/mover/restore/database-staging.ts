/**
 * Loads a dump into a new database beside the live one, and compares it with what the dump was said to hold. The live database is
 * only looked at. What is left of an earlier attempt of the same run is dropped first, so a repeated step starts over.
 */
import { escapeIdentifier, escapeLiteral, type Client } from "pg";
import type { DatabaseRef } from "../../contract/task.ts";
import type { DatabasePart } from "../../domain/manifest.ts";
import type { MoverContext } from "../context.ts";
import { connect } from "../database/connection.ts";
import { clientEnvironment } from "../database/credentials.ts";
import { countRows } from "../database/snapshot.ts";
import { MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { createProgress } from "../progress.ts";
import { argvLoad } from "../tools/pg-restore.ts";
import { clientsRoot } from "../tools/pg.ts";
import { judgeRoles, openDump, type DumpAccess } from "./database-archive.ts";
import { dropStaged } from "./database-cleanup.ts";
import { withServer, type DatabaseServer } from "./database-server.ts";
import { copyDatabaseSettings } from "./database-settings.ts";
import { findDatabase, writeTag, type FoundDatabase } from "./database-tag.ts";
import { stagedDatabase } from "./names.ts";

/** @returns rows of the loaded tables. @throws MoverError HO-R803 when the loaded database differs from what was captured. */
export async function stageDatabase(
  generation: { readonly id: string; readonly path: string },
  ref: DatabaseRef,
  part: DatabasePart,
  server: DatabaseServer,
  runUID: string,
  context: MoverContext,
): Promise<number> {
  const name = stagedDatabase(ref.database, runUID);
  const dump = await openDump(generation.path, part);
  return await withServer(server, async (client) => {
    await dropStaged(client, ref, runUID);
    const present = await findDatabase(client, name);
    if (present !== undefined)
      throw new MoverError("HO-R803", `database ${ref.name}: ${name} exists and was not made by this run`);
    const live = await findDatabase(client, ref.database);
    await create(client, name, part, live, context);
    await writeTag(client, name, { run: runUID, generation: generation.id, comment: live?.comment ?? null });
    if (live !== undefined) await copyDatabaseSettings(client, live.name, name, context.log);
    await load(client, ref, name, dump, server, context);
    return await inspect(ref, name, part, server, context);
  });
}

/** From template0: what an administrator has put into template1 is in the dump already, or was not in the database. */
async function create(
  client: Client,
  name: string,
  part: DatabasePart,
  live: FoundDatabase | undefined,
  context: MoverContext,
): Promise<void> {
  const owner = await chooseOwner(client, live?.owner ?? part.owner, context);
  const icu = live === undefined ? undefined : await readIcuLocale(client, live.name);
  await client.query(
    [
      `CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE template0`,
      owner === undefined ? "" : `OWNER ${escapeIdentifier(owner)}`,
      `ENCODING ${escapeLiteral(part.encoding)}`,
      `LC_COLLATE ${escapeLiteral(part.collate)} LC_CTYPE ${escapeLiteral(part.ctype)}`,
      icu === undefined ? "" : `LOCALE_PROVIDER icu ICU_LOCALE ${escapeLiteral(icu)}`,
    ].join(" "),
  );
}

/** The manifest does not record it, so a database of the ICU provider takes its locale from the one it replaces. */
async function readIcuLocale(client: Client, database: string): Promise<string | undefined> {
  const { rows } = await client.query<{ readonly row: Readonly<Record<string, unknown>> }>(
    "SELECT to_jsonb(d) AS row FROM pg_catalog.pg_database d WHERE datname = $1",
    [database],
  );
  const row = rows[0]?.row;
  // Named differently from 17 on; absent before 15.
  const locale = row?.["datlocale"] ?? row?.["daticulocale"];
  return row?.["datlocprovider"] === "i" && typeof locale === "string" ? locale : undefined;
}

/** @returns undefined: the user itself. */
async function chooseOwner(client: Client, wanted: string, context: MoverContext): Promise<string | undefined> {
  const { rows } = await client.query<{ readonly usable: boolean }>(
    "SELECT pg_catalog.pg_has_role(oid, 'MEMBER') AS usable FROM pg_catalog.pg_roles WHERE rolname = $1",
    [wanted],
  );
  if (rows[0]?.usable === true) return wanted;
  context.log.warn("the database cannot be given to its owner and will belong to the user of the Secret", {
    owner: wanted,
  });
  return undefined;
}

async function load(
  client: Client,
  ref: DatabaseRef,
  name: string,
  dump: DumpAccess,
  server: DatabaseServer,
  context: MoverContext,
): Promise<void> {
  const { missing, denied, owners, privileges } = await judgeRoles(client, dump, context.abort);
  if (!owners || !privileges)
    context.log.warn("owners or privileges of the dump cannot be restored on this server", {
      database: ref.name,
      missing,
      denied,
      owners: owners ? "as recorded" : "the user of the Secret",
      privileges: privileges ? "as recorded" : "none",
    });
  const environment = await clientEnvironment({ ...ref, database: name }, server.credentials, {
    scratch: context.roots.scratch,
    applicationName: "handover restore",
  });
  try {
    const argv = argvLoad({ ...dump, root: clientsRoot, database: name, owners, privileges });
    await run(argv, { env: environment.env, signal: context.abort });
  } finally {
    await environment.dispose();
  }
}

/** Counts what was loaded, and gives the planner its statistics: without them the app would be slow after the swap. */
async function inspect(
  ref: DatabaseRef,
  name: string,
  part: DatabasePart,
  server: DatabaseServer,
  context: MoverContext,
): Promise<number> {
  const client = await connect({ ...ref, database: name }, server.credentials, "handover restore");
  try {
    await client.query("SET statement_timeout = 0; SET row_security = off");
    const progress = createProgress(context.log, "counting rows");
    const counted = await countRows(client, part.tables, (done) => progress({ database: ref.name, tables: done }));
    for (const [index, { schema, name: table, rows }] of part.tables.entries()) {
      const found = counted[index]?.rows;
      if (found !== rows)
        throw new MoverError(
          "HO-R803",
          `database ${ref.name}: table ${schema}.${table} has ${found ?? 0} rows, captured were ${rows}`,
        );
    }
    await client.query("ANALYZE");
    return counted.reduce((sum, { rows }) => sum + rows, 0);
  } finally {
    await client.end().catch(() => undefined);
  }
}
