/**
 * Marks databases as ours. The mark is the comment of the database, so it follows the database through renames: names alone
 * are ambiguous after a second attempt. Nothing that does not carry the uid of our run is ever renamed into place or dropped.
 */
import { escapeIdentifier, escapeLiteral, type Client } from "pg";
import * as z from "zod";

const tagSchema = z.object({
  run: z.string(),
  generation: z.string(),
  /** OID of the database whose place it takes; 0: there is none. Set when the swap begins. */
  replaces: z.number().int().optional(),
  /** Whether that database took connections before we fenced it. */
  allowed: z.boolean().optional(),
  /** The comment that the database had, or is to have when we are done. */
  comment: z.string().nullable(),
});
export type DatabaseTag = z.infer<typeof tagSchema>;

const prefix = "handover:";

export interface FoundDatabase {
  readonly oid: number;
  readonly name: string;
  readonly allowsConnections: boolean;
  readonly owner: string;
  /** Comment of a person; that in our tag if there is one. */
  readonly comment: string | null;
  readonly tag?: DatabaseTag;
}

interface Row {
  readonly oid: string;
  readonly datname: string;
  readonly datallowconn: boolean;
  readonly owner: string;
  readonly comment: string | null;
}

const select = `SELECT d.oid::text AS oid, d.datname, d.datallowconn, pg_catalog.pg_get_userbyid(d.datdba) AS owner,
  pg_catalog.shobj_description(d.oid, 'pg_database') AS comment FROM pg_catalog.pg_database d`;

export async function findDatabase(client: Client, name: string): Promise<FoundDatabase | undefined> {
  const { rows } = await client.query<Row>(`${select} WHERE d.datname = $1`, [name]);
  return rows[0] === undefined ? undefined : parseRow(rows[0]);
}

export async function findDatabaseByOid(client: Client, oid: number): Promise<FoundDatabase | undefined> {
  const { rows } = await client.query<Row>(`${select} WHERE d.oid = $1`, [oid]);
  return rows[0] === undefined ? undefined : parseRow(rows[0]);
}

function parseRow(row: Row): FoundDatabase {
  const tag = parseTag(row.comment);
  return {
    oid: Number(row.oid),
    name: row.datname,
    allowsConnections: row.datallowconn,
    owner: row.owner,
    comment: tag === undefined ? row.comment : tag.comment,
    ...(tag === undefined ? {} : { tag }),
  };
}

export async function writeTag(client: Client, database: string, tag: DatabaseTag): Promise<void> {
  await writeComment(client, database, prefix + JSON.stringify(tag));
}

export async function writeComment(client: Client, database: string, comment: string | null): Promise<void> {
  const text = comment === null ? "NULL" : escapeLiteral(comment);
  await client.query(`COMMENT ON DATABASE ${escapeIdentifier(database)} IS ${text}`);
}

function parseTag(comment: string | null): DatabaseTag | undefined {
  if (comment?.startsWith(prefix) !== true) return undefined;
  try {
    return tagSchema.safeParse(JSON.parse(comment.slice(prefix.length))).data;
  } catch {
    return undefined;
  }
}
