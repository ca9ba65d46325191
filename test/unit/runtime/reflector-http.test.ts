/** The reflector over real sockets: what the scripted source cannot show about bytes, lines and connections. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { pods } from "../../../operator/api/kinds.ts";
import { createListWatch } from "../../../operator/cluster/watch.ts";
import { Reflector } from "../../../operator/runtime/reflector.ts";
import { Collection, Replay, type Item } from "../cluster/collection.ts";
import { FakeApiServer, status, type Reply } from "../cluster/fake-api-server.ts";
import { ManualClock, until } from "./manual-clock.ts";
import { recordingLog } from "./recording-log.ts";

let server: FakeApiServer;
let collection: Collection;
let replay: Replay;
let clock: ManualClock;
let stop: AbortController;
let done: Promise<void>;
let reflector: Reflector<Item>;
let restarts: string[];
/** Answers for the next requests of their sort, before the collection's own. */
let listReplies: Reply[];
let watchReplies: (Reply | ((response: ServerResponse) => void))[];
/** Writers of the watches under way. */
let watches: Set<(text: string) => void>;
let frozen: boolean;

beforeEach(async () => {
  server = await new FakeApiServer().start();
  [collection, replay, clock, stop] = [new Collection(), new Replay(), new ManualClock(), new AbortController()];
  [restarts, listReplies, watchReplies, watches, frozen] = [[], [], [], new Set(), false];
  server.handler = ({ query }, response) =>
    query["watch"] === "true" ? watch(query["resourceVersion"], response) : list(query);
  reflector = new Reflector<Item>({
    name: "pods",
    source: createListWatch<Item>(server.connection, pods, { pageSize: 2, timeoutMs: 2000, random: () => 0 }),
    onChange: replay.onChange,
    clock,
    log: recordingLog(),
    onRestart: (reason) => restarts.push(reason),
  });
});
afterEach(async () => {
  stop.abort();
  await done;
  await server.stop();
  // Holds for each test, whatever it was about.
  if (clock.timers > 0 || replay.faults.length > 0)
    throw new Error(`${clock.timers} timers left; ${replay.faults.join()}`);
});

const list = (query: Readonly<Record<string, string>>): Reply => {
  const scripted = listReplies.shift();
  if (scripted !== undefined) return scripted;
  const from = Number(query["continue"] ?? 0);
  const to = from + Number(query["limit"]);
  const more = to < collection.items().length;
  const metadata = { resourceVersion: String(collection.version), ...(more ? { continue: String(to) } : {}) };
  return {
    status: 200,
    body: { kind: "PodList", apiVersion: "v1", metadata, items: collection.items().slice(from, to) },
  };
};

const watch = (resourceVersion: string | undefined, response: ServerResponse): Reply | undefined => {
  const scripted = watchReplies.shift();
  if (typeof scripted === "function") {
    scripted(response);
    return undefined;
  }
  if (scripted !== undefined) return scripted;
  let sent = Number(resourceVersion);
  if (collection.since(sent) === "expired") return status(410, "Expired");
  const write = (text: string): void => void response.write(text);
  const deliver = (): void => {
    const entries = collection.since(sent);
    if (frozen || entries === "expired") return;
    for (const { version, type, object } of entries) {
      sent = version;
      write(`${JSON.stringify({ type, object })}\n`);
    }
  };
  response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
  watches.add(write);
  const stopListening = collection.onChange(deliver);
  response.on("close", () => {
    watches.delete(write);
    stopListening();
  });
  deliver();
  return undefined;
};

const begin = async (): Promise<void> => {
  done = reflector.start(stop.signal);
  await reflector.synced;
  await until(() => watches.size === 1);
};
const equal = (): boolean =>
  JSON.stringify(Replay.picture(reflector.values())) === JSON.stringify(Replay.picture(collection.items())) &&
  JSON.stringify(Replay.picture(replay.objects.values())) === JSON.stringify(Replay.picture(collection.items()));
/** Lets time pass bit by bit, as answers come when they come. */
const recover = async (): Promise<void> => {
  while (!(equal() && watches.size === 1)) await clock.advance(50);
};
const lists = (): number =>
  server.received.filter(({ query }) => query["watch"] === undefined && query["continue"] === undefined).length;

