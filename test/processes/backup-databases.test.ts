/** The database half of a backup against a real PostgreSQL server: one moment of all, the app let go at the right time, and no broken dump sealed. */
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { DatabaseRef } from "../../operator/contract/task.ts";
import { manifestSchema, type Manifest } from "../../operator/domain/manifest.ts";
import { dump } from "../../operator/mover/steps/dump.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { release } from "../../operator/mover/steps/release.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import {
  backUp,
  capture,
  common,
  createBed,
  preflightTask,
  sealTask,
  writeSecret,
  type MoverBed,
} from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";
import { fill } from "../support/restore-bed.ts";
import { createShop, shopName } from "../support/shop-database.ts";
import { startPostgres, type PostgresServer } from "../support/postgres-server.ts";

jest.setTimeout(240_000);

let server: PostgresServer;
let bed: MoverBed;
beforeAll(async () => {
  server = await startPostgres();
  await createShop(server);
});
afterAll(() => server.stop());

beforeEach(() => {
  bed = createBed();
  writeSecret(bed, "shop", { username: "postgres\n", password: `${server.password}\n` });
});
afterEach(() => bed.dispose());

const shop = (more: Partial<DatabaseRef> = {}): DatabaseRef => ({
  name: "shop",
  host: server.host,
  port: server.port,
  database: shopName,
  release: "AfterSnapshot",
  ...more,
});
const only = (...databases: DatabaseRef[]) => ({ databases, volumes: [] });
const manifestOf = (generation: string): Manifest =>
  manifestSchema.parse(JSON.parse(readFileSync(join(generation, "manifest.json"), "utf8")));
const dumpTask = (...databases: DatabaseRef[]) => ({ ...common, step: "dump" as const, seq: 1, databases });
const released = async (): Promise<void> => {
  while (!readdirSync(join(bed.root, "signal")).includes("dump.released")) await sleep(5);
};

