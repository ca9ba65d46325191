/** A restore with the real tools: a backup by the real steps, PostgreSQL, tar, zstd, rsync; then the state comes back as it was. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { cleanup } from "../../operator/mover/steps/cleanup.ts";
import { plan } from "../../operator/mover/steps/plan.ts";
import { stage } from "../../operator/mover/steps/stage.ts";
import { swap } from "../../operator/mover/steps/swap.ts";
import { backUp, uploads, type MoverBed } from "../support/mover-bed.ts";
import { differences, run, writeOddFiles } from "../support/odd-files.ts";
import { startPostgres, type PostgresServer } from "../support/postgres-server.ts";
import {
  backUpApp,
  countOrders,
  createBed,
  createShop,
  databaseNames,
  dropShop,
  fill,
  token,
  type RestoreBed,
} from "../support/restore-bed.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(240_000);

let server: PostgresServer;
let bed: MoverBed;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop());
beforeEach(async () => {
  bed = createBed();
  await createShop(server, bed);
});
afterEach(async () => {
  await dropShop(server);
  bed.dispose();
});

const count = async (database?: string): Promise<unknown> => await countOrders(server, database);
const names = async (): Promise<readonly unknown[]> => await databaseNames(server);

/** The accident after the backup. */
async function spoil(): Promise<void> {
  await server.sql("DELETE FROM orders WHERE id > 3", "shop");
  rmSync(join(bed.volume("uploads"), "a"), { recursive: true });
  fill(bed.volume("uploads"), { "two.txt": "spoiled", "new.txt": "new" });
}

async function restore({ tasks, context }: RestoreBed): Promise<void> {
  await stage(tasks.stage, context);
  await swap(tasks.swap, context);
}

