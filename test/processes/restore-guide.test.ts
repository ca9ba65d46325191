/** RESTORE.md is read on a bad day: what it says to type has to work as it stands. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { DatabaseRef } from "../../operator/contract/task.ts";
import { backUp, createBed, writeSecret, type MoverBed } from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";
import { startPostgres, type PostgresServer } from "../support/postgres-server.ts";
import { createShop, shopName } from "../support/shop-database.ts";

jest.setTimeout(240_000);

let server: PostgresServer;
let bed: MoverBed;
beforeAll(async () => {
  server = await startPostgres();
  await createShop(server);
  bed = createBed();
});
afterAll(() => {
  bed.dispose();
  server.stop();
});

test("the commands can be pasted one after the other", async () => {
  writeFileSync(join(bed.volume("uploads"), "f"), "x");
  const { host, port, password } = server;
  writeSecret(bed, "shop", { username: "postgres", password });
  const shop: DatabaseRef = { name: "shop", host, port, database: shopName, release: "AfterSnapshot" };
  const generation = await backUp(bed, { databases: [shop] });
  const commands = readFileSync(join(generation, "RESTORE.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("    "))
    .map((line) => line.replaceAll("/some/empty/directory", join(bed.root, "out")).replaceAll(/\bNAME\b/g, "pasted"));
  expect(commands).toHaveLength(3);
  const env = { ...process.env, PGHOST: host, PGPORT: `${port}`, PGUSER: "postgres", PGPASSWORD: password };
  for (const command of commands) run("sh", ["-c", command], { cwd: generation, env });
  expect(readFileSync(join(bed.root, "out/uploads/f"), "utf8")).toBe("x");
  expect(await server.sql("SELECT count(*)::int AS n FROM orders", "pasted")).toEqual([{ n: 20_000 }]);
});

test("restore.sh refuses a file whose name is only a part of a listed one, or has one as a line", async () => {
  const generation = await backUp(bed, {});
  const check = (): string => run("sh", ["-c", "sh restore.sh --check 2>&1 || true"], { cwd: generation });
  for (const name of [
    "uploads.tar.zst\nb.tar.zst",
    "\nb.tar.zst",
    "uploads.tar",
    "uploads.tar.zst ",
    "b c*.tar.zst",
    "-n",
  ]) {
    const added = join(generation, "volumes", name);
    writeFileSync(added, "x");
    expect([name, check()]).toEqual([name, expect.stringContaining(`volumes/${name} is not of `)]);
    rmSync(added);
  }
  expect(check()).toMatch(/done/);
});
