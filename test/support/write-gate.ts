/**
 * A gate between one controller process and the API server. It names every write that passes and can strike at it: the process
 * is killed before the write is sent, or when it is committed and the answer is not there yet. So a test meets each moment of a
 * run on purpose, where a kill by the clock would meet some of them by luck.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Agent, type Dispatcher, request } from "undici";
import { parse } from "yaml";

/** `before`: the write is never sent. `after`: it is committed, and its answer is never heard. */
export type Point = "before" | "after";

export interface Write {
  /** What it does, such as `Capture Running` or `scale to 0`; the same for the same write of another run. */
  readonly what: string;
  /** When the gate got it, in milliseconds since 1970. */
  readonly at: number;
}

export interface GateOptions {
  readonly kubeconfig: string;
  /** Asked for each write; undefined lets it pass. */
  readonly strike: (write: Write) => Point | undefined;
  /** Ends the process that is behind the gate. */
  readonly kill: (write: Write, point: Point) => Promise<void>;
  /** Called for each request, whatever it is. */
  readonly heard?: () => void;
}

export interface Gate {
  /** A kubeconfig that leads through the gate. */
  readonly kubeconfig: string;
  readonly writes: readonly Write[];
  readonly close: () => Promise<void>;
}

interface Body {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly result?: string;
    readonly times?: Readonly<Record<string, string>>;
    readonly steps?: readonly { readonly name: string; readonly state: string; readonly attempt?: number }[];
  };
}

/** What is new in a status, by its steps, its times and its result. */
const factsOf = ({ status }: Body): ReadonlySet<string> =>
  new Set([
    ...(status?.steps ?? [])
      .filter(({ state }) => state !== "Pending")
      .map(({ name, state, attempt = 1 }) => `${name} ${state}${attempt > 1 ? ` ${attempt}` : ""}`),
    ...Object.keys(status?.times ?? {}),
    ...(status?.result ? ["Finished"] : []),
  ]);

/** Names writes; remembers the statuses that it has seen, to name the next by what it adds. */
function createNamer(): (method: string, path: string, body: Body) => string | undefined {
  const known = new Map<string, ReadonlySet<string>>();
  return (method, path, body) => {
    const parts = path.split("?", 1)[0]?.split("/") ?? [];
    const at = parts.indexOf("namespaces");
    const [plural = "", name = "", subresource = ""] = parts.slice(at + 2);
    if (subresource === "status" && (plural === "backupruns" || plural === "restorerequests")) {
      const facts = factsOf(body);
      const added = [...facts].filter((fact) => known.get(path)?.has(fact) !== true);
      known.set(path, facts);
      return added.length === 0 ? undefined : `record ${added.join(", ")}`;
    }
    if (subresource === "scale") return `scale to ${body.spec?.replicas ?? 0}`;
    if (method === "PATCH") return `finalizer of ${plural}`;
    if (plural === "leases") {
      const text = body.metadata?.annotations?.["backup.handover.dev/record"];
      return method === "DELETE" ? "delete hold" : `${method === "POST" ? "create" : "update"} hold ${stateOf(text)}`;
    }
    if (method === "POST" && plural !== "events") {
      const created = body.metadata?.name ?? "";
      return created.startsWith("handover-guard-") ? `create guard ${plural}` : `create ${created}`;
    }
    return method === "DELETE" ? `delete ${name}` : undefined;
  };
}

const stateOf = (record: string | undefined): string => {
  const parsed = record === undefined ? {} : JSON.parse(record);
  return `${parsed.state}${parsed.holders?.[0]?.exchanging === true ? " exchanging" : ""}`;
};

export async function openGate({ kubeconfig, strike, kill, heard }: GateOptions): Promise<Gate> {
  const config = parse(readFileSync(kubeconfig, "utf8"));
  const { server: url, "certificate-authority-data": ca } = config.clusters[0].cluster;
  const { "client-certificate-data": cert, "client-key-data": key } = config.users[0].user;
  const decode = (text: string): string => Buffer.from(text, "base64").toString();
  const connect = { ca: decode(ca), cert: decode(cert), key: decode(key) };
  const agent = new Agent({ connect, bodyTimeout: 0, headersTimeout: 0 });
  const nameOf = createNamer();
  const writes: Write[] = [];

  const forward = (from: IncomingMessage, body: Buffer, signal: AbortSignal): Promise<Dispatcher.ResponseData> =>
    request(`${url}${from.url}`, {
      method: from.method as Dispatcher.HttpMethod,
      dispatcher: agent,
      headers: {
        accept: "application/json",
        "user-agent": from.headers["user-agent"] ?? "",
        ...(body.length === 0 ? {} : { "content-type": from.headers["content-type"] ?? "application/json" }),
      },
      ...(body.length === 0 ? {} : { body }),
      signal,
    });

  async function serve(from: IncomingMessage, to: ServerResponse): Promise<void> {
    heard?.();
    const chunks: Buffer[] = [];
    for await (const chunk of from) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const reads = from.method === "GET";
    const what = reads
      ? undefined
      : nameOf(from.method ?? "", from.url ?? "", body.length === 0 ? {} : JSON.parse(body.toString()));
    const write = what === undefined ? undefined : { what, at: Date.now() };
    if (write !== undefined) writes.push(write);
    const point = write === undefined ? undefined : strike(write);
    if (write !== undefined && point === "before") {
      await kill(write, point);
      return void to.destroy();
    }
    const gone = new AbortController();
    // A write that was sent is committed whether or not somebody waits for the answer; a watch without a listener ends.
    if (reads) to.on("close", () => gone.abort());
    const answer = await forward(from, body, gone.signal);
    if (write !== undefined && point === "after") {
      await answer.body.dump();
      await kill(write, point);
      return void to.destroy();
    }
    const retryAfter = answer.headers["retry-after"];
    to.writeHead(answer.statusCode, {
      "content-type": String(answer.headers["content-type"] ?? "application/json"),
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    });
    to.flushHeaders();
    await pipeline(answer.body, to);
  }

  // Whoever is killed leaves half a conversation behind, on both sides.
  const gate = createServer((from, to) => void serve(from, to).catch(() => to.destroy()));
  // Longer than the other side keeps an idle connection, or a write could meet one that is just being closed.
  gate.keepAliveTimeout = 60_000;
  await new Promise<void>((listening) => gate.listen(0, "127.0.0.1", listening));
  const directory = mkdtempSync(join(tmpdir(), "handover-gate-"));
  const through = join(directory, "kubeconfig");
  const { port } = gate.address() as AddressInfo;
  writeFileSync(
    through,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "gate",
      clusters: [{ name: "gate", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
      users: [{ name: "gate", user: {} }],
      contexts: [{ name: "gate", context: { cluster: "gate", user: "gate" } }],
    }),
  );
  return {
    kubeconfig: through,
    writes,
    close: async () => {
      gate.closeAllConnections();
      await new Promise((closed) => gate.close(closed));
      await agent.destroy();
      rmSync(directory, { recursive: true });
    },
  };
}
