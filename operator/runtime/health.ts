/**
 * The HTTP side of the controller: `/healthz` tells the kubelet when only a restart helps, `/readyz` when it works,
 * `/metrics` what Prometheus collects. Must not depend on the API server: a cluster in trouble would otherwise lose
 * its controllers to restarts as well.
 */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { Clock } from "./clock.ts";

export interface Check {
  readonly name: string;
  /** Undefined when all is well, else one sentence. */
  readonly problem: () => string | undefined;
}

export interface HealthOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly live: readonly Check[];
  readonly ready: readonly Check[];
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Something that should show a sign of life now and then. */
export const recentlyActive = (clock: Clock, name: string, lastActivity: () => number, limitMs: number): Check => ({
  name,
  problem: () => {
    const silentMs = clock.monotonic() - lastActivity();
    return silentMs < limitMs ? undefined : `no sign of life for ${Math.round(silentMs / 1000)} s`;
  },
});

const judge = (checks: readonly Check[]): { readonly status: number; readonly body: string } => {
  const results = checks.map(({ name, problem }) => ({ name, found: problem() }));
  const status = results.every(({ found }) => found === undefined) ? 200 : 503;
  return { status, body: results.map(({ name, found }) => `${name}: ${found ?? "ok"}\n`).join("") };
};

/** Rejects when the address cannot be bound. */
export const startHealth = async (options: HealthOptions): Promise<HealthServer> => {
  const answer = async (path: string): Promise<{ status: number; body: string; type?: string }> => {
    switch (path) {
      case "/healthz":
        return judge(options.live);
      case "/readyz":
        return judge(options.ready);
      case "/metrics":
        return { status: 200, body: await options.metrics.render(), type: options.metrics.contentType };
      default:
        return { status: 404, body: "not found\n" };
    }
  };
  const respond = async (path: string, response: ServerResponse): Promise<void> => {
    try {
      const { status, body, type } = await answer(path);
      response.writeHead(status, { "content-type": type ?? "text/plain; charset=utf-8" }).end(body);
    } catch (error) {
      response.writeHead(500).end(`${String(error)}\n`);
    }
  };
  const server = createServer((request, response) => {
    void respond((request.url ?? "").split("?")[0] ?? "", response);
  });
  await listen(server, options);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const listen = (server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
