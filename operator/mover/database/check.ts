/** Whether a database can be dumped: reachable, right password, a client that fits, and the right to read every table. */
import type { ResultOf } from "../../contract/result.ts";
import type { DatabaseRef } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { MoverError } from "../errors.ts";
import { clientFor, clientVersion } from "./clients.ts";
import { connect, databaseTrouble } from "./connection.ts";
import { readCredentials } from "./credentials.ts";
import { listForbiddenTables, readFacts } from "./snapshot.ts";

export async function checkDatabase(
  database: DatabaseRef,
  context: MoverContext,
): Promise<ResultOf<"preflight">["databases"][number]> {
  const credentials = await readCredentials(database, context.roots.secret(database.name));
  const client = await connect(database, credentials, "handover-preflight");
  try {
    const { rows } = await client.query<{ number: number; version: string }>(
      "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version",
    );
    const major = await clientFor(database.name, Math.floor((rows[0]?.number ?? 0) / 10_000));
    const [table] = await listForbiddenTables(client);
    if (table !== undefined)
      throw new MoverError(
        "HO-D305",
        `database ${database.name}: user ${credentials.username} may not read ${table}; GRANT SELECT on it, or pg_read_all_data`,
      );
    const { bytes } = await readFacts(client);
    return {
      name: database.name,
      serverVersion: rows[0]?.version ?? "unknown",
      clientVersion: await clientVersion(major),
      bytes,
    };
  } catch (error) {
    throw databaseTrouble(error, database);
  } finally {
    await client.end().catch(() => undefined);
  }
}
