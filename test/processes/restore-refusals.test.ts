/** What a restore refuses, and that it then leaves nothing behind. With real PostgreSQL, tar, zstd, rsync. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../operator/mover/steps/cleanup.ts";
import { plan } from "../../operator/mover/steps/plan.ts";
import { stage } from "../../operator/mover/steps/stage.ts";
import { swap } from "../../operator/mover/steps/swap.ts";
import { uploads, type MoverBed } from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";
import { startPostgres, type PostgresServer } from "../support/postgres-server.ts";
import {
  backUpApp,
  countOrders,
  createBed,
  createShop,
  databaseNames,
  dropShop,
  token,
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

describe("a plan says what cannot work, before anything is touched", () => {
  test("rights", async () => {
    await server.sql("CREATE ROLE app LOGIN PASSWORD 'x'; GRANT pg_read_all_data TO app");
    const app = await backUpApp(bed, server, { username: "app", password: "x" });
    await expect(plan(app.tasks.plan, app.context)).rejects.toMatchObject({
      code: "HO-D305",
      message: expect.stringContaining("CREATEDB"),
    });
    await server.sql("ALTER ROLE app CREATEDB");
    await expect(plan(app.tasks.plan, app.context)).rejects.toMatchObject({
      code: "HO-D305",
      message: expect.stringContaining("does not own shop"),
    });
  });

  test("a role that is gone is named, and the restore does without it", async () => {
    await server.sql(
      "CREATE ROLE appgone; ALTER TABLE orders OWNER TO appgone; GRANT CREATE ON SCHEMA public TO appgone",
      "shop",
    );
    const app = await backUpApp(bed, server);
    await server.sql("REASSIGN OWNED BY appgone TO postgres; DROP OWNED BY appgone; DROP ROLE appgone", "shop");
    const planned = await plan(app.tasks.plan, app.context);
    expect(planned.warnings).toEqual([expect.stringContaining("the server has no role appgone")]);
    await stage(app.tasks.stage, app.context);
    await swap(app.tasks.swap, app.context);
    expect(await count()).toBe(500);
  });

  test("an unreachable server, a missing part, a generation that is not there", async () => {
    const app = await backUpApp(bed, server);
    const { plan: task } = app.tasks;
    const gone = { ...task, databases: task.databases.map((ref) => ({ ...ref, port: 1 })) };
    await expect(plan(gone, app.context)).rejects.toMatchObject({ code: "HO-D301" });
    const volumes = [...task.volumes, { ...uploads, name: "more" }];
    await expect(plan({ ...task, volumes }, app.context)).rejects.toMatchObject({ code: "HO-R805" });
    const refused = async (from: typeof task.from): Promise<unknown> =>
      await plan({ ...task, from }, app.context).catch((error: unknown) => error);
    expect(await refused({ generation: "000007" })).toMatchObject({
      code: "HO-R801",
      message: expect.stringContaining(app.id),
    });
    expect(await refused({ before: "2020-01-01T00:00:00Z" })).toMatchObject({
      code: "HO-R801",
      message: expect.stringContaining(app.id),
    });
    expect(await refused({ latest: true, location: "vault" })).toMatchObject({ code: "HO-R801" });
    expect(await plan({ ...task, from: { generation: "000001" } }, app.context)).toMatchObject({ id: app.id });
  });

  test.each(["+i", "+a"])("a name that nobody may move (chattr %s)", async (mark) => {
    const app = await backUpApp(bed, undefined);
    await expect(plan(app.tasks.plan, app.context)).resolves.toBeDefined();
    const name = join(bed.volume("uploads"), "two.txt");
    run("chattr", [mark, name]);
    try {
      await expect(plan(app.tasks.plan, app.context)).rejects.toMatchObject({
        code: "HO-R811",
        message: expect.stringContaining("two.txt"),
      });
    } finally {
      run("chattr", ["-i", "-a", name]);
    }
  });

  test("too little room on the volume, with numbers", async () => {
    const app = await backUpApp(bed, undefined);
    const full = join(bed.root, "full");
    run("mkdir", [full]);
    run("mount", ["-t", "tmpfs", "-o", "size=8m", "none", full]);
    try {
      const context = { ...app.context, roots: { ...app.context.roots, volume: () => full } };
      await expect(plan(app.tasks.plan, context)).rejects.toMatchObject({
        code: "HO-C903",
        message: expect.stringMatching(/needs .* MiB .* free/),
      });
    } finally {
      run("umount", [full]);
    }
  });
});

describe("staging that fails leaves nothing behind", () => {
  const damages: Readonly<Record<string, (path: string) => void>> = {
    "a truncated archive": (path) => truncateSync(join(path, "volumes/uploads.tar.zst"), 100),
    "a changed archive": (path) => {
      const file = join(path, "volumes/uploads.tar.zst");
      const bytes = readFileSync(file);
      bytes[50] = (bytes[50] ?? 0) ^ 1;
      writeFileSync(file, bytes);
    },
    "an extra file in the dump": (path) => appendFileSync(join(path, "databases/shop/dump/extra"), "x"),
  };
  test.each(Object.keys(damages))("%s is found before anything is built", async (name) => {
    const app = await backUpApp(bed, server);
    damages[name]?.(app.path);
    await expect(stage(app.tasks.stage, app.context)).rejects.toMatchObject({ code: "HO-R802" });
    expect([await names(), readdirSync(bed.volume("uploads"))]).toEqual([["shop"], ["a", "two.txt"]]);
  });

  test("a dump whose rows are not those that were counted", async () => {
    const app = await backUpApp(bed, server);
    const { forged, digest } = forge(app.path, (manifest) => manifest.replace('"rows": 500', '"rows": 501'));
    const task = { ...app.tasks.stage, manifestSHA256: digest };
    expect(forged).toBe(true);
    await expect(stage(task, app.context)).rejects.toMatchObject({
      code: "HO-R803",
      message: expect.stringContaining("public.orders has 500 rows, captured were 501"),
    });
    expect([await names(), readdirSync(bed.volume("uploads"))]).toEqual([["shop"], ["a", "two.txt"]]);
  });

  const hostile: Readonly<Record<string, string>> = {
    "a file that was not captured": "echo x > extra; tar -c .",
    "a mode that was not captured": "chmod 4755 two.txt; tar -c .",
    "a content that was not captured": "printf xxx > two.txt; tar -c .",
    "a member outside of the volume": "tar -c -P --transform 's,^\\./two.txt,../../evil,' .",
    "a link out of the volume and a member below it":
      "ln -s /tmp link; tar -c . > ../t; rm link; mkdir link; echo x > link/handover-evil; tar -r -f ../t ./link/handover-evil; cat ../t",
  };
  test.each(Object.keys(hostile))("an archive with %s, under digests that fit", async (name) => {
    const app = await backUpApp(bed, undefined);
    const archive = join(app.path, "volumes/uploads.tar.zst");
    const tree = join(bed.root, "forged/tree");
    run("sh", [
      "-c",
      `mkdir -p ${tree} && cd ${tree} && zstd -dc ${archive} | tar -x && (${hostile[name]}) | zstd -qf -o ${archive}`,
    ]);
    const [size, sum] = [statSync(archive).size, run("sha256sum", [archive]).slice(0, 64)];
    const entry = /("path": "volumes\/uploads.tar.zst",\s+"size": )\d+(,\s+"sha256": ")([0-9a-f]+)/;
    const old = entry.exec(readFileSync(join(app.path, "manifest.json"), "utf8"))?.[3] ?? "";
    const sums = join(app.path, "SHA256SUMS");
    const oldSums = run("sha256sum", [sums]).slice(0, 64);
    writeFileSync(sums, readFileSync(sums, "utf8").replace(old, sum));
    const newSums = run("sha256sum", [sums]).slice(0, 64);
    const { digest } = forge(app.path, (manifest) =>
      manifest.replace(entry, `$1${size}$2${sum}`).replace(oldSums, newSums),
    );
    const task = { ...app.tasks.stage, manifestSHA256: digest };
    await expect(stage(task, app.context)).rejects.toMatchObject({ code: "HO-R803" });
    expect(readdirSync(bed.volume("uploads"))).toEqual(["a", "two.txt"]);
    expect(readdirSync(join(bed.root, "v"))).toEqual(["uploads"]);
    expect(existsSync("/tmp/handover-evil")).toBe(false);
  });

  test("a name that is taken by somebody else's database is not touched", async () => {
    const app = await backUpApp(bed, server);
    await server.sql(`CREATE DATABASE shop_ho_${token}`);
    await expect(stage(app.tasks.stage, app.context)).rejects.toMatchObject({ code: "HO-R803" });
    await cleanup(app.tasks.cleanup(false), app.context);
    expect(await names()).toEqual(["shop", `shop_ho_${token}`]);
  });

  test("repeated, it starts over; and cleanup without a swap removes it", async () => {
    const app = await backUpApp(bed, server);
    await stage(app.tasks.stage, app.context);
    await server.sql("DELETE FROM orders", `shop_ho_${token}`);
    await stage(app.tasks.stage, app.context);
    expect(await count(`shop_ho_${token}`)).toBe(500);
    await expect(cleanup(app.tasks.cleanup(true), app.context)).rejects.toMatchObject({ code: "HO-R804" });
    expect(await cleanup(app.tasks.cleanup(false), app.context)).toMatchObject({ databases: 1, volumes: 1 });
    expect(await cleanup(app.tasks.cleanup(false), app.context)).toMatchObject({ databases: 0, volumes: 0 });
    expect([await names(), readdirSync(bed.volume("uploads"))]).toEqual([["shop"], ["a", "two.txt"]]);
    await expect(swap(app.tasks.swap, app.context)).rejects.toMatchObject({ code: "HO-R807" });
  });
});

/** Rewrites the manifest with a digest that fits: what a hostile or mistaken store could hold. */
function forge(
  path: string,
  change: (manifest: string) => string,
): { readonly forged: boolean; readonly digest: string } {
  const file = join(path, "manifest.json");
  const before = readFileSync(file, "utf8");
  const after = change(before);
  writeFileSync(file, after);
  const digest = run("sha256sum", [file]).slice(0, 64);
  writeFileSync(join(path, "manifest.sha256"), `${digest}  manifest.json\n`);
  return { forged: before !== after, digest };
}
