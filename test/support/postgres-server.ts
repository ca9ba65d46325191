/** A throw-away PostgreSQL server on the loopback interface, run by a user other than root, with passwords checked. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync, chmodSync, chownSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { freePort } from "./free-port.ts";

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** Where its programs are. */
  readonly programs: string;
  /** Directory of the cluster. Its socket is in the directory above. */
  readonly data: string;
  /** Runs SQL as the superuser. */
  readonly sql: (text: string, database?: string) => Promise<readonly Record<string, unknown>[]>;
  /** An open connection of the superuser, to be ended by the caller. */
  readonly connect: (database?: string) => Promise<Client>;
  readonly stop: () => void;
}

const root = "/usr/lib/postgresql";

/**
 * @param parent directory for its files
 * @throws when PostgreSQL is not installed: a test that needs it must not pass without it
 */
export async function startPostgres(parent = tmpdir()): Promise<PostgresServer> {
  const major = readdirSync(root)
    .map(Number)
    .toSorted((a, b) => b - a)[0];
  if (major === undefined) throw new Error("PostgreSQL is not installed");
  const directory = mkdtempSync(join(parent, "handover-pg-"));
  chmodSync(directory, 0o755);
  const program = (name: string): string => join(root, String(major), "bin", name);
  const password = "p:a\\ss w'ord";
  const passwordFile = join(directory, "password");
  writeFileSync(passwordFile, `${password}\n`);
  const isRoot = process.getuid?.() === 0;
  const user = Number(spawnSync("id", ["-u", "postgres"], { encoding: "utf8" }).stdout);
  if (isRoot) {
    chownSync(directory, user, user);
    chownSync(passwordFile, user, user);
  }
  const asUser = (argv: readonly string[]): void => {
    const command = isRoot
      ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", ...argv]
      : argv;
    const { status, stdout, stderr } = spawnSync(command[0] ?? "", command.slice(1), {
      cwd: directory,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (status !== 0) throw new Error(`${argv.join(" ")}: ${stdout}${stderr}`);
  };
  const data = join(directory, "data");
  asUser([
    program("initdb"),
    `--pgdata=${data}`,
    "--auth=scram-sha-256",
    `--pwfile=${passwordFile}`,
    "--username=postgres",
    "--no-sync",
    "--encoding=UTF8",
    "--locale=C",
  ]);
  const port = await freePort();
  const options = `-c fsync=off -c listen_addresses=127.0.0.1 -c port=${port} -c unix_socket_directories=${directory} -c max_connections=40`;
  asUser([
    program("pg_ctl"),
    `--pgdata=${data}`,
    `--log=${join(directory, "log")}`,
    `--options=${options}`,
    "--wait",
    "start",
  ]);
  const connect = async (database = "postgres"): Promise<Client> => {
    const client = new Client({ host: "127.0.0.1", port, user: "postgres", password, database });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };
  return {
    host: "127.0.0.1",
    port,
    password,
    programs: join(root, String(major), "bin"),
    data,
    connect,
    sql: async (text, database) => {
      const client = await connect(database);
      try {
        const result = (await client.query(text)) as unknown as { rows?: Record<string, unknown>[] };
        return result.rows ?? [];
      } finally {
        await client.end();
      }
    },
    stop: () => {
      asUser([program("pg_ctl"), `--pgdata=${data}`, "--mode=immediate", "--wait", "stop"]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
