/** Command lines of pg_restore for a restore, and what an archive asks of the roles of the server. */
import type { Argv } from "../exec.ts";
import { clientProgram } from "./pg.ts";

export interface LoadOptions {
  readonly root: string;
  readonly major: number;
  /** Directory of the dump. */
  readonly directory: string;
  /** Name of a database, whatever characters it has: pg_restore reads its argument as a connection string. */
  readonly database: string;
  readonly owners: boolean;
  readonly privileges: boolean;
}

export const argvLoad = (options: LoadOptions): Argv => [
  clientProgram(options.root, options.major, "pg_restore"),
  "--format=directory",
  "--jobs=2",
  "--exit-on-error",
  "--no-password",
  `--dbname=dbname='${options.database.replaceAll(/['\\]/g, String.raw`\$&`)}'`,
  ...(options.owners ? [] : ["--no-owner"]),
  ...(options.privileges ? [] : ["--no-privileges"]),
  "--",
  options.directory,
];

/** The statements that make the schema, as text; needs no server. */
export const argvSchema = (root: string, major: number, directory: string): Argv => [
  clientProgram(root, major, "pg_restore"),
  "--schema-only",
  "--file=-",
  directory,
];

export interface RolesNeeded {
  readonly owners: readonly string[];
  /** Those to whom something is granted. */
  readonly grantees: readonly string[];
}

const identifier = String.raw`"(?:[^"]|"")+"|[^\s",;]+`;

/** Roles that the statements of `argvSchema` name. A line of a function's body that looks the same only adds a name. */
export function parseRoles(sql: string): RolesNeeded {
  const collect = (pattern: RegExp): readonly string[] => {
    const names = [...sql.matchAll(pattern)].map(([, name = ""]) =>
      name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name,
    );
    return [...new Set(names)].filter((name) => name !== "PUBLIC").toSorted();
  };
  return {
    owners: collect(new RegExp(`^ALTER .* OWNER TO (${identifier});$`, "gm")),
    grantees: [
      ...collect(new RegExp(`^GRANT .* TO (${identifier})(?: WITH GRANT OPTION)?;$`, "gm")),
      ...collect(new RegExp(`^ALTER DEFAULT PRIVILEGES FOR ROLE (${identifier}) `, "gm")),
    ],
  };
}
