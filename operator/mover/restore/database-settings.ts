/**
 * What belongs to a database but is in no dump of its contents: settings of the database and of roles in it, and who may connect. They follow
 * the database, not the name, so the new one gets them from the one that it will replace.
 */
import { escapeIdentifier, type Client } from "pg";
import type { MoverLog } from "../context.ts";

/** What the user may not set is logged and left out: the data comes back all the same. */
export async function copyDatabaseSettings(client: Client, from: string, to: string, log: MoverLog): Promise<void> {
  const attempt = async (what: string, statements: readonly string[]): Promise<void> => {
    try {
      for (const statement of statements) await client.query(statement);
    } catch (error) {
      log.warn("a setting of the database could not be taken over", { database: to, what, error: String(error) });
    }
  };
  for (const { role, setting, value } of await readSettings(client, from)) {
    const target = `DATABASE ${escapeIdentifier(to)}`;
    const where = role === null ? target : `ROLE ${escapeIdentifier(role)} IN ${target}`;
    // Lists such as a search path cannot be written as one literal; taken from the session they are what they were.
    try {
      await client.query("BEGIN");
      await client.query("SELECT pg_catalog.set_config($1, $2, true)", [setting, value]);
      const name = setting
        .split(".")
        .map((part) => escapeIdentifier(part))
        .join(".");
      await client.query(`ALTER ${where} SET ${name} FROM CURRENT`);
      await client.query("COMMIT");
    } catch (error) {
      await client.query("ROLLBACK");
      log.warn("a setting of the database could not be taken over", {
        database: to,
        what: setting,
        error: String(error),
      });
    }
  }
  await attempt("privileges", await readPrivileges(client, from, to));
}

interface Setting {
  readonly role: string | null;
  readonly setting: string;
  readonly value: string;
}

async function readSettings(client: Client, database: string): Promise<readonly Setting[]> {
  const { rows } = await client.query<Setting>(
    `SELECT r.rolname AS role, split_part(c, '=', 1) AS setting, substr(c, strpos(c, '=') + 1) AS value
       FROM pg_catalog.pg_db_role_setting s
       JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase AND d.datname = $1
       LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
      CROSS JOIN LATERAL unnest(s.setconfig) c`,
    [database],
  );
  return rows;
}

/** @returns statements; none when the database has the privileges that every database has. */
async function readPrivileges(client: Client, from: string, to: string): Promise<readonly string[]> {
  const { rows } = await client.query<{
    readonly grantee: string | null;
    readonly privilege: string;
    readonly grantable: boolean;
  }>(
    `SELECT r.rolname AS grantee, a.privilege_type AS privilege, a.is_grantable AS grantable
       FROM pg_catalog.pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) a
       LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
      WHERE d.datname = $1 AND d.datacl IS NOT NULL AND a.grantee <> d.datdba`,
    [from],
  );
  const explicit = await client.query("SELECT FROM pg_catalog.pg_database WHERE datname = $1 AND datacl IS NOT NULL", [
    from,
  ]);
  if (explicit.rowCount === 0) return [];
  const target = escapeIdentifier(to);
  return [
    `REVOKE ALL ON DATABASE ${target} FROM PUBLIC`,
    ...rows.map(({ grantee, privilege, grantable }) => {
      const whom = grantee === null ? "PUBLIC" : escapeIdentifier(grantee);
      return `GRANT ${privilege} ON DATABASE ${target} TO ${whom}${grantable ? " WITH GRANT OPTION" : ""}`;
    }),
  ];
}