describe("a whole backup", () => {
  test("says what is in it, and restore.sh alone loads it and counts the rows", async () => {
    const generation = await backUp(bed, only(shop()));
    expect(run("find", [generation, "-perm", "/077"])).toBe("");
    const [database] = manifestOf(generation).databases;
    expect(database).toMatchObject({
      name: "shop",
      database: shopName,
      encoding: "UTF8",
      collate: "C",
      owner: "postgres",
      serverVersion: expect.stringMatching(/^[0-9]+\./),
    });
    expect(database?.snapshot.lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    expect(database?.snapshot.timeline).toBe(1);
    expect(database?.tables).toEqual([
      { schema: "Odd schema", name: 'it\'s "odd"', rows: 2 },
      { schema: "public", name: "orders", rows: 20_000 },
      { schema: "public", name: "parted_1", rows: 1 },
    ]);
    expect(readFileSync(join(generation, "databases/shop/globals.sql"), "utf8")).toMatch(/CREATE ROLE clerk/);
    expect(readFileSync(join(generation, "databases/shop/globals.sql"), "utf8")).not.toMatch(/PASSWORD/);
    expect(run("grep", ["-rlF", server.password, bed.root, "--exclude-dir=secrets"], { okCodes: [1] })).toBe("");

    await server.sql("CREATE DATABASE restored TEMPLATE template0");
    const url = `postgresql://postgres@127.0.0.1:${server.port}/restored`;
    const options = { cwd: generation, env: { ...process.env, PGPASSWORD: server.password } };
    run("sh", ["restore.sh", "--database", url], options);
    expect(await server.sql("SELECT sum(hashtext(o::text))::text AS h FROM orders o", "restored")).toEqual(
      await server.sql("SELECT sum(hashtext(o::text))::text AS h FROM orders o", shopName),
    );
    // What is there already is not loaded over, and nothing else is begun.
    const out = join(bed.root, "out");
    const again = run("sh", ["-c", 'sh restore.sh --to "$0" --database "$1" 2>&1 || true', out, url], options);
    expect(again).toMatch(/to load shop into has to be empty, and has [0-9]+ tables, .*Nothing was restored\n$/);
    expect(existsSync(out)).toBe(false);
    // The check of the rows can fail.
    await server.sql("DELETE FROM orders WHERE id = 1", "restored");
    const check = ["-XqAt", `--dbname=${url}`, `--file=${generation}/databases/shop/check.sql`];
    expect(run("psql", check, options).trim()).toBe("public.orders: expected 20000 rows, found 19999");
  });

  test("has the room that dead runs of databases alone have taken: nobody else gives it back before", async () => {
    await preflight(preflightTask(only(shop())), bed.context("p"));
    fill(bed.staging(1, "dead"), { "databases/shop/dump/toc.dat": "half a dump" });
    await capture(bed, { ...only(shop()), seq: 2 });
    expect(readdirSync(bed.layout.staging)).toEqual(["000002-pod-1"]);
  });

  test("holds several databases, which are all held before the app may go", async () => {
    writeSecret(bed, "other", { username: "postgres", password: server.password });
    const other = { ...shop(), name: "other", database: "postgres" };
    const { dump: result } = await (async () => {
      await preflight(preflightTask(only(shop(), other)), bed.context("p"));
      return await capture(bed, only(shop(), other));
    })();
    expect(result?.tables).toBe(3);
    await expect(seal(sealTask(only(shop(), other)), bed.context("s"))).resolves.toMatchObject({ tables: 3 });
  });
});

describe("the moment of release", () => {
  test("comes with every table locked, and rows written after it are not in the dump", async () => {
    const busy = shop({ database: "busy" });
    await preflight(preflightTask(only(busy)), bed.context("p"));
    const app = await server.connect("busy");
    try {
      const dumping = dump(dumpTask(busy), bed.context("pod-1"));
      await Promise.race([released(), dumping]);
      for (const table of ["orders", "tiny", "parted_1", '"Odd schema"."it\'s ""odd"""']) {
        await app.query("BEGIN");
        await expect(app.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE NOWAIT`)).rejects.toThrow(
          /could not obtain lock/,
        );
        await app.query("ROLLBACK");
      }
      await app.query("INSERT INTO orders SELECT i, 'late' FROM generate_series(100001, 100500) i");
      await app.query("UPDATE orders SET note = 'late' WHERE id <= 500");
      const { rows } = await dumping;
      expect(rows).toBe(80_003);
      const { id } = await seal(sealTask(only(busy)), bed.context("s"));
      const dumped = run(
        "/usr/lib/postgresql/15/bin/pg_restore",
        ["--file=-", "--table=orders", "--data-only", join(bed.layout.handover, id, "databases/shop/dump")],
        { maxBuffer: 200 * 1024 * 1024 },
      );
      expect(dumped).not.toMatch(/\tlate$/m);
      expect(dumped.match(/^\d+\t/gm)).toHaveLength(80_000);
    } finally {
      await app.end();
    }
  });

  test("is one moment for dump and counted rows, although the app never stops writing", async () => {
    await server.sql("CREATE TABLE ticks (n serial)", "busy");
    await preflight(preflightTask(only(shop({ database: "busy" }))), bed.context("p"));
    const app = await server.connect("busy");
    const stop = new AbortController();
    const writer = (async () => {
      while (!stop.signal.aborted) await app.query("INSERT INTO ticks DEFAULT VALUES");
    })();
    try {
      await dump(dumpTask(shop({ database: "busy" })), bed.context("pod-1"));
    } finally {
      stop.abort();
      await writer;
      await app.end();
    }
    const { id } = await seal(sealTask(only(shop({ database: "busy" }))), bed.context("s"));
    const generation = join(bed.layout.handover, id);
    const ticks = run("/usr/lib/postgresql/15/bin/pg_restore", [
      "--file=-",
      "--table=ticks",
      "--data-only",
      join(generation, "databases/shop/dump"),
    ]).match(/^\d+$/gm);
    expect(manifestOf(generation).databases[0]?.tables.find(({ name }) => name === "ticks")?.rows).toBe(ticks?.length);
    expect(Number((await server.sql("SELECT count(*) FROM ticks", "busy"))[0]?.["count"])).toBeGreaterThan(
      ticks?.length ?? 0,
    );
    await server.sql("DROP TABLE ticks", "busy");
  });

  test("comes only after the dump when the policy says so", async () => {
    await preflight(preflightTask(only(shop())), bed.context("p"));
    const held: string[] = [];
    const watching = (async () => {
      await released();
      const locks = await server.sql(
        "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'handover-%' AND xact_start IS NOT NULL AND datname = current_database()",
        shopName,
      );
      held.push(...locks.map(String));
    })();
    await dump(dumpTask(shop({ release: "AfterDump" })), bed.context("pod-1"));
    await watching;
    expect(held).toEqual([]);
    expect(statSync(join(bed.staging(1, "pod-1"), "databases/shop/dump/toc.dat")).size).toBeGreaterThan(0);
  });

  test("is told by release at once, and its failure too", async () => {
    const waiting = release({ ...common, step: "release", parts: ["dump", "archive"] }, bed.context("pod-1"));
    writeFileSync(join(bed.root, "signal", "dump.released"), "{}");
    await sleep(60);
    const started = Date.now();
    writeFileSync(join(bed.root, "signal", "archive.released"), "{}");
    await waiting;
    expect(Date.now() - started).toBeLessThan(200);
    bed.newPod();
    const failing = release(
      { ...common, step: "release", parts: ["dump"] },
      bed.context("pod-2", AbortSignal.timeout(10_000)),
    );
    await preflight(preflightTask(only()), bed.context("p"));
    writeSecret(bed, "shop", { username: "postgres", password: "wrong" });
    await Promise.all([
      expect(dump(dumpTask(shop()), bed.context("pod-2"))).rejects.toMatchObject({ code: "HO-D302" }),
      expect(failing).rejects.toMatchObject({ code: "HO-D302" }),
    ]);
  });
});

describe("an app that wants a table for itself while it is dumped", () => {
  test("fails the dump with the advice to release after it; the source is released all the same", async () => {
    const busy = shop({ database: "busy" });
    await preflight(preflightTask(only(busy)), bed.context("p"));
    const app = await server.connect("busy");
    try {
      const dumping = dump(dumpTask(busy), bed.context("pod-1"));
      await Promise.race([released(), dumping]);
      // Waits for the lock that pg_dump holds, and a worker of pg_dump then will not wait behind it.
      const migrating = app.query("ALTER TABLE tiny ADD COLUMN y int").catch(() => undefined);
      const failure = await dumping.catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: "HO-D306",
        message: expect.stringMatching(/release: AfterDump.*could not obtain lock on relation/),
      });
      expect(readdirSync(join(bed.root, "signal")).toSorted()).toEqual(["dump.failed", "dump.released"]);
      await release({ ...common, step: "release", parts: ["dump"] }, bed.context("pod-1"));
      await migrating;
    } finally {
      await app.end();
    }
  });
});

describe("the seal of a dump", () => {
  const dumpOf = (): string => join(bed.staging(1, "pod-1"), "databases/shop/dump");
  const largest = (): string => {
    const [file] = readdirSync(dumpOf()).toSorted(
      (a, b) => statSync(join(dumpOf(), b)).size - statSync(join(dumpOf(), a)).size,
    );
    return join(dumpOf(), file ?? "");
  };
  const captured = async (): Promise<void> => {
    await preflight(preflightTask(only(shop())), bed.context("p"));
    await capture(bed, only(shop()));
  };
  /** As if the dump had been so when it was written: only decoding it can tell. */
  const admit = (): void => {
    const part = join(bed.staging(1, "pod-1"), "part-dump.json");
    const content = JSON.parse(readFileSync(part, "utf8")) as {
      files: { path: string; size: number; sha256: string }[];
    };
    for (const file of content.files) {
      const path = join(bed.staging(1, "pod-1"), file.path);
      file.size = statSync(path).size;
      file.sha256 = run("sha256sum", [path]).slice(0, 64);
    }
    writeFileSync(part, JSON.stringify(content));
  };

  const flip = (file: string): void => {
    const bytes = readFileSync(file);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  };

  test.each([
    ["a truncated table", () => truncateSync(largest(), statSync(largest()).size - 4_000)],
    [
      "a table that was truncated before it was hashed",
      () => {
        truncateSync(largest(), Math.floor(statSync(largest()).size / 2));
        admit();
      },
    ],
    [
      "another list of roles of the same length",
      () => flip(join(bed.staging(1, "pod-1"), "databases/shop/globals.sql")),
    ],
    ["a missing table", () => unlinkSync(largest())],
    ["a dump that did not finish", () => unlinkSync(join(bed.staging(1, "pod-1"), "part-dump.json"))],
  ])("refuses %s", async (_name, damage) => {
    await captured();
    damage();
    await expect(seal(sealTask(only(shop())), bed.context("s"))).rejects.toMatchObject({ code: "HO-A404" });
    expect(readdirSync(bed.layout.handover)).toEqual([]);
  });
});
