/** Databases of a task by their server, and the control connection to a server while its databases are being renamed. */
import type { Client } from "pg";
import type { DatabaseRef } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { connect } from "../database/connection.ts";
import { readCredentials, type Credentials } from "../database/credentials.ts";
import { MoverError } from "../errors.ts";

export interface DatabaseServer {
  /** One of the databases, for messages and for the credentials. */
  readonly first: DatabaseRef;
  readonly databases: readonly DatabaseRef[];
  readonly credentials: Credentials;
}

/** Databases on one server with one user are one unit: they are exchanged in one transaction. */
export async function groupByServer(
  databases: readonly DatabaseRef[],
  context: MoverContext,
): Promise<readonly DatabaseServer[]> {
  const servers = new Map<string, DatabaseServer>();
  for (const database of databases) {
    const credentials = await readCredentials(database, context.roots.secret(database.name));
    const key = JSON.stringify([database.host, database.port, credentials.username]);
    const known = servers.get(key);
    servers.set(key, {
      first: known?.first ?? database,
      databases: [...(known?.databases ?? []), database],
      credentials: known?.credentials ?? credentials,
    });
  }
  return [...servers.values()];
}

/** A database that is renamed, created or dropped cannot be the one we are connected to. */
const maintenanceDatabases = ["postgres", "template1"] as const;

export async function withServer<T>(server: DatabaseServer, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectMaintenance(server);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function connectMaintenance({ first, credentials }: DatabaseServer): Promise<Client> {
  let trouble: unknown;
  for (const database of maintenanceDatabases) {
    try {
      const client = await connect({ ...first, database }, credentials, "handover restore");
      await client.query("SET search_path = pg_catalog; SET lock_timeout = '30s'; SET statement_timeout = 0");
      return client;
    } catch (error) {
      trouble ??= error;
      // Not every server has it, or lets everyone in.
      if (!(error instanceof MoverError) || (error.code !== "HO-D303" && error.code !== "HO-D305")) throw error;
    }
  }
  throw trouble;
}
