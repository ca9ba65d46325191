/**
 * Stands before a real API server and breaks what passes, in the ways networks, load balancers and API servers do. It decrypts,
 * because faults are chosen by request; the certificate is the API server's own. It counts what it is asked, also while it breaks.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, type Server as HttpsServer, createServer as createHttps, request as ask } from "node:https";
import { type AddressInfo, type Server, type Socket, createServer, connect as dial } from "node:net";
import { join } from "node:path";

export type Target = "leases" | "gets" | "lists" | "watches" | "writes";

export type Fault =
  /** The connection is reset when the request has come. */
  | { readonly do: "cut" }
  /** The request is carried out, and the connection reset instead of an answer. */
  | { readonly do: "lose" }
  /** Never answered and never closed, not even when the fault is over. */
  | { readonly do: "freeze" }
  | { readonly do: "delay"; readonly ms: number }
  /** Half of the answer, or of a watch's next line, ended as if it were the whole. */
  | { readonly do: "truncate" }
  | {
      readonly do: "answer";
      readonly status: number;
      readonly reason: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Something else than JSON, with status 200. */
  | { readonly do: "garble" }
  /** A watch ends politely after its first line. */
  | { readonly do: "flap" };

export const targetOf = (method = "GET", url = "/"): Target => {
  const { pathname, searchParams } = new URL(url, "https://proxy");
  const place = /^\/(?:api|apis\/[^/]+)\/[^/]+(?:\/namespaces\/[^/]+)?\/(?<plural>[^/]+)(?<name>\/.+)?$/.exec(pathname);
  const { plural, name } = place?.groups ?? {};
  if (plural === "leases" && (name !== undefined || method !== "GET")) return "leases";
  if (method !== "GET") return "writes";
  if (searchParams.get("watch") === "true") return "watches";
  return name === undefined ? "lists" : "gets";
};

const status = (code: number, reason: string): string =>
  JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message: `injected: ${reason}` });

/** One that is ending already cannot be reset any more; trying leaves a handle behind that never closes. */
const reset = (socket: Socket): void => void (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy());

export class FaultProxy {
  /** Requests by target and path since the last `forget`, faulty or not. */
  readonly counts = new Map<string, number>();
  /** Connections since the last `forget`. */
  connections = 0;
  /** Answers of the API server itself, by status, since the last `forget`. */
  readonly answers = new Map<number, number>();
  #faults: Partial<Record<Target, Fault>> = {};
  /** New connections are taken, and nothing is ever said on them. */
  deaf = false;
  /** Nothing passes on the watches under way, for good; they stay open. */
  readonly #muted = new WeakSet<ServerResponse>();
  readonly #watches = new Set<ServerResponse>();
  /** Connections of the operator, each with the port by which the TLS server knows it. */
  readonly #sockets = new Map<Socket, number | undefined>();
  readonly #agent: Agent;
  readonly #target: URL;
  readonly #https: HttpsServer;
  readonly #gate: Server;
  #port = 0;

