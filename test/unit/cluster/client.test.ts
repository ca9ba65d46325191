import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { pods, policies, type KubeObject } from "../../../operator/api/kinds.ts";
import { createClient, type ClientOptions, type Cluster } from "../../../operator/cluster/client.ts";
import type { RequestRecord } from "../../../operator/cluster/request.ts";
import { FakeApiServer, notServed, status, type Reply } from "./fake-api-server.ts";

let server: FakeApiServer;
let slept: number[];
beforeEach(async () => {
  server = await new FakeApiServer().start();
  slept = [];
});
afterEach(() => server.stop());

const client = (options: ClientOptions = {}): Cluster =>
  createClient(server.connection, { sleep: async (ms) => void slept.push(ms), random: () => 0.5, ...options });

/** Answers with each of these in turn, then with the last for ever. */
const answers = (...replies: readonly (Reply | "cut")[]): void => {
  let at = 0;
  server.handler = (_, response) => {
    const reply = replies[Math.min(at++, replies.length - 1)]!;
    if (reply !== "cut") return reply;
    response.socket?.destroy();
    return undefined;
  };
};
const ok = (body: unknown): Reply => ({ status: 200, body });
const object = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "n", uid: "u", resourceVersion: "7" },
  future: { field: "2026-11-21T00:00:00Z" },
};

describe("reads", () => {
  test("the object as it came, unknown fields and dates included", async () => {
    answers(ok(object));
    expect(await client().get(pods, "n", "p")).toEqual(object);
    expect(server.received[0]).toMatchObject({ method: "GET", path: "/api/v1/namespaces/n/pods/p", query: {} });
    expect(server.received[0]!.headers).toMatchObject({ "user-agent": "handover/test", accept: "application/json" });
  });

  test("an absent object is undefined, an unserved kind is an error", async () => {
    answers(status(404, "NotFound", "p"));
    expect(await client().get(pods, "n", "p")).toBeUndefined();
    answers(notServed);
    await expect(client().get(policies, "n", "p")).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining("404 page not found"),
    });
    answers(status(404, "NotFound"));
    await expect(client().get(policies, "n", "p")).rejects.toMatchObject({ status: 404, reason: "NotFound" });
  });

  test("an answer that was cut off is asked for again, and never taken for an object", async () => {
    answers({ status: 200, body: '{"metadata":{"na' }, ok(object));
    expect(await client().get(pods, "n", "p")).toEqual(object);
    answers({ status: 200, body: "<html>" });
    await expect(client().get(pods, "n", "p")).rejects.toMatchObject({ reason: "Malformed" });
    await expect(client().update(pods, "n", "p", object)).rejects.toMatchObject({
      reason: "Malformed",
      outcome: "unknown",
    });
    // A read is tried four times, a write once: it may have been carried out.
    expect(server.received.map(({ method }) => method)).toEqual([...Array(6).fill("GET"), "PUT"]);
  });

  test("refusals carry the server's words and are not repeated", async () => {
    answers(status(403, "Forbidden", "p"));
    await expect(client().get(pods, "n", "p")).rejects.toMatchObject({
      name: "ApiError",
      status: 403,
      reason: "Forbidden",
      outcome: "unchanged",
      message: "get /api/v1/namespaces/n/pods/p: the server says Forbidden",
    });
    expect(server.received).toHaveLength(1);
  });

  test.each<[string, Reply | "cut"]>([
    ["a cut connection", "cut"],
    ["500", status(500, "InternalError")],
    ["503", { status: 503, body: "upstream" }],
    ["429", status(429, "TooManyRequests")],
  ])("%s is tried again, with growing waits", async (_, reply) => {
    answers(reply, reply, reply, ok(object));
    expect(await client().get(pods, "n", "p")).toEqual(object);
    expect(slept).toEqual([150, 300, 600]);
    answers(reply);
    await expect(client().get(pods, "n", "p")).rejects.toMatchObject({ name: "ApiError" });
    expect(server.received).toHaveLength(8);
  });

  test("Retry-After is obeyed, a long one is handed to the caller", async () => {
    answers({ ...status(429, "TooManyRequests"), headers: { "retry-after": "3" } }, ok(object));
    await client().get(pods, "n", "p");
    expect(slept).toEqual([3050]);
    answers({ ...status(429, "TooManyRequests"), headers: { "retry-after": "60" } });
    await expect(client().get(pods, "n", "p")).rejects.toMatchObject({ retryAfterSeconds: 60 });
    expect(slept).toHaveLength(1);
  });

  test("a server that says nothing runs into the timeout", async () => {
    server.handler = () => undefined;
    // Counted where they are sent: on a busy machine the time may be over before the server has heard of the first.
    const made: RequestRecord[] = [];
    const cluster = client({ timeoutMs: 30, attempts: 2, onRequest: (record) => made.push(record) });
    await expect(cluster.get(pods, "n", "p")).rejects.toMatchObject({ status: 0, reason: "Timeout" });
    expect(made.map(({ code }) => code)).toEqual([0, 0]);
  });

  test("an answer that stops half-way runs into the timeout", async () => {
    server.handler = (_, response) => void response.writeHead(200).write('{"kind":');
    await expect(client({ timeoutMs: 30, attempts: 1 }).get(pods, "n", "p")).rejects.toMatchObject({
      reason: "Timeout",
    });
  });

  test("all pages, each item with its kind", async () => {
    server.handler = ({ query }) => {
      const page = Number(query["continue"] ?? 0);
      const items = [{ metadata: { name: `p${page}` } }];
      return ok({
        items,
        metadata: { resourceVersion: "9", ...(page < 2 ? { continue: String(page + 1) } : { continue: "" }) },
      });
    };
    const all = await client().list(pods, { labels: "a=b" });
    expect(all.map(({ kind, apiVersion, metadata }) => `${apiVersion} ${kind} ${metadata.name}`)).toEqual([
      "v1 Pod p0",
      "v1 Pod p1",
      "v1 Pod p2",
    ]);
    expect(server.received.map(({ path, query }) => [path, query])).toEqual([
      ["/api/v1/pods", { labelSelector: "a=b", limit: "500" }],
      ["/api/v1/pods", { labelSelector: "a=b", limit: "500", continue: "1" }],
      ["/api/v1/pods", { labelSelector: "a=b", limit: "500", continue: "2" }],
    ]);
  });

  test("a list whose snapshot expires between two pages is taken in one piece", async () => {
    server.handler = ({ query }) => {
      if (query["continue"] !== undefined) return status(410, "Expired");
      if (query["limit"] !== undefined)
        return ok({ items: [{ metadata: { name: "old" } }], metadata: { continue: "x" } });
      return ok({ items: [{ metadata: { name: "a" } }, { metadata: { name: "b" } }], metadata: {} });
    };
    const all = await client().list(pods, { namespace: "n" });
    expect(all.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
  });

  test.each([
    ["an object", {}],
    ["a text from a proxy", "<html>"],
  ])("%s instead of a list is an error, not an empty list", async (_, reply) => {
    answers(ok(reply));
    await expect(client().list(pods, {})).rejects.toMatchObject({ reason: "Malformed" });
  });
});

