/**
 * Credentials of a database, from the mounted Secret to where libpq looks for them: environment and a password file. They
 * are never in arguments, messages or logs.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseRef } from "../../contract/task.ts";
import { errnoOf, MoverError } from "../errors.ts";
import { exists } from "../store/durable.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Path of the certificate authority to check the server with. */
  readonly caFile?: string;
}

/** @param directory where the Secret is mounted. @throws MoverError HO-P104 when it or a key is missing, or a key is empty. */
export async function readCredentials(
  { name: database, secret }: Pick<DatabaseRef, "name" | "secret">,
  directory: string,
): Promise<Credentials> {
  const key = async (name: string): Promise<string> => {
    let isThere = false;
    try {
      // A newline at the end is there by mistake, of `echo` or an editor; a password file could not hold it anyway.
      const value = (await readFile(join(directory, name), "utf8")).replace(/\r?\n$/, "");
      if (value !== "") return value;
      isThere = true;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
    }
    const what = `${secret === undefined ? "the Secret" : `Secret ${secret}`} of database ${database}`;
    if (isThere) throw new MoverError("HO-P104", `${what} has an empty key ${name}`);
    // In the place of a Secret that is not there the kubelet mounts a directory without keys; its own names begin with two dots.
    const keys = (await readdir(directory).catch(() => [])).filter((entry) => !entry.startsWith(".."));
    throw new MoverError(
      "HO-P104",
      keys.length > 0 ? `${what} has no key ${name}` : `${what} does not exist, or has no keys`,
    );
  };
  const credentials = { username: await key("username"), password: await key("password") };
  const caFile = join(directory, "ca.crt");
  return (await exists(caFile)) ? { ...credentials, caFile } : credentials;
}

/**
 * Whether the server proves who it is: by a certificate, or by a socket of this machine. Who takes the place of another could ask for the
 * password in clear text, and libpq and pg would give it.
 */
export const isProved = ({ host }: Pick<DatabaseRef, "host">, { caFile }: Credentials): boolean =>
  host.startsWith("/") || caFile !== undefined;

export interface ClientEnvironment {
  readonly env: Readonly<Record<string, string>>;
  readonly dispose: () => Promise<void>;
}

/** Environment for pg_dump, pg_restore and psql. @param scratch a directory to write the password file into */
export async function clientEnvironment(
  ref: Pick<DatabaseRef, "host" | "port" | "database">,
  credentials: Credentials,
  options: { readonly scratch: string; readonly applicationName: string },
): Promise<ClientEnvironment> {
  const directory = await mkdtemp(join(options.scratch, "pg-"));
  const passwordFile = join(directory, "pgpass");
  const password = credentials.password.replaceAll(/[\\:]/g, String.raw`\$&`);
  await writeFile(passwordFile, `*:*:*:*:${password}\n`, { mode: 0o600, flag: "wx" });
  return {
    env: {
      PGHOST: ref.host,
      PGPORT: String(ref.port),
      PGDATABASE: ref.database,
      PGUSER: credentials.username,
      PGPASSFILE: passwordFile,
      PGAPPNAME: options.applicationName,
      PGCONNECT_TIMEOUT: "10",
      ...(credentials.caFile === undefined
        ? { PGSSLMODE: "prefer" }
        : { PGSSLMODE: "verify-full", PGSSLROOTCERT: credentials.caFile }),
      ...(isProved(ref, credentials) ? {} : { PGREQUIREAUTH: "!password" }),
    },
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
}
