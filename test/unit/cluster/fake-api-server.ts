/** An API server on loopback that does what a test tells it, down to the bytes and the sockets. */
import { KubeConfig } from "@kubernetes/client-node";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { connect, type Connection } from "../../../operator/cluster/connection.ts";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}
/** Answers, or deals with the raw response and returns nothing. */
export type Handler = (request: Received, response: ServerResponse) => Reply | undefined | Promise<Reply | undefined>;
export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const status = (code: number, reason: string, name?: string, retryAfterSeconds?: number): Reply => ({
  status: code,
  body: {
    kind: "Status",
    status: "Failure",
    reason,
    message: `the server says ${reason}`,
    code,
    details: { name, retryAfterSeconds },
  },
});
export const notServed: Reply = { status: 404, body: "404 page not found\n" };

export class FakeApiServer {
  readonly received: Received[] = [];
  readonly sockets = new Set<Socket>();
  /** Connections accepted since the start. */
  connections = 0;
  handler: Handler = () => notServed;
  readonly #server: Server;
  #connection: Connection | undefined;

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", (socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  /** The one connection pool to this server; closed with it. */
  get connection(): Connection {
    this.#connection ??= connect(kubeConfig(this.url), { userAgent: "handover/test" });
    return this.#connection;
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#connection?.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? "", "http://localhost");
    const received = {
      method: request.method ?? "",
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    this.received.push(received);
    const reply = await this.handler(received, response);
    if (reply === undefined) return;
    const body = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
    const type = typeof reply.body === "string" ? "text/plain" : "application/json";
    response.writeHead(reply.status, { "content-type": type, ...reply.headers }).end(body);
  }
}

export const kubeConfig = (
  server: string,
  user: { readonly token?: string; readonly username?: string; readonly password?: string } = {},
): KubeConfig => {
  const config = new KubeConfig();
  config.loadFromOptions({
    // client-node refuses plain HTTP unless TLS is not asked for.
    clusters: [{ name: "c", server, skipTLSVerify: true }],
    users: [{ name: "u", ...user }],
    contexts: [{ name: "x", cluster: "c", user: "u" }],
    currentContext: "x",
  });
  return config;
};
