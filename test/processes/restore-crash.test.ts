/** A swap that is killed at any point ends fully new when it is repeated; before the commit of the databases it can also end fully old. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MoverContext } from "../../operator/mover/context.ts";
import { cleanup } from "../../operator/mover/steps/cleanup.ts";
import { stage } from "../../operator/mover/steps/stage.ts";
import { swap } from "../../operator/mover/steps/swap.ts";
import { uploads, type MoverBed } from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";
import { startPostgres, type PostgresServer } from "../support/postgres-server.ts";
import { backUpApp, createBed, createShop, dropShop, fill, token, type RestoreBed } from "../support/restore-bed.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(240_000);

/** Content of each file below a directory, by path. */
const contents = (root: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    run("find", [root, "-type", "f", "-printf", String.raw`%P\n`])
      .split("\n")
      .filter((path) => path !== "")
      .map((path) => [path, readFileSync(join(root, path), "utf8")]),
  );

describe("volumes", () => {
  let bed: MoverBed;
  beforeEach(() => {
    bed = createBed();
  });
  afterEach(() => bed.dispose());

  const cases = [
    { name: "the whole volume", volume: { ...uploads, exclude: ["cache", "b/**/tmp"] } },
    { name: "some paths", volume: { ...uploads, paths: ["b", "c/deep/er"], exclude: ["b/x/tmp"] } },
  ];
  test.each(cases)("killed before any rename: $name", async ({ volume }) => {
    const root = bed.volume("uploads");
    fill(root, {
      "a/1": "old",
      "b/1": "old",
      "b/x/tmp/t": "gone",
      "c/deep/er/1": "old",
      "c/deep/2": "old",
      d: "old",
      "cache/1": "c",
    });
    const app = await backUpApp(bed, undefined, { volume });
    fill(root, {
      "a/1": "new",
      "b/1": "new",
      "b/2": "new",
      "b/x/tmp/t": "kept",
      "c/deep/er/1": "new",
      "c/deep/2": "new",
      d: "new",
      "cache/1": "kept",
    });
    await stage(app.tasks.stage, app.context);
    const staged = join(bed.root, "staged");
    run("cp", ["--archive", "--no-target-directory", root, staged]);

    const points: string[] = [];
    await swap(app.tasks.swap, { ...app.context, checkpoint: (point) => points.push(point) });
    const restored = contents(root);
    expect(points.length).toBeGreaterThan(8);
    const whole = volume.paths.includes(".");
    expect(restored).toMatchObject({
      "a/1": whole ? "old" : "new",
      "b/1": "old",
      "c/deep/er/1": "old",
      "c/deep/2": whole ? "old" : "new",
      "cache/1": "kept",
      "b/x/tmp/t": "kept",
    });
    expect(restored["b/2"]).toBeUndefined();

    const everything = Object.values(contents(staged)).toSorted();
    for (const [index, point] of points.entries()) {
      run("find", [root, "-mindepth", "1", "-delete"]);
      run("cp", ["--archive", "--no-target-directory", staged, root]);
      let seen = 0;
      const checkpoint = (): void => {
        seen += 1;
        if (seen === index + 1) throw new Error("killed");
      };
      await expect(swap(app.tasks.swap, { ...app.context, checkpoint })).rejects.toThrow("killed");
      // Nothing is lost at any moment: neither the present state nor the restored one.
      const { [`.handover-${token}/state.json`]: _state, ...files } = contents(root);
      const { [`.handover-${token}/state.json`]: _before, ...all } = contents(staged);
      expect([point, Object.values(files).toSorted()]).toEqual([point, Object.values(all).toSorted()]);
      await swap(app.tasks.swap, app.context);
      expect([point, contents(root)]).toEqual([point, restored]);
    }
    expect(everything.length).toBeGreaterThan(10);
    await swap(app.tasks.swap, app.context);
    expect(contents(root)).toEqual(restored);
    await expect(cleanup(app.tasks.cleanup(false), app.context)).rejects.toMatchObject({ code: "HO-R804" });
    await cleanup(app.tasks.cleanup(true), app.context);
    expect(readdirSync(root)).not.toContain(`.handover-${token}`);
  });

  test("what a stranger writes during the exchange is kept aside, and a link in the way is not followed", async () => {
    const root = bed.volume("uploads");
    fill(root, { "a/1": "old", b: "old" });
    const app = await backUpApp(bed, undefined);
    await stage(app.tasks.stage, app.context);
    const checkpoint = (point: string): void => {
      if (point.endsWith("reach moving-new")) fill(root, { b: "stranger" });
    };
    await swap(app.tasks.swap, { ...app.context, checkpoint });
    expect(readFileSync(join(root, "b"), "utf8")).toBe("old");
    expect(readFileSync(join(root, `.handover-${token}/old/b.1`), "utf8")).toBe("stranger");
  });

  test("a swap that has begun cannot be thrown away, and one that has not cannot be finished by the cleanup", async () => {
    fill(bed.volume("uploads"), { a: "old" });
    const app = await backUpApp(bed, undefined);
    await stage(app.tasks.stage, app.context);
    await expect(cleanup(app.tasks.cleanup(true), app.context)).rejects.toMatchObject({ code: "HO-R804" });
    const checkpoint = (point: string): void => {
      if (point.endsWith("reach moving-new")) throw new Error("killed");
    };
    await expect(swap(app.tasks.swap, { ...app.context, checkpoint })).rejects.toMatchObject({
      code: "HO-R804",
      retry: true,
    });
    for (const swapped of [true, false])
      await expect(cleanup(app.tasks.cleanup(swapped), app.context)).rejects.toMatchObject({ code: "HO-R804" });
    await swap(app.tasks.swap, app.context);
    expect(contents(bed.volume("uploads"))["a"]).toBe("old");
  });
});