describe("databases and volumes come back as they were", () => {
  test("plan, stage beside the running app, swap, cleanup", async () => {
    const app = await backUpApp(bed, server);
    await spoil();
    const planned = await plan(app.tasks.plan, app.context);
    expect(planned).toMatchObject({ id: app.id, location: "source", warnings: [] });
    expect(planned.replaces).toEqual([
      expect.stringMatching(/^database shop \(.* MiB, 2 tables\)$/),
      "volume uploads (2 files, 10 B)",
    ]);

    const staged = await stage(app.tasks.stage, app.context);
    expect(staged).toMatchObject({ files: 2, rows: 501 });
    expect([await count(), readFileSync(join(bed.volume("uploads"), "two.txt"), "utf8")]).toEqual([3, "spoiled"]);
    expect(await names()).toEqual(["shop", `shop_ho_${token}`]);

    expect(await swap(app.tasks.swap, app.context)).toMatchObject({ databases: 1, volumes: 1 });
    expect(await count()).toBe(500);
    expect(readdirSync(bed.volume("uploads"))).toEqual([`.handover-${token}`, "a", "two.txt"]);
    expect(readFileSync(join(bed.volume("uploads"), `.handover-${token}/old/new.txt`), "utf8")).toBe("new");
    expect(await names()).toEqual(["shop", `shop_old_${token}`]);

    expect(await cleanup(app.tasks.cleanup(true), app.context)).toMatchObject({ databases: 1, volumes: 1 });
    expect(await cleanup(app.tasks.cleanup(true), app.context)).toMatchObject({ databases: 0, volumes: 0 });
    expect(await names()).toEqual(["shop"]);
    expect(readdirSync(bed.volume("uploads"))).toEqual(["a", "two.txt"]);
    expect(
      await server.sql("SELECT shobj_description(oid, 'pg_database') AS c FROM pg_database WHERE datname = 'shop'"),
    ).toEqual([{ c: null }]);
  });

  test("odd names, owners, modes, times, links, attributes and holes survive", async () => {
    writeOddFiles(bed.volume("uploads"));
    run("mv", [join(bed.volume("uploads"), "socket"), join(bed.root, "socket")]);
    const before = join(bed.root, "before");
    run("cp", ["-a", bed.volume("uploads"), before]);
    const app = await backUpApp(bed, undefined);
    run("find", [bed.volume("uploads"), "-mindepth", "1", "-delete"]);
    await restore(app);
    await cleanup(app.tasks.cleanup(true), app.context);
    run("touch", ["-r", before, bed.volume("uploads")]);
    expect(differences(before, bed.volume("uploads"))).toBe("");
    expect(differences(bed.volume("uploads"), before)).toBe("");
  });

  test("only the chosen paths are exchanged; what no capture holds is kept", async () => {
    const volume = bed.volume("uploads");
    fill(volume, { "keep/x": "1", "data/in/a": "1", "data/in/cache/c": "old", "data/out": "1" });
    const app = await backUpApp(bed, undefined, {
      volume: { ...uploads, paths: ["data/in", "two.txt"], exclude: ["**/cache"] },
    });
    fill(volume, {
      "keep/x": "2",
      "data/in/a": "2",
      "data/in/late": "2",
      "data/in/cache/c": "warm",
      "data/out": "2",
      "two.txt": "2",
    });
    const planned = await plan(app.tasks.plan, app.context);
    expect(planned.warnings).toEqual([expect.stringContaining("**/cache is not in the generation")]);
    await restore(app);
    const read = (path: string): string => readFileSync(join(volume, path), "utf8");
    expect(["keep/x", "data/in/a", "data/out", "two.txt", "data/in/cache/c"].map(read)).toEqual([
      "2",
      "1",
      "2",
      "two",
      "warm",
    ]);
    expect(existsSync(join(volume, "data/in/late"))).toBe(false);
  });

  test("a backup before the cleanup does not hold what the restore has replaced", async () => {
    const app = await backUpApp(bed, undefined);
    await restore(app);
    const path = await backUp(bed, { seq: 2, volumes: app.volumes });
    expect(run("sh", ["-c", `zstd -dc ${path}/files.jsonl.zst`])).not.toContain(".handover-");
  });

  test("what is gone is simply put back: database, volume content", async () => {
    const app = await backUpApp(bed, server);
    await server.sql("DROP DATABASE shop");
    run("find", [bed.volume("uploads"), "-mindepth", "1", "-delete"]);
    expect((await plan(app.tasks.plan, app.context)).replaces[0]).toBe("database shop: nothing, shop does not exist");
    await restore(app);
    await cleanup(app.tasks.cleanup(true), app.context);
    expect([await count(), readdirSync(bed.volume("uploads"))]).toEqual([500, ["a", "two.txt"]]);
  });

  test("latest is the newest that has all of it; a newer one of databases is restored when it is named", async () => {
    const app = await backUpApp(bed, server);
    await server.sql("DELETE FROM orders WHERE id > 400", "shop");
    const newer = await backUp(bed, { seq: 2, runUID: "run-2", databases: app.databases, volumes: [] });
    await spoil();
    const id = basename(newer);
    expect(await plan(app.tasks.plan, app.context)).toMatchObject({
      id: app.id,
      warnings: [`generation ${id} is newer, but has no volume uploads`],
    });

    const planned = await plan({ ...app.tasks.plan, from: { generation: id } }, app.context);
    expect(planned).toMatchObject({ id, databases: ["shop"], volumes: [] });
    expect(planned.warnings).toEqual(["the generation has no volume uploads, which stays as it is"]);
    const databasesOnly = { volumes: [] };
    const { manifestSHA256 } = planned;
    await stage({ ...app.tasks.stage, ...databasesOnly, id, manifestSHA256 }, app.context);
    await swap({ ...app.tasks.swap, ...databasesOnly }, app.context);
    await cleanup({ ...app.tasks.cleanup(true), ...databasesOnly }, app.context);
    expect([await count(), readFileSync(join(bed.volume("uploads"), "two.txt"), "utf8")]).toEqual([400, "spoiled"]);
    expect(await names()).toEqual(["shop"]);
  });

  test("names that look like options, and names as long as they may be", async () => {
    const long = `${"natürlich".repeat(6)}x`;
    for (const name of ["a=b", long]) {
      await server.sql(`CREATE DATABASE "${name}"`);
      await server.sql("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)", name);
    }
    const app = await backUpApp(bed, server, { databases: ["a=b", long] });
    for (const name of ["a=b", long]) await server.sql("TRUNCATE orders", name);
    await restore(app);
    expect([await count("a=b"), await count(long)]).toEqual([1, 1]);
    await cleanup(app.tasks.cleanup(true), app.context);
    expect(await server.sql("SELECT FROM pg_database WHERE datname ~ 'old_|_ho_'")).toEqual([]);
  });

  test("owner, settings, privileges and comment of the database follow", async () => {
    await server.sql("CREATE ROLE app LOGIN; CREATE ROLE appreader");
    await server.sql(`ALTER DATABASE shop OWNER TO app; ALTER DATABASE shop SET search_path = "$user", public, "o dd";
      ALTER ROLE app IN DATABASE shop SET statement_timeout = '7s'; COMMENT ON DATABASE shop IS 'ours'; REVOKE ALL ON DATABASE shop FROM PUBLIC;
      GRANT CONNECT ON DATABASE shop TO appreader`);
    const facts = `SELECT pg_get_userbyid(datdba) AS owner, datacl::text AS acl, shobj_description(d.oid, 'pg_database') AS comment, datallowconn,
      (SELECT array_agg(setrole::regrole || ':' || setconfig::text ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid) AS settings
      FROM pg_database d WHERE datname = 'shop'`;
    const before = await server.sql(facts);
    const app = await backUpApp(bed, server);
    await restore(app);
    await cleanup(app.tasks.cleanup(true), app.context);
    expect(await server.sql(facts)).toEqual(before);
    expect(JSON.stringify(before)).toContain("7s");
  });

  test("connections held open on the live database are ended, and the fence is lifted", async () => {
    const app = await backUpApp(bed, server);
    await spoil();
    await stage(app.tasks.stage, app.context);
    const held = await Promise.all([1, 2, 3].map(async () => await server.connect("shop")));
    await held[0]?.query("BEGIN; UPDATE orders SET note = 'in flight'");
    await swap(app.tasks.swap, app.context);
    expect(await count()).toBe(500);
    await expect(held[0]?.query("COMMIT")).rejects.toThrow(/terminat|closed|not queryable/);
    await expect(server.connect(`shop_old_${token}`)).rejects.toThrow("not currently accepting connections");
    await Promise.all(held.map((client) => client.end().catch(() => undefined)));
  });

  test("a user that is no superuser: its own database, objects of others become its own", async () => {
    await server.sql("CREATE ROLE app LOGIN CREATEDB PASSWORD 'x'; CREATE ROLE appother");
    await server.sql("ALTER DATABASE shop OWNER TO app");
    await server.sql(
      `ALTER TABLE orders OWNER TO app; GRANT ALL ON "odd ""table" TO app; CREATE TABLE theirs (id int); ALTER TABLE theirs OWNER TO appother; GRANT SELECT ON theirs TO app`,
      "shop",
    );
    const app = await backUpApp(bed, server, { username: "app", password: "x" });
    const planned = await plan(app.tasks.plan, app.context);
    expect(planned.warnings).toEqual([expect.stringContaining("app may not give objects to appother, postgres")]);
    await server.sql("DELETE FROM orders", "shop");
    await restore(app);
    expect(await count()).toBe(500);
    await cleanup(app.tasks.cleanup(true), app.context);
  });
});
