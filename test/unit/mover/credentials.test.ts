/** Where a password goes: into one file that only its reader can read, and nowhere else. */
import { createServer, type AddressInfo } from "node:net";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { clientEnvironment, readCredentials, type Credentials } from "../../../operator/mover/database/credentials.ts";
import { connect } from "../../../operator/mover/database/connection.ts";
import { argvDump, argvDumpGlobals } from "../../../operator/mover/tools/pg.ts";

const password = "c0rrect:horse\\battery";
/** As it would be found in a log or in the list of processes, whole or quoted for the password file. */
const traces = /c0rrect|horse|battery/;
const database = { name: "shop", host: "db", port: 5432, database: "dbname=shop host=elsewhere" };

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-credentials-"));
  mkdirSync(join(root, "secret"));
  mkdirSync(join(root, "scratch"));
  writeFileSync(join(root, "secret", "username"), "shop\n");
  writeFileSync(join(root, "secret", "password"), `${password}\n`);
});
afterEach(() => rmSync(root, { recursive: true }));

const read = () => readCredentials({ name: "shop", secret: "shop-db" }, join(root, "secret"));
const environment = async () =>
  clientEnvironment(database, await read(), {
    scratch: join(root, "scratch"),
    applicationName: "handover",
  });

test("the tools get the name of a file, which nobody else can read and which goes afterwards", async () => {
  const { env, dispose } = await environment();
  expect(JSON.stringify(env)).not.toMatch(traces);
  const file = env["PGPASSFILE"] ?? "";
  expect(readFileSync(file, "utf8")).toBe("*:*:*:*:c0rrect\\:horse\\\\battery\n");
  expect(statSync(file).mode & 0o077).toBe(0);
  await dispose();
  expect(readdirSync(join(root, "scratch"))).toEqual([]);
});

test("no command line has the password, nor a database whose name is a connection string", () => {
  const dump = { root: "/usr/lib/postgresql", major: 17, snapshot: "s", directory: "d", jobs: 2 };
  expect(argvDump(dump).join(" ")).not.toContain(database.database);
  // pg_dumpall reads its argument as a connection string: the name is a quoted value of it, whatever is in it.
  expect(argvDumpGlobals("/usr/lib/postgresql", 17, database.database)).toContain(
    "--database=dbname='dbname=shop host=elsewhere'",
  );
  expect(argvDumpGlobals("/usr/lib/postgresql", 17, "it's\\")).toContain(String.raw`--database=dbname='it\'s\\'`);
});

test("an error of a connection names the place and says nothing of the password", async () => {
  const credentials = await read();
  const error: unknown = await connect({ ...database, host: join(root, "no-socket") }, credentials, "handover").catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: "HO-D301", message: expect.stringContaining("database shop") });
  expect(String(error)).not.toMatch(traces);
});

test.each([
  ["no key", () => rmSync(join(root, "secret", "username")), "has no key username"],
  ["an empty one", () => writeFileSync(join(root, "secret", "username"), "\n"), "has an empty key username"],
])("an error about the Secret names it and its key: %s", async (_what, change, words) => {
  change();
  await expect(environment()).rejects.toMatchObject({
    code: "HO-P104",
    message: `Secret shop-db of database shop ${words}`,
  });
});

test("one that is not there is said not to be there", async () => {
  for (const key of ["username", "password"]) rmSync(join(root, "secret", key));
  mkdirSync(join(root, "secret", "..2026_11_21"));
  symlinkSync("..2026_11_21", join(root, "secret", "..data"));
  await expect(environment()).rejects.toMatchObject({
    code: "HO-P104",
    message: "Secret shop-db of database shop does not exist, or has no keys",
  });
});

describe("a server that asks for the password in clear text", () => {
  /** What it was told after it had asked; the length and the code of a request for encryption come first. */
  const asked = async (credentials: Credentials): Promise<{ readonly said: string; readonly error: unknown }> => {
    let said = "";
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (data) => {
        if (data.length === 8) return void socket.write("N");
        said += data.toString("latin1");
        if (data.includes("user\0")) socket.write(Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 3]));
        else socket.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const error: unknown = await connect({ ...database, host: "127.0.0.1", port }, credentials, "handover").catch(
      (thrown: unknown) => thrown,
    );
    server.close();
    return { said, error };
  };
  test("does not get it", async () => {
    const { said, error } = await asked({ username: "shop", password });
    expect(said).toContain("user\0shop");
    expect(said).not.toMatch(traces);
    expect(error).toMatchObject({ code: "HO-D302", message: expect.stringContaining("in clear text; give ca.crt") });
  });
  test("nor from the tools", async () => {
    const { env, dispose } = await environment();
    expect(env).toMatchObject({ PGREQUIREAUTH: "!password" });
    await dispose();
  });
});