  private constructor(target: string, pki: string) {
    const read = (file: string): Buffer => readFileSync(join(pki, file));
    this.#target = new URL(target);
    this.#agent = new Agent({ keepAlive: true, ca: read("ca.crt") });
    this.#https = createHttps({ cert: read("apiserver.crt"), key: read("apiserver.key") }, (from, to) => {
      this.#handle(from, to).catch(() => this.#reset(from));
    });
    this.#https.on("tlsClientError", () => undefined);
    // TLS ends behind a second socket: the first stays plain TCP, which alone can be reset.
    this.#gate = createServer((near) => {
      this.connections += 1;
      this.#sockets.set(near, undefined);
      near.on("error", () => undefined);
      near.on("close", () => this.#sockets.delete(near));
      if (this.deaf) return;
      const inner = dial((this.#https.address() as AddressInfo).port, "127.0.0.1", () => {
        if (this.#sockets.has(near)) this.#sockets.set(near, inner.localPort);
      });
      inner.on("error", () => near.destroy());
      inner.on("close", () => near.destroy());
      near.on("close", () => inner.destroy());
      near.pipe(inner).pipe(near);
    });
  }

  static async open(target: string, pki: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, pki);
    proxy.#https.listen(0, "127.0.0.1");
    await once(proxy.#https, "listening");
    await proxy.listen();
    return proxy;
  }

  get server(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** What happens from now on to requests of each target; the others pass. */
  set(faults: Partial<Record<Target, Fault>>): void {
    this.#faults = faults;
  }

  forget(): void {
    this.counts.clear();
    this.answers.clear();
    this.connections = 0;
  }

  /** The most requests for one path of the target; of all targets when none is given. */
  most(target?: Target): number {
    const own = [...this.counts].filter(([key]) => target === undefined || key.startsWith(`${target} `));
    return Math.max(0, ...own.map(([, count]) => count));
  }
  /** All requests of the target. */
  sum(target: Target): number {
    return [...this.counts].reduce((sum, [key, count]) => sum + (key.startsWith(`${target} `) ? count : 0), 0);
  }

  get watching(): number {
    return this.#watches.size;
  }

  /** Writes the line into each watch under way. */
  inject(line: string): void {
    for (const watch of this.#watches) watch.write(`${line}\n`);
  }
  /** The server says in each watch that its history is lost. */
  expire(): void {
    this.inject(`{"type":"ERROR","object":${status(410, "Expired")}}`);
  }
  cutWatches(): void {
    for (const { req } of this.#watches) this.#reset(req);
  }
  muteWatches(): void {
    for (const watch of this.#watches) this.#muted.add(watch);
  }

  cutAll(): void {
    for (const near of this.#sockets.keys()) reset(near);
  }
  /** Connections are refused until `listen`. */
  refuse(): void {
    this.#gate.close();
    this.cutAll();
  }
  async listen(): Promise<void> {
    this.#gate.listen(this.#port, "127.0.0.1");
    await once(this.#gate, "listening");
    this.#port = (this.#gate.address() as AddressInfo).port;
  }
  close(): void {
    this.refuse();
    this.#https.close();
    this.#https.closeAllConnections();
    this.#agent.destroy();
  }

  #reset({ socket }: IncomingMessage): void {
    for (const [near, port] of this.#sockets) if (port === socket.remotePort) reset(near);
  }

  async #handle(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const target = targetOf(from.method, from.url);
    const key = `${target} ${from.url?.split("?")[0] ?? ""}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    to.on("error", () => undefined);
    const body: Buffer[] = [];
    for await (const chunk of from) body.push(chunk);
    const fault = this.#faults[target];
    switch (fault?.do) {
      case "cut":
        return this.#reset(from);
      case "freeze":
        return;
      case "delay":
        await new Promise((wake) => setTimeout(wake, fault.ms));
        break;
      case "answer":
        to.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
        to.end(status(fault.status, fault.reason));
        return;
      case "garble":
        to.writeHead(200, { "content-type": "application/json" }).end("<html>a page of somebody else</html>\n");
        return;
      default:
    }
    if (to.destroyed) return;
    await (target === "watches" ? this.#stream(from, to, fault) : this.#answer(from, to, Buffer.concat(body), fault));
  }

  /** The answer of the API server, not yet read. */
  #forward(from: IncomingMessage, to: ServerResponse, body?: Buffer): Promise<IncomingMessage> {
    const { method, url, headers } = from;
    return new Promise((resolve, reject) => {
      const sent = ask(
        new URL(url ?? "/", this.#target),
        { agent: this.#agent, method, headers: { ...headers, host: this.#target.host } },
        (answer) => {
          const { statusCode = 0 } = answer;
          this.answers.set(statusCode, (this.answers.get(statusCode) ?? 0) + 1);
          resolve(answer);
        },
      );
      sent.on("error", reject);
      to.once("close", () => to.writableFinished || sent.destroy());
      sent.end(body);
    });
  }

  async #answer(from: IncomingMessage, to: ServerResponse, body: Buffer, fault?: Fault): Promise<void> {
    const answer = await this.#forward(from, to, body);
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    if (fault?.do === "lose") return this.#reset(from);
    const whole = Buffer.concat(chunks);
    const { "content-length": _, "transfer-encoding": __, ...headers } = answer.headers;
    to.writeHead(answer.statusCode ?? 502, headers);
    to.end(fault?.do === "truncate" ? whole.subarray(0, whole.length / 2) : whole);
  }

  async #stream(from: IncomingMessage, to: ServerResponse, fault?: Fault): Promise<void> {
    const answer = await this.#forward(from, to);
    if (fault?.do === "lose") return this.#reset(from);
    to.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
    if (fault?.do === "flap") {
      const version = new URL(from.url ?? "/", this.#target).searchParams.get("resourceVersion");
      to.end(`{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"${version}"}}}\n`);
      return;
    }
    this.#watches.add(to);
    to.on("close", () => this.#watches.delete(to));
    for await (const chunk of answer) {
      if (this.#muted.has(to)) continue;
      if (this.#faults.watches?.do === "truncate") {
        to.end(chunk.subarray(0, chunk.length / 2));
        return;
      }
      to.write(chunk);
    }
    to.end();
  }
}
