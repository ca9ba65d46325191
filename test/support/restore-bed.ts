/** An app with a database and a volume on a real PostgreSQL server, backed up by the real steps, and tasks to restore it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseRef, TaskOf, VolumeRef } from "../../operator/contract/task.ts";
import type { MoverContext } from "../../operator/mover/context.ts";
import { readGeneration } from "../../operator/mover/store/listing.ts";
import { backUp, common as capturing, createBed, uploads, writeSecret, type MoverBed } from "./mover-bed.ts";
import type { PostgresServer } from "./postgres-server.ts";

export const runUID = "5ca1ab1e-0000-4000-8000-000000000001";
export const token = "5ca1ab1e";
const common = { ...capturing, run: "restore-1", runUID } as const;

export interface RestoreBed {
  readonly bed: MoverBed;
  readonly context: MoverContext;
  readonly id: string;
  /** Directory of the generation. */
  readonly path: string;
  readonly databases: readonly DatabaseRef[];
  readonly volumes: readonly VolumeRef[];
  readonly tasks: {
    readonly plan: TaskOf<"plan">;
    readonly stage: TaskOf<"stage">;
    readonly swap: TaskOf<"swap">;
    readonly cleanup: (swapped: boolean) => TaskOf<"cleanup">;
  };
}

export interface AppOptions {
  /** Names of databases on the server; they are also their names in the policy. */
  readonly databases?: readonly string[];
  readonly volume?: VolumeRef;
  /** User of the Secret. */
  readonly username?: string;
  readonly password?: string;
}

/** @param server absent: an app without a database. The volume and the databases must be filled before. */
export async function backUpApp(
  bed: MoverBed,
  server: PostgresServer | undefined,
  options: AppOptions = {},
): Promise<RestoreBed> {
  const databases = (server === undefined ? [] : (options.databases ?? ["shop"])).map((name): DatabaseRef => ({
    name: name.replaceAll(/[^a-z]/g, ""),
    host: server?.host ?? "",
    port: server?.port ?? 0,
    database: name,
    release: "AfterSnapshot",
  }));
  for (const { name } of databases)
    writeSecret(bed, name, {
      username: options.username ?? "postgres",
      password: options.password ?? server?.password ?? "",
    });
  const volumes = [options.volume ?? uploads];
  const path = await backUp(bed, { databases, volumes });
  const generation = await readGeneration(path, path.split("/").at(-1) ?? "");
  if (typeof generation === "string") throw new Error(generation);
  const location = { name: "source" };
  const parts = { databases: [...databases], volumes };
  return {
    bed,
    context: bed.context("restore-pod"),
    id: generation.id,
    path,
    databases,
    volumes,
    tasks: {
      plan: {
        ...common,
        step: "plan",
        from: { latest: true },
        included: false,
        locations: [location],
        passedOver: [],
        ...parts,
      },
      stage: {
        ...common,
        step: "stage",
        id: generation.id,
        location,
        manifestSHA256: generation.manifestSHA256,
        ...parts,
      },
      swap: { ...common, step: "swap", ...parts },
      cleanup: (swapped) => ({ ...common, step: "cleanup", swapped, ...parts }),
    },
  };
}

export { createBed };

/** Writes files of a volume; a path with a slash makes its directories. */
export function fill(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

/** The databases and roles that these tests make, on a server that is shared by the tests of a file. */
export async function createShop(server: PostgresServer, bed: MoverBed): Promise<void> {
  await server.sql("CREATE DATABASE shop");
  await server.sql(
    `CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders SELECT n, 'note ' || n FROM generate_series(1, 500) n;
     CREATE TABLE "odd ""table" (v int); INSERT INTO "odd ""table" VALUES (1)`,
    "shop",
  );
  fill(bed.volume("uploads"), { "a/one.txt": "one", "two.txt": "two" });
}

export async function dropShop(server: PostgresServer): Promise<void> {
  for (const { datname } of await server.sql("SELECT datname FROM pg_database WHERE datname ~ 'shop|=|ürlich'"))
    await server.sql(`DROP DATABASE "${String(datname)}" WITH (FORCE)`);
  for (const { rolname } of await server.sql("SELECT rolname FROM pg_roles WHERE rolname ~ '^app'"))
    await server.sql(`DROP ROLE "${String(rolname)}"`);
}

export const countOrders = async (server: PostgresServer, database = "shop"): Promise<unknown> =>
  (await server.sql("SELECT count(*)::int AS n FROM orders", database))[0]?.["n"];

/** Names of the databases of the app, ours beside it included. */
export const databaseNames = async (server: PostgresServer): Promise<readonly unknown[]> =>
  (await server.sql("SELECT datname FROM pg_database WHERE datname LIKE '%shop%' ORDER BY 1")).map(
    ({ datname }) => datname,
  );
