/** Drops databases that a restore has left: the replaced ones after a swap, or the staged ones that were never swapped. Only ours. */
import { escapeIdentifier, type Client } from "pg";
import type { DatabaseRef } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { MoverError } from "../errors.ts";
import { findDatabase, findDatabaseByOid, writeComment, type DatabaseTag } from "./database-tag.ts";
import { replacedDatabase, stagedDatabase } from "./names.ts";

/** After a swap. The live database carries the OID of the one it replaced; a database of that name with another OID is not ours. */
export async function dropReplaced(
  client: Client,
  ref: DatabaseRef,
  runUID: string,
  context: MoverContext,
): Promise<boolean> {
  const live = await findDatabase(client, ref.database);
  const name = replacedDatabase(ref.database, runUID);
  const tag = live?.tag;
  if (tag?.run !== runUID) {
    const staged = await findDatabase(client, stagedDatabase(ref.database, runUID));
    if (staged?.tag?.run === runUID)
      throw new MoverError("HO-R804", `database ${ref.name}: the swap has not taken place; nothing was removed`);
    if ((await findDatabase(client, name)) !== undefined)
      context.log.warn("a database that looks replaced is not known as ours and was left alone", { database: name });
    return false;
  }
  const replaced = await findDatabase(client, name);
  const dropped = replaced !== undefined && replaced.oid === tag.replaces;
  if (dropped) await drop(client, name);
  else if (replaced !== undefined)
    context.log.warn("a database that looks replaced is another one and was left alone", { database: name });
  // Last: with the mark gone, a repeated cleanup could not tell that the replaced database is ours.
  await writeComment(client, ref.database, tag.comment);
  return dropped;
}

/**
 * Without a swap. Opens the live database again if an interrupted swap has fenced it.
 * @throws MoverError HO-R804 when the swap has taken place: then the staged database is the live one.
 */
export async function dropStaged(client: Client, ref: DatabaseRef, runUID: string): Promise<boolean> {
  const live = await findDatabase(client, ref.database);
  if (live?.tag?.run === runUID)
    throw new MoverError("HO-R804", `database ${ref.name}: the swap has taken place; it can only be completed`);
  const staged = await findDatabase(client, stagedDatabase(ref.database, runUID));
  const tag = staged?.tag;
  if (staged === undefined || tag?.run !== runUID) return false;
  await open(client, tag);
  await drop(client, staged.name);
  return true;
}

/**
 * After a swap that failed: opens the live databases again that it, or an attempt before it, has fenced.
 * @returns whether it is certain that none of the databases of the server was exchanged.
 */
export async function reopenLive(client: Client, databases: readonly DatabaseRef[], runUID: string): Promise<boolean> {
  for (const { database } of databases) {
    if ((await findDatabase(client, database))?.tag?.run === runUID) return false;
  }
  for (const { database } of databases) {
    const tag = (await findDatabase(client, stagedDatabase(database, runUID)))?.tag;
    if (tag?.run === runUID) await open(client, tag);
  }
  return true;
}

async function open(client: Client, tag: DatabaseTag): Promise<void> {
  if (tag.replaces === undefined || tag.replaces === 0 || tag.allowed !== true) return;
  const fenced = await findDatabaseByOid(client, tag.replaces);
  if (fenced?.allowsConnections === false)
    await client.query(`ALTER DATABASE ${escapeIdentifier(fenced.name)} WITH ALLOW_CONNECTIONS true`);
}

async function drop(client: Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE ${escapeIdentifier(name)} WITH (FORCE)`);
}