describe("databases and volumes", () => {
  let server: PostgresServer;
  let bed: MoverBed;
  let app: RestoreBed;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server.stop());
  beforeEach(async () => {
    bed = createBed();
    await createShop(server, bed);
    await server.sql("CREATE DATABASE shoptwo");
    await server.sql("CREATE TABLE orders (id int)", "shoptwo");
    app = await backUpApp(bed, server, { databases: ["shop", "shoptwo"] });
    fill(bed.volume("uploads"), { "two.txt": "changed" });
    await stage(app.tasks.stage, app.context);
  }, 30_000);
  afterEach(async () => {
    await dropShop(server);
    bed.dispose();
  });

  const oids = async (): Promise<Readonly<Record<string, unknown>>> =>
    Object.fromEntries(
      (await server.sql("SELECT datname, oid::int AS oid FROM pg_database WHERE datname ~ 'shop'")).map(
        ({ datname, oid }) => [datname, oid],
      ),
    );
  const child = fileURLToPath(new URL("../support/swap-child.ts", import.meta.url));
  /** @returns the checkpoints that it came to; killed at the last of them unless it ended by itself */
  const killAt = (limit: number): { readonly points: readonly string[]; readonly killed: boolean } => {
    const { stdout, stderr, signal, status } = spawnSync(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", child, JSON.stringify(app.tasks.swap), bed.root, String(limit)],
      { encoding: "utf8" },
    );
    if (signal === null && status !== 0) throw new Error(stderr);
    return { points: stdout.trim().split("\n"), killed: signal === "SIGKILL" };
  };
  const state = async (): Promise<string> => {
    const now = await oids();
    const isNew = ["shop", "shoptwo"].map((name) => now[name] === before[`${name}_ho_${token}`]);
    const isOld = ["shop", "shoptwo"].map((name) => now[name] === before[name]);
    const volume = contents(bed.volume("uploads"))["two.txt"] === "two";
    if (isOld.every(Boolean) && !volume) return "old";
    return isNew.every(Boolean) ? (volume ? "new" : "databases new") : "MIXED";
  };
  const failAt = (where: string): MoverContext => ({
    ...app.context,
    checkpoint: (point) => {
      if (point === where) throw new Error("lost");
    },
  });
  let before: Readonly<Record<string, unknown>> = {};
  beforeEach(async () => {
    before = await oids();
  });

  test("killed again and again, each time one step further: all databases at once, then the volume, never mixed", async () => {
    const seen: string[] = [];
    for (let limit = 1; limit < 40; limit += 1) {
      const { points, killed } = killAt(limit);
      if (!killed) break;
      // The server rolls back when it notices that its client is gone.
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen.push(`${points.at(-1)}: ${await state()}`);
      // A repeated step finds less to do, so what it does is counted anew once the databases are through.
      if ((await state()) !== "old") break;
    }
    expect(seen.filter((line) => line.endsWith("MIXED"))).toEqual([]);
    expect(seen).toContain("database: commit: old");
    expect(seen.at(-1)).toBe("database: committed: databases new");
    expect(killAt(3).killed).toBe(true);
    expect(killAt(0).killed).toBe(false);
    expect(await state()).toBe("new");
    await cleanup(app.tasks.cleanup(true), app.context);
    expect(Object.keys(await oids()).toSorted()).toEqual(["shop", "shoptwo"]);
  });

  test("killed before the commit, it can be given up: the old databases take connections again", async () => {
    const { points } = killAt(11);
    expect(points.at(-1)).toBe("database: commit");
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(server.connect("shop")).rejects.toThrow("not currently accepting connections");
    expect(await cleanup(app.tasks.cleanup(false), app.context)).toMatchObject({ databases: 2, volumes: 1 });
    expect(await oids()).toEqual({ shop: before["shop"], shoptwo: before["shoptwo"] });
    for (const name of ["shop", "shoptwo"]) await (await server.connect(name)).end();
  });

  test("a swap that fails leaves both as they were, opens the databases and says that nothing was exchanged", async () => {
    await server.sql(`CREATE DATABASE shop_old_${token}`);
    await expect(swap(app.tasks.swap, app.context)).rejects.toMatchObject({ code: "HO-R807" });
    await server.sql(`DROP DATABASE shop_old_${token}`);
    await expect(swap(app.tasks.swap, failAt("database: commit"))).rejects.toMatchObject({ code: "HO-R807" });
    expect(await state()).toBe("old");
    for (const name of ["shop", "shoptwo"]) await (await server.connect(name)).end();
    await swap(app.tasks.swap, app.context);
    expect(await state()).toBe("new");
    await expect(cleanup(app.tasks.cleanup(false), app.context)).rejects.toMatchObject({ code: "HO-R804" });
  });

  test("a commit whose answer is lost never counts as nothing exchanged, nor does a server that cannot be asked", async () => {
    await expect(swap(app.tasks.swap, failAt("database: committed"))).rejects.toMatchObject({
      code: "HO-R804",
      retry: true,
    });
    expect(await state()).toBe("databases new");
    const databases = app.databases.map((ref) => ({ ...ref, port: 1 }));
    await expect(swap({ ...app.tasks.swap, databases }, app.context)).rejects.toMatchObject({
      code: "HO-R804",
      retry: true,
    });
    await swap(app.tasks.swap, app.context);
    expect(await state()).toBe("new");
  });

  test("fenced by an attempt that was killed, refused by the next one: the databases are open again", async () => {
    expect(killAt(7).points.at(-1)).toMatch(/^database: rename/);
    await server.sql(`DROP DATABASE shoptwo_ho_${token}`);
    await expect(swap(app.tasks.swap, app.context)).rejects.toMatchObject({ code: "HO-R807" });
    await (await server.connect("shop")).end();
  });

  test("a database that only looks replaced is never dropped", async () => {
    await swap(app.tasks.swap, app.context);
    await server.sql(`DROP DATABASE shop_old_${token}`);
    await server.sql(`CREATE DATABASE shop_old_${token}`);
    await cleanup(app.tasks.cleanup(true), app.context);
    expect(Object.keys(await oids()).toSorted()).toEqual(["shop", `shop_old_${token}`, "shoptwo"]);
  });
});
