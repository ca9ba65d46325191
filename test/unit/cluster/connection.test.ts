import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pods } from "../../../operator/api/kinds.ts";
import { createClient } from "../../../operator/cluster/client.ts";
import { connect } from "../../../operator/cluster/connection.ts";
import { FakeApiServer, kubeConfig, status } from "./fake-api-server.ts";

let server: FakeApiServer;
beforeEach(async () => {
  server = await new FakeApiServer().start();
  server.handler = () => ({ status: 200, body: { metadata: {} } });
});
afterEach(() => server.stop());

test("a path in the server's URL is kept", async () => {
  const connection = connect(kubeConfig(`${server.url}/k8s/clusters/c-1/`), { userAgent: "x" });
  await createClient(connection).get(pods, "n", "p");
  expect(server.received[0]!.path).toBe("/k8s/clusters/c-1/api/v1/namespaces/n/pods/p");
  await connection.close();
});

test("token and basic credentials are sent", async () => {
  for (const [user, sent] of [
    [{ token: "secret" }, "Bearer secret"],
    [{ username: "u", password: "p" }, `Basic ${Buffer.from("u:p").toString("base64")}`],
  ] as const) {
    const connection = connect(kubeConfig(server.url, user), { userAgent: "x" });
    await createClient(connection).get(pods, "n", "p");
    expect(server.received.at(-1)!.headers.authorization).toBe(sent);
    await connection.close();
  }
});

test("credentials are read again after half a minute, and the connections stay", async () => {
  let now = 0;
  const config = kubeConfig(server.url, { token: "first" });
  const connection = connect(config, { userAgent: "x", monotonic: () => now });
  const cluster = createClient(connection);
  const sent = async (): Promise<string | undefined> => {
    await cluster.get(pods, "n", "p");
    await new Promise((resolve) => setImmediate(resolve));
    return server.received.at(-1)!.headers.authorization;
  };
  expect(await sent()).toBe("Bearer first");
  config.users = [{ name: "u", token: "second" }];
  now = 29_999;
  expect(await sent()).toBe("Bearer first");
  now = 30_000;
  expect(await sent()).toBe("Bearer second");
  expect(server.connections).toBe(1);
  await connection.close();
});

test("a token in a file is read again as soon as it is refused, and not by the wall clock", async () => {
  const directory = mkdtempSync(join(tmpdir(), "handover-token-"));
  const tokenFile = join(directory, "token");
  writeFileSync(tokenFile, "first\n");
  const config = kubeConfig(server.url);
  config.users = [{ name: "u", authProvider: { name: "tokenFile", config: { tokenFile } } }];
  let now = 0;
  const connection = connect(config, { userAgent: "x", monotonic: () => now });
  const cluster = createClient(connection, { attempts: 1 });
  const ask = async (): Promise<string | undefined> => {
    await cluster.get(pods, "n", "p").catch(() => undefined);
    return server.received.at(-1)!.headers.authorization;
  };
  expect(await ask()).toBe("Bearer first");
  writeFileSync(tokenFile, "second");
  now = 1_000;
  expect(await ask()).toBe("Bearer first");
  server.handler = ({ headers }) =>
    headers.authorization === "Bearer first" ? status(401, "Unauthorized") : { status: 200, body: { metadata: {} } };
  expect(await ask()).toBe("Bearer first");
  expect(await ask()).toBe("Bearer second");
  writeFileSync(tokenFile, "third");
  now = 31_000;
  expect(await ask()).toBe("Bearer third");
  await connection.close();
  rmSync(directory, { recursive: true });
});

test("other certificates mean other connections", async () => {
  let now = 0;
  const config = kubeConfig(server.url);
  const connection = connect(config, { userAgent: "x", monotonic: () => now });
  const cluster = createClient(connection);
  await cluster.get(pods, "n", "p");
  config.clusters = config.clusters.map((old) => ({ ...old, caData: Buffer.from("new").toString("base64") }));
  now = 30_000;
  await cluster.get(pods, "n", "p");
  expect(server.connections).toBe(2);
  await connection.close();
});

test("a server that takes connections and says nothing is given up after the time for connecting", async () => {
  const deaf = createServer().listen(0, "127.0.0.1");
  await once(deaf, "listening");
  const { port } = deaf.address() as AddressInfo;
  const connection = connect(kubeConfig(`https://127.0.0.1:${port}`), { userAgent: "x", connectTimeoutMs: 100 });
  await expect(createClient(connection, { attempts: 1 }).get(pods, "n", "p")).rejects.toMatchObject({
    reason: "Unreachable",
    outcome: "unchanged",
  });
  await connection.close();
  deaf.close();
});

test("credentials that cannot be read are an error of the request, and can be read later", async () => {
  let now = 0;
  const config = kubeConfig(server.url);
  config.users = [{ name: "u", certFile: "/nonexistent/cert.pem" }];
  const connection = connect(config, { userAgent: "x", monotonic: () => now });
  const cluster = createClient(connection, { attempts: 1 });
  await expect(cluster.remove(pods, "n", "p", { uid: "u" })).rejects.toMatchObject({
    reason: "Unreachable",
    outcome: "unchanged",
  });
  config.users = [{ name: "u" }];
  now++;
  await expect(cluster.get(pods, "n", "p")).resolves.toBeDefined();
  await connection.close();
  await expect(cluster.get(pods, "n", "p")).rejects.toMatchObject({ reason: "Aborted" });
});

test("what is not supported is refused at the start", () => {
  const proxied = kubeConfig(server.url);
  proxied.clusters = proxied.clusters.map((old) => ({ ...old, proxyUrl: "http://proxy:3128" }));
  expect(() => connect(proxied, { userAgent: "x" })).toThrow("proxy-url");
  const empty = kubeConfig(server.url);
  empty.setCurrentContext("other");
  expect(() => connect(empty, { userAgent: "x" })).toThrow("no current context");
});
