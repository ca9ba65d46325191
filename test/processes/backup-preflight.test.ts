/** What preflight finds out about a database while the app still runs, against a real PostgreSQL server. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { DatabaseRef } from "../../operator/contract/task.ts";
import { connect } from "../../operator/mover/database/connection.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { createBed, preflightTask, writeSecret, type MoverBed } from "../support/mover-bed.ts";
import { startPostgres, type PostgresServer } from "../support/postgres-server.ts";

jest.setTimeout(240_000);

let server: PostgresServer;
let bed: MoverBed;

beforeAll(async () => {
  server = await startPostgres();
  await server.sql('CREATE SCHEMA "Odd schema"; CREATE TABLE "Odd schema".t (x int)');
  await server.sql("CREATE ROLE clerk LOGIN PASSWORD 'clerk'");
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
  database: "postgres",
  release: "AfterSnapshot",
  ...more,
});
const only = (...databases: DatabaseRef[]) => ({ databases, volumes: [] });

describe("preflight", () => {
  const refusal = async (database: DatabaseRef): Promise<unknown> =>
    await preflight(preflightTask(only(database)), bed.context("p")).catch((error: unknown) => error);

  test("passes with versions and size", async () => {
    const { databases } = await preflight(preflightTask(only(shop())), bed.context("p"));
    expect(databases).toEqual([
      {
        name: "shop",
        serverVersion: expect.stringMatching(/^15\./),
        clientVersion: expect.stringMatching(/^15\./),
        bytes: expect.any(Number),
      },
    ]);
    expect(databases[0]?.bytes).toBeGreaterThan(1_000_000);
  });

  test("tells a wrong password, a missing key, an unknown database, a dead server and a missing right apart", async () => {
    expect(await refusal(shop({ database: "nowhere" }))).toMatchObject({ code: "HO-D303", retry: false });
    expect(await refusal(shop({ port: 1 }))).toMatchObject({ code: "HO-D301", retry: true });
    expect(await refusal(shop({ host: "does-not-exist.invalid" }))).toMatchObject({ code: "HO-D301" });
    writeSecret(bed, "shop", { username: "postgres", password: "wrong-password" });
    const wrong = await refusal(shop());
    expect(wrong).toMatchObject({ code: "HO-D302", retry: false });
    expect(String(wrong)).not.toContain("wrong-password");
    writeSecret(bed, "shop", { username: "postgres" });
    expect(await refusal(shop())).toMatchObject({ code: "HO-P104", message: expect.stringMatching(/password/) });
    writeSecret(bed, "shop", { username: "clerk", password: "clerk" });
    expect(await refusal(shop())).toMatchObject({ code: "HO-D305", message: expect.stringMatching(/Odd schema/) });
    await server.sql("GRANT pg_read_all_data TO clerk");
    await expect(preflight(preflightTask(only(shop())), bed.context("p"))).resolves.toMatchObject({ ok: true });
    await server.sql("REVOKE pg_read_all_data FROM clerk");
  });

  test("checks the certificate of the server when it is given an authority", async () => {
    writeSecret(bed, "shop", { username: "postgres", password: server.password, "ca.crt": "not a certificate" });
    await expect(
      connect(
        shop(),
        { username: "postgres", password: server.password, caFile: join(bed.root, "secrets/shop/ca.crt") },
        "test",
      ),
    ).rejects.toMatchObject({ code: "HO-D301" });
  });
});
