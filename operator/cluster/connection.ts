/**
 * One connection pool to one API server, with credentials. Uses KubeConfig of @kubernetes/client-node to understand
 * kubeconfig files and service accounts, and nothing else of it: its generated clients open one TLS connection per
 * request (301 connections for 301 GETs measured on 2.0.1), have no timeouts and drop fields they do not know.
 * Must not know any kind, retry anything or interpret an answer.
 */
import { KubeConfig } from "@kubernetes/client-node";
import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import { Agent, type Dispatcher } from "undici";
import { ApiError, transportError } from "./errors.ts";

/** A service account token lives an hour and its file is replaced well before; the same half minute serves rotated CAs. */
const credentialsTtlMs = 30_000;
/** Refused credentials are read again at once, but not by each of many requests: some come from a program. */
const refusedTtlMs = 1_000;
/** Below the idle time after which API servers and load balancers in front of them close a connection. */
const keepAliveMs = 30_000;
const longestConnectMs = 10_000;

export interface RawRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Absolute path below the server's URL. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal: AbortSignal;
}

export interface Connection {
  /** Resolves with the headers of any answer, 4xx and 5xx too; rejects with an ApiError when there is none. The body must be consumed. */
  send(request: RawRequest): Promise<Dispatcher.ResponseData>;
  /** Waits for requests under way. */
  close(): Promise<void>;
}

export interface ConnectionOptions {
  readonly userAgent: string;
  /**
   * In milliseconds, until an unanswered attempt to connect is given up. Until then it can be what the pool gives the next
   * request, also when the request that began it was given up earlier.
   */
  readonly connectTimeoutMs?: number;
  /** Milliseconds that never run backwards. */
  readonly monotonic?: () => number;
}

/** HTTP/1.1 on purpose: a watch that stalls then stalls alone, and a cut connection costs one request. */
const newAgent = (tls: Readonly<Record<string, unknown>>): Agent =>
  new Agent({
    allowH2: false,
    connect: { ...tls },
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    pipelining: 1,
  });

interface Credentials {
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  readonly readAt: number;
}

/** Where the cluster is: a kubeconfig file, or the service account of this pod when the path is undefined. */
export const loadKubeConfig = (path: string | undefined): KubeConfig => {
  const config = new KubeConfig();
  if (path === undefined) config.loadFromCluster();
  else config.loadFromFile(path);
  return config;
};

export const connect = (config: KubeConfig, options: ConnectionOptions): Connection => {
  const { connectTimeoutMs = longestConnectMs, monotonic = () => performance.now() } = options;
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("the kubeconfig has no current context with a cluster");
  if (cluster.proxyUrl) throw new Error("proxy-url in a kubeconfig is not supported");
  const server = new URL(cluster.server);
  const base = server.pathname.replace(/\/+$/, "");
  let credentials: Credentials | undefined;
  let reading: Promise<Credentials> | undefined;
  let closed = false;

  const read = async (): Promise<Credentials> => {
    const given: RequestOptions = {};
    await config.applyToHTTPSOptions(given);
    const tls: Record<string, unknown> = { allowH2: false, keepAlive: true, timeout: connectTimeoutMs };
    for (const field of ["ca", "cert", "key", "rejectUnauthorized", "servername"] as const) {
      if (given[field] !== undefined) tls[field] = given[field];
    }
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(given.headers ?? {})) headers[name.toLowerCase()] = String(value).trim();
    const tokenFile: unknown = config.getCurrentUser()?.authProvider?.config?.tokenFile;
    // KubeConfig keeps a token for a minute of the wall clock: past its end, and for as long as a clock is set back.
    if (typeof tokenFile === "string")
      headers["authorization"] = `Bearer ${(await readFile(tokenFile, "utf8")).trim()}`;
    if (typeof given.auth === "string")
      headers["authorization"] = `Basic ${Buffer.from(given.auth).toString("base64")}`;
    const fingerprint = JSON.stringify(tls);
    const old = credentials;
    const agent = old?.fingerprint === fingerprint ? old.agent : newAgent(tls);
    // The certificates were replaced: new requests use the new pool, requests under way end on the old one.
    if (old !== undefined && old.agent !== agent) old.agent.close().catch(() => undefined);
    credentials = { agent, headers, fingerprint, readAt: monotonic() };
    return credentials;
  };

  const current = async (): Promise<Credentials> => {
    if (credentials !== undefined && monotonic() - credentials.readAt < credentialsTtlMs) return credentials;
    reading ??= read().finally(() => (reading = undefined));
    return reading;
  };

  return {
    async send(request) {
      const title = `${request.method} ${request.path}`;
      if (closed)
        throw new ApiError({
          status: 0,
          reason: "Aborted",
          message: `${title}: the connection is closed`,
          outcome: "unchanged",
        });
      const query = new URLSearchParams(request.query).toString();
      let use: Credentials;
      try {
        use = await current();
      } catch (error) {
        const message = `${title}: the credentials cannot be read: ${error instanceof Error ? error.message : String(error)}`;
        throw new ApiError({ status: 0, reason: "Unreachable", message, outcome: "unchanged", cause: error });
      }
      try {
        const answer = await use.agent.request({
          origin: server.origin,
          path: `${base}${request.path}${query === "" ? "" : `?${query}`}`,
          method: request.method,
          headers: {
            ...use.headers,
            accept: "application/json",
            "user-agent": options.userAgent,
            ...(request.body === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
          },
          body: request.body === undefined ? null : JSON.stringify(request.body),
          signal: request.signal,
          // The signal is the only clock: undici's own would cut a quiet watch after five minutes.
          headersTimeout: 0,
          bodyTimeout: 0,
        });
        const old = monotonic() - use.readAt >= refusedTtlMs;
        if (answer.statusCode === 401 && old && credentials === use) credentials = { ...use, readAt: -Infinity };
        return answer;
      } catch (error) {
        throw transportError(title, error);
      }
    },
    async close() {
      closed = true;
      await credentials?.agent.close();
    },
  };
};