describe("over HTTP", () => {
  test("pages and query of the requests", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) collection.put(name, 1);
    await begin();
    expect(equal()).toBe(true);
    expect(server.received.map(({ query }) => query)).toEqual([
      { limit: "2" },
      { limit: "2", continue: "2" },
      { limit: "2", continue: "4" },
      { watch: "true", allowWatchBookmarks: "true", timeoutSeconds: "290", resourceVersion: "105" },
    ]);
    expect(reflector.get("ns", "a")).toMatchObject({ apiVersion: "v1", kind: "Pod" });
  });

  test("lines that arrive in pieces, cut inside a character", async () => {
    await begin();
    const object = { metadata: { name: "ü€", namespace: "ns", uid: "u", resourceVersion: "101" }, spec: { value: 1 } };
    const bytes = Buffer.from(`${JSON.stringify({ type: "ADDED", object })}\n`);
    server.cut();
    watchReplies.push((response) => {
      response.writeHead(200);
      const send = (at: number): void => {
        response.write(bytes.subarray(at, at + 1));
        if (at + 1 < bytes.length) setImmediate(() => send(at + 1));
      };
      send(0);
    });
    while (reflector.get("ns", "ü€") === undefined) await clock.advance(50);
    expect(replay.log).toEqual(["added ü€ 1"]);
  });

  test("a cut connection: continues where it was; deleted and recreated meanwhile is another object", async () => {
    collection.put("a", 1);
    await begin();
    server.cut();
    await until(() => watches.size === 0);
    collection.recreate("a", 2);
    collection.put("b", 1);
    await recover();
    expect(replay.log).toEqual(["added a 1", "deleted a 1", "added a 2", "added b 1"]);
    expect(lists()).toBe(1);
  });

  test("a line cut in the middle is not applied", async () => {
    await begin();
    for (const write of watches)
      write('{"type":"ADDED","object":{"metadata":{"name":"half","uid":"u","resourceVersion":"999"},"spec":{}}}');
    server.cut();
    await until(() => watches.size === 0);
    collection.put("a", 1);
    await recover();
    expect(replay.log).toEqual(["added a 1"]);
    expect(server.received.at(-1)!.query["resourceVersion"]).toBe("100");
  });

  test.each<[string, string]>([
    ["no JSON", "{oops\n"],
    ["no object", '{"type":"ADDED"}\n'],
    ["no uid", '{"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVersion":"7"}}}\n'],
    ["no version", '{"type":"BOOKMARK","object":{"metadata":{}}}\n'],
    ["an unknown type", '{"type":"CHANGED","object":{"metadata":{"name":"a","uid":"u","resourceVersion":"7"}}}\n'],
    ["null", "null\n"],
  ])("a line that is %s leads to a list, and what followed it is not lost", async (_, line) => {
    await begin();
    for (const write of watches) write(line);
    await until(() => restarts.length > 0);
    expect(restarts).toEqual(["malformed"]);
    collection.put("a", 1);
    await recover();
    expect(lists()).toBe(2);
  });

  test.each<[string, string]>([
    ["ERROR event", `${JSON.stringify({ type: "ERROR", object: status(410, "Expired").body })}\n`],
    ["ERROR event with code alone", `${JSON.stringify({ type: "ERROR", object: { code: 410 } })}\n`],
  ])("410 as an %s leads to a list", async (_, line) => {
    await begin();
    for (const write of watches) write(line);
    await until(() => restarts.length > 0);
    expect(restarts).toEqual(["expired"]);
    collection.put("a", 1);
    await recover();
    expect(lists()).toBe(2);
  });

  test("410 as an answer leads to a list that finds the deleted and the exchanged", async () => {
    collection.put("a", 1);
    collection.put("b", 1);
    await begin();
    server.cut();
    await until(() => watches.size === 0);
    collection.remove("a");
    collection.recreate("b", 2);
    collection.compact();
    await recover();
    expect(replay.log.slice(2)).toEqual(["deleted a 1", "deleted b 1", "added b 2"]);
  });

  test("another error event is tried again from where it was", async () => {
    await begin();
    for (const write of watches)
      write(`${JSON.stringify({ type: "ERROR", object: status(500, "InternalError").body })}\n`);
    await until(() => restarts.length > 0);
    expect(restarts).toEqual(["failed"]);
    collection.put("a", 1);
    await recover();
    expect(lists()).toBe(1);
  });

  test("bookmarks move the version on", async () => {
    await begin();
    for (const write of watches) write('{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"150"}}}\n');
    const before = reflector.lastActivity;
    await clock.advance(10);
    server.cut();
    while (server.received.length < 3) await clock.advance(50);
    expect(server.received.at(-1)!.query["resourceVersion"]).toBe("150");
    expect(reflector.lastActivity).toBeGreaterThan(before);
    expect(replay.log).toEqual([]);
  });

  test("errors while connecting, then recovery", async () => {
    collection.put("a", 1);
    listReplies.push(status(500, "InternalError"), { status: 503, body: "no backend" }, status(403, "Forbidden"), {
      status: 200,
      body: "<html>",
    });
    watchReplies.push(status(500, "InternalError"), { status: 502, body: "<html>" }, (response) =>
      response.socket?.destroy(),
    );
    done = reflector.start(stop.signal);
    await recover();
    expect(restarts.slice(0, 4)).toEqual(Array(4).fill("list"));
    expect(restarts.slice(4)).toEqual(Array(3).fill("failed"));
  });

  test("a connection that died without a word is given up after the idle time, and nothing is lost", async () => {
    collection.put("a", 1);
    await begin();
    frozen = true;
    collection.put("a", 2);
    await clock.advance(119_999);
    expect(restarts).toEqual([]);
    frozen = false;
    await clock.advance(1);
    await recover();
    expect(restarts).toEqual(["idle"]);
    expect(lists()).toBe(1);
    await until(() => server.sockets.size <= 2);
  });

  test("a server that does not even answer the watch is given up likewise", async () => {
    watchReplies.push(() => undefined);
    done = reflector.start(stop.signal);
    await reflector.synced;
    await until(() => server.received.length === 2);
    await clock.advance(120_000);
    await recover();
    expect(restarts).toEqual(["idle"]);
  });

  test("stopping while connecting closes the connection", async () => {
    watchReplies.push(() => undefined);
    done = reflector.start(stop.signal);
    await reflector.synced;
    await until(() => server.received.length === 2);
    stop.abort();
    await done;
    await until(() => server.sockets.size <= 1);
    expect(restarts).toEqual([]);
  });

  test("stopping in the middle of a list ends it at once", async () => {
    server.handler = () => undefined;
    done = reflector.start(stop.signal);
    await until(() => server.received.length === 1);
    stop.abort();
    await done;
    expect(await reflector.synced).toBe(false);
  });
});
