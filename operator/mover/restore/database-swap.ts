/**
 * Exchanges databases: on each server all of them in one transaction of renames, so that there is no moment without a live
 * database, and after a crash either all old or all new. What happened is read from the mark that the new database carries
 * (database-tag.ts), so a repeated step finds out by itself whether the commit that it never heard of took place.
 */
import { escapeIdentifier, type Client } from "pg";
import type { DatabaseRef } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { databaseTrouble } from "../database/connection.ts";
import { errnoOf, MoverError } from "../errors.ts";
import { withServer, type DatabaseServer } from "./database-server.ts";
import { findDatabase, writeTag, type DatabaseTag, type FoundDatabase } from "./database-tag.ts";
import { replacedDatabase, stagedDatabase } from "./names.ts";

interface Exchange {
  readonly ref: DatabaseRef;
  readonly staged: FoundDatabase;
  readonly tag: DatabaseTag;
  /** Absent: there is no live database, the new one is simply put in its place. */
  readonly live: FoundDatabase | undefined;
  readonly replaced: string;
}

/** How often the connections that keep a rename from happening are ended and the rename tried again. */
const attempts = 4;

/** @throws MoverError HO-R804; whether anything was exchanged, and opening what was fenced, is then for reopenLive to find out. */
export async function swapDatabases(server: DatabaseServer, runUID: string, context: MoverContext): Promise<void> {
  await withServer(server, async (client) => {
    try {
      const exchanges: Exchange[] = [];
      for (const ref of server.databases) {
        const exchange = await judge(client, ref, runUID);
        if (exchange !== undefined) exchanges.push(exchange);
      }
      if (exchanges.length > 0) await exchangeAll(client, exchanges, context);
    } catch (error) {
      if (error instanceof MoverError) throw error;
      throw new MoverError("HO-R804", databaseTrouble(error, server.first).message, { retry: true, cause: error });
    }
  });
}

/** @returns undefined when the database is exchanged already. @throws MoverError HO-R804 when what is there is not what we staged. */
async function judge(client: Client, ref: DatabaseRef, runUID: string): Promise<Exchange | undefined> {
  const live = await findDatabase(client, ref.database);
  if (live?.tag?.run === runUID) return undefined;
  const name = stagedDatabase(ref.database, runUID);
  const staged = await findDatabase(client, name);
  const refuse = (why: string): MoverError => new MoverError("HO-R804", `database ${ref.name}: ${why}`);
  if (staged === undefined) throw refuse(`the staged database ${name} is gone`);
  if (staged.tag?.run !== runUID) throw refuse(`${name} was not staged by this run`);
  const replaced = replacedDatabase(ref.database, runUID);
  if ((await findDatabase(client, replaced)) !== undefined) throw refuse(`${replaced} exists already`);
  return { ref, staged, tag: staged.tag, live, replaced };
}

async function exchangeAll(client: Client, exchanges: readonly Exchange[], context: MoverContext): Promise<void> {
  for (const { live, staged, tag } of exchanges) {
    // A repeated attempt finds the live database fenced by the first one, and must not take that for the app's own wish.
    const allowed = tag.replaces === live?.oid ? (tag.allowed ?? true) : (live?.allowsConnections ?? true);
    context.checkpoint?.(`database: record intent ${staged.name}`);
    await writeTag(client, staged.name, { ...tag, replaces: live?.oid ?? 0, allowed, comment: live?.comment ?? null });
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      await fence(client, exchanges, context);
      await rename(client, exchanges, context);
      return;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => undefined);
      // 55006: somebody is still connected; 55P03: a lock was not to be had in time.
      if (attempt >= attempts || !["55006", "55P03"].includes(errnoOf(error) ?? "")) throw error;
      context.log.info("a database to be renamed is in use, trying again", { attempt });
    }
  }
}

/** Nobody may connect any more, and whoever is connected is ended: a rename needs a database without connections. */
async function fence(client: Client, exchanges: readonly Exchange[], context: MoverContext): Promise<void> {
  for (const name of namesOf(exchanges)) {
    context.checkpoint?.(`database: fence ${name}`);
    await client.query(`ALTER DATABASE ${escapeIdentifier(name)} WITH ALLOW_CONNECTIONS false`);
  }
  const { rows } = await client.query<{ readonly pid: number; readonly usename: string | null }>(
    "SELECT pid, usename FROM pg_catalog.pg_stat_activity WHERE datname = ANY($1) AND pid <> pg_catalog.pg_backend_pid()",
    [namesOf(exchanges)],
  );
  for (const { pid, usename } of rows) {
    try {
      await client.query("SELECT pg_catalog.pg_terminate_backend($1)", [pid]);
    } catch (error) {
      // A session of a superuser, which only a superuser may end. If it stays, the rename says so.
      context.log.warn("a connection to a database to be renamed could not be ended", {
        user: usename,
        error: String(error),
      });
    }
  }
}

const namesOf = (exchanges: readonly Exchange[]): readonly string[] =>
  exchanges.flatMap(({ live, staged }) => (live === undefined ? [staged.name] : [live.name, staged.name]));

async function rename(client: Client, exchanges: readonly Exchange[], context: MoverContext): Promise<void> {
  await client.query("BEGIN");
  for (const { ref, live, staged, replaced } of exchanges) {
    const [name, from, to] = [ref.database, staged.name, replaced].map((text) => escapeIdentifier(text));
    context.checkpoint?.(`database: rename ${ref.database}`);
    if (live !== undefined) await client.query(`ALTER DATABASE ${name} RENAME TO ${to}`);
    context.checkpoint?.(`database: rename ${staged.name}`);
    await client.query(`ALTER DATABASE ${from} RENAME TO ${name}`);
    // The fence follows the database, not the name. The replaced one keeps it: nobody is to write there any more.
    await client.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`);
  }
  context.checkpoint?.("database: commit");
  await client.query("COMMIT");
  context.checkpoint?.("database: committed");
}
