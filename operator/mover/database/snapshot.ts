/**
 * A moment of a database, held by an open transaction: pg_dump reads from the same one, and what is counted here is what
 * is in the dump. Reads only.
 */
import { escapeIdentifier, type Client } from "pg";
import type { DatabasePart } from "../../domain/manifest.ts";

export interface Snapshot {
  /** For `pg_dump --snapshot`. */
  readonly name: string;
  readonly exportedAt: string;
  readonly lsn: string;
  /** 0 when the server does not tell. */
  readonly timeline: number;
}

/** Limits that a role or a database may have set, and that would end a long dump. */
const limits = [
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "transaction_timeout",
];

/** Opens the transaction. Nothing slow may be done here: the app is stopped. */
export async function openSnapshot(client: Client): Promise<Snapshot> {
  // A managed server may forbid it, and an error inside of the transaction would end that.
  const timeline = await client.query<{ timeline_id: number }>("SELECT timeline_id FROM pg_control_checkpoint()").then(
    ({ rows }) => rows[0]?.timeline_id ?? 0,
    () => 0,
  );
  await client.query("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = ANY($1)", [limits]);
  await client.query("SELECT set_config('search_path', '', false), set_config('row_security', 'off', false)");
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const { rows } = await client.query<{ name: string; lsn: string; at: Date }>(
    `SELECT pg_export_snapshot() AS name, clock_timestamp() AS at,
            (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text AS lsn`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error("the server exported no snapshot");
  return { name: row.name, lsn: row.lsn, exportedAt: row.at.toISOString(), timeline };
}

export type DatabaseFacts = Pick<DatabasePart, "encoding" | "collate" | "ctype" | "owner" | "bytes" | "extensions">;

export async function readFacts(client: Client): Promise<DatabaseFacts> {
  const { rows } = await client.query<{
    encoding: string;
    collate: string;
    ctype: string;
    owner: string;
    bytes: string;
  }>(
    `SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype,
            pg_get_userbyid(datdba) AS owner, pg_database_size(oid)::text AS bytes
       FROM pg_database WHERE datname = current_database()`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error("the database does not know itself");
  const extensions = await client.query<{ name: string; version: string }>(
    "SELECT extname AS name, extversion AS version FROM pg_extension ORDER BY 1",
  );
  return { ...row, bytes: Number(row.bytes), extensions: extensions.rows };
}

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** Tables whose rows are in a dump: ordinary ones and the leaves of partitioned ones. Those of extensions belong to the extension. */
export async function listTables(client: Client): Promise<readonly TableName[]> {
  const { rows } = await client.query<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence <> 't'
        AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
      ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
  );
  return rows;
}

/** Rows of each table in the moment of the transaction. */
export async function countRows(
  client: Client,
  tables: readonly TableName[],
  onTable: (done: number) => void,
): Promise<DatabasePart["tables"]> {
  const counted: { schema: string; name: string; rows: number }[] = [];
  for (const { schema, name } of tables) {
    const { rows } = await client.query<{ rows: string }>(
      `SELECT count(*)::text AS rows FROM ${escapeIdentifier(schema)}.${escapeIdentifier(name)}`,
    );
    counted.push({ schema, name, rows: Number(rows[0]?.rows ?? 0) });
    onTable(counted.length);
  }
  return counted;
}

/** Tables that a dump would read and the user may not. @returns the first few, as `schema.table` */
export async function listForbiddenTables(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT n.nspname || '.' || c.relname AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't'
        AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        AND NOT (has_schema_privilege(n.oid, 'USAGE')
                 AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') ELSE has_table_privilege(c.oid, 'SELECT') END)
      ORDER BY 1 LIMIT 4`,
  );
  return rows.map(({ name }) => name);
}
