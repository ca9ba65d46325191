/** A database that cannot prove who it is does not get the password, once the Secret says whom to believe. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { connect } from "../../operator/mover/database/connection.ts";

jest.setTimeout(240_000);

let root = "";
let server: Server | undefined;
/** What clients have said over TLS. */
let heard = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-tls-"));
  heard = "";
});
afterEach(() => {
  server?.close();
  rmSync(root, { recursive: true });
});

const file = (name: string, ending: "key" | "crt"): string => join(root, `${name}.${ending}`);

/** A certificate for a host that is its own authority. */
function certify(name: string, host: string): void {
  const keys = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file(name, "key")];
  const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`, "-days", "2"];
  const { status, stderr } = spawnSync("openssl", ["req", "-x509", ...keys, ...subject, "-out", file(name, "crt")], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
}

/** Begins as PostgreSQL does: agrees to TLS, asks for the password in clear text, and ends. @returns its port */
async function listen(name: string): Promise<number> {
  const authenticationCleartextPassword = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);
  const agree = (socket: Socket): void => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write("S");
      const secured = new TLSSocket(socket, {
        isServer: true,
        key: readFileSync(file(name, "key")),
        cert: readFileSync(file(name, "crt")),
      });
      secured.on("error", () => undefined);
      secured.on("data", (bytes: Buffer) => {
        heard += bytes.toString("latin1");
        if (bytes[0] === "p".charCodeAt(0)) secured.end();
        else secured.write(authenticationCleartextPassword);
      });
    });
  };
  const listening = createServer(agree);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return (listening.address() as AddressInfo).port;
}

/** Tries to connect to the server with this certificate, believing that one. */
async function tell(name: string, authority: string): Promise<unknown> {
  const target = { name: "shop", host: "localhost", port: await listen(name), database: "shop" };
  const credentials = { username: "shop", password: "the-password", caFile: file(authority, "crt") };
  return connect(target, credentials, "handover").then(
    () => "connected",
    (error: unknown) => error,
  );
}

test("one that the authority vouches for is told the password", async () => {
  certify("theirs", "localhost");
  await tell("theirs", "theirs");
  expect(heard).toContain("the-password");
});

test("one with a certificate of somebody else is told nothing", async () => {
  certify("theirs", "localhost");
  certify("ours", "localhost");
  await expect(tell("theirs", "ours")).resolves.toMatchObject({ code: "HO-D301" });
  expect(heard).toBe("");
});

test("one with a good certificate for another host is told nothing", async () => {
  certify("theirs", "elsewhere.example");
  await expect(tell("theirs", "theirs")).resolves.toMatchObject({ code: "HO-D301" });
  expect(heard).toBe("");
});