test.each(["", ".", "..", "a/b", "a%2fb", "a b", "../../secrets", "a\nb"])(
  "%j is no name for an object",
  async (name) => {
    await expect(client().get(pods, "n", name)).rejects.toMatchObject({ reason: "Invalid" });
    await expect(client().remove(pods, "n", name, { uid: "u" })).rejects.toMatchObject({ reason: "Invalid" });
    expect(server.received).toHaveLength(0);
  },
);

test("names are encoded", async () => {
  answers(status(404, "NotFound", "x"));
  await client().get<KubeObject>(pods, "n", "system:a?b#c");
  expect(server.received[0]!.path).toBe("/api/v1/namespaces/n/pods/system%3Aa%3Fb%23c");
});

test("requests share connections", async () => {
  answers(ok(object));
  const cluster = client();
  for (let request = 0; request < 50; request++) await cluster.get(pods, "n", "p");
  // undici lets a socket rest for one turn of the event loop, so that up to twice as many are open as requests at a time.
  expect(server.connections).toBeLessThanOrEqual(2);
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 8 }, async () => cluster.get(pods, "n", "p")));
  }
  expect(server.connections).toBeLessThanOrEqual(18);
});

test("each attempt is recorded", async () => {
  const records: RequestRecord[] = [];
  answers("cut", status(500, "InternalError"), ok(object));
  await client({ onRequest: (record) => records.push(record) }).get(pods, "n", "p");
  expect(records.map(({ verb, resource, code }) => `${verb} ${resource} ${code}`)).toEqual([
    "get pods 0",
    "get pods 500",
    "get pods 200",
  ]);
});

describe("the last state of an object that is gone", () => {
  const event = (type: string, uid: string, phase: string): string =>
    `${JSON.stringify({ type, object: { metadata: { name: "p", namespace: "n", uid, resourceVersion: "9" }, status: { phase } } })}\n`;
  const last = (): Promise<KubeObject | undefined> => client().lastState(pods, "n", { name: "p", uid: "u" }, "5");

  test("is the one that its deletion tells, since the version asked for", async () => {
    answers(
      ok(event("MODIFIED", "u", "Running") + event("DELETED", "old", "Failed") + event("DELETED", "u", "Succeeded")),
    );
    expect(await last()).toMatchObject({ kind: "Pod", metadata: { uid: "u" }, status: { phase: "Succeeded" } });
    expect(server.received[0]).toMatchObject({
      path: "/api/v1/namespaces/n/pods",
      query: { watch: "true", resourceVersion: "5", timeoutSeconds: "1", fieldSelector: "metadata.name=p" },
    });
  });
  test.each<{ name: string; reply: Reply }>([
    { name: "nothing was told", reply: ok("") },
    { name: "another one was deleted", reply: ok(event("DELETED", "old", "Failed")) },
    { name: "it changed only", reply: ok(event("MODIFIED", "u", "Running")) },
    { name: "it is too long ago", reply: status(410, "Expired") },
    { name: "it is too long ago, in the stream", reply: ok({ type: "ERROR", object: { kind: "Status", code: 410 } }) },
  ])("is not known when $name", async ({ reply }) => {
    answers(reply);
    expect(await last()).toBeUndefined();
  });
  test("of a single event", async () => {
    answers(ok(JSON.parse(event("DELETED", "u", "Failed"))));
    expect(await last()).toMatchObject({ status: { phase: "Failed" } });
  });
});
