/**
 * A control connection to a database: opens it as libpq would, and gives what goes wrong its code. Data never flows
 * through it, the PostgreSQL tools are faster.
 */
import { readFile } from "node:fs/promises";
import { Client, type ClientConfig } from "pg";
import type { DatabaseRef } from "../../contract/task.ts";
import { errnoOf, MoverError } from "../errors.ts";
import { type Credentials, isProved } from "./credentials.ts";
import { clip } from "../../domain/text.ts";

const connectTimeoutMillis = 10_000;

type Target = Pick<DatabaseRef, "name" | "host" | "port" | "database">;

/** @throws MoverError HO-D301, HO-D302, HO-D303 or HO-D305. */
export async function connect(target: Target, credentials: Credentials, applicationName: string): Promise<Client> {
  const proved = isProved(target, credentials);
  const config: ClientConfig = {
    host: target.host,
    port: target.port,
    database: target.database,
    user: credentials.username,
    password: credentials.password,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMillis,
    keepAlive: true,
  };
  if (credentials.caFile !== undefined) {
    const ca = await readFile(credentials.caFile, "utf8");
    return await open(target, { ...config, ssl: { ca, rejectUnauthorized: true } }, proved);
  }
  if (target.host.startsWith("/")) return await open(target, config, proved);
  // As libpq's `prefer`: encrypted when the server offers it, plain otherwise.
  try {
    return await openOnce({ ...config, ssl: { rejectUnauthorized: false } }, proved);
  } catch (error) {
    if (error instanceof Error && error.message.includes("does not support SSL"))
      return await open(target, config, proved);
    throw databaseTrouble(error, target);
  }
}

async function open(target: Target, config: ClientConfig, proved: boolean): Promise<Client> {
  try {
    return await openOnce(config, proved);
  } catch (error) {
    throw databaseTrouble(error, target);
  }
}

/** For a server that has not proved who it is. */
class CarefulClient extends Client {
  // Called by pg when the server asks; pinned with its version, and a test asks.
  _handleAuthCleartextPassword(): void {
    this.connection?.emit(
      "error",
      new Unproven("the server asks for the password in clear text; give ca.crt in its Secret"),
    );
  }
}
class Unproven extends Error {}

async function openOnce(config: ClientConfig, proved: boolean): Promise<Client> {
  const client = proved ? new Client(config) : new CarefulClient(config);
  // A connection that breaks while it is idle emits this event, and without a listener the process would die of it.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

const networkErrors = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "EPIPE",
]);

/** The code for what a server or the way to it says. Anything without a code of its own keeps `otherwise`. */
export function databaseTrouble(
  error: unknown,
  target: Target,
  otherwise: "HO-D301" | "HO-D306" = "HO-D301",
): MoverError {
  if (error instanceof MoverError) return error;
  const at = `database ${target.name} (${target.database} at ${target.host}:${target.port})`;
  const reason = (error instanceof AggregateError ? error.errors : [error])
    .map((one) => (one instanceof Error ? one.message : String(one)))
    .join("; ");
  const fail = (code: MoverError["code"], retry = false): MoverError =>
    new MoverError(code, clip(`${at}: ${reason}`, 900), { retry, cause: error });
  const state = errnoOf(error);
  if (state === "28P01" || state === "28000" || error instanceof Unproven) return fail("HO-D302");
  if (state === "3D000") return fail("HO-D303");
  if (state === "42501") return fail("HO-D305");
  if (state !== undefined && (networkErrors.has(state) || /^(08|53|57P)/.test(state))) return fail("HO-D301", true);
  return fail(otherwise, otherwise === "HO-D301");
}
