/** pgBackRest: a physical copy of the whole server, so no dump of one database, but what a database can be read out with at all. */
import { chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PostgresServer } from "../../test/support/postgres-server.ts";
import { measure, type Command } from "../measure.ts";
import type { Dumper } from "../scenarios/database.ts";
import { bytesBelow, emptyDirectory, measureDurably } from "./disk.ts";
import { firstLine } from "./version.ts";

export async function createPgBackRest({ server }: { readonly server: PostgresServer }): Promise<Dumper> {
  // It runs as the user of the server, who may not look into the directory of the bench.
  const base = join(dirname(server.data), "pgbackrest");
  const config = join(base, "pgbackrest.conf");
  const repository = join(base, "repository");
  const { uid, gid } = statSync(server.data);
  const pgbackrest = (...args: string[]): Command => ({
    argv: [
      "setpriv",
      `--reuid=${uid}`,
      `--regid=${gid}`,
      "--clear-groups",
      "--",
      "pgbackrest",
      `--config=${config}`,
      "--stanza=shop",
      ...args,
    ],
    cwd: "/",
    env: { PGPASSWORD: server.password },
  });
  return {
    name: "pgbackrest",
    version: firstLine((await measure({ argv: ["pgbackrest", "version"] })).stdout),
    dump: async () => {
      emptyDirectory(base);
      for (const path of [repository, join(base, "log"), join(base, "lock")]) mkdirSync(path);
      writeFileSync(
        config,
        `[global]
repo1-path=${repository}
log-path=${join(base, "log")}
lock-path=${join(base, "lock")}
compress-type=zst
compress-level=1
process-max=2
start-fast=y
archive-check=n
[shop]
pg1-path=${server.data}
pg1-port=${server.port}
pg1-socket-path=${dirname(server.data)}
pg1-user=postgres
`,
      );
      for (const path of [base, config, repository, join(base, "log"), join(base, "lock")]) chownSync(path, uid, gid);
      await measure(pgbackrest("--no-online", "stanza-create"));
      const cost = await measureDurably(pgbackrest("--type=full", "backup"), base);
      return { ...cost, storedBytes: bytesBelow(repository) };
    },
  };
}
