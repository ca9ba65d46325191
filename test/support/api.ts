/**
 * A small client for tests that speak to a real API server: one kubeconfig with a client certificate, JSON in, JSON out.
 * On purpose not the operator's own client, so that a fault in that one cannot hide here.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { Agent, request } from "undici";
import { parse } from "yaml";

export interface Answer {
  readonly status: number;
  readonly body: Body;
}
/** What tests read of an answer: an object, a list, or a Status with its message. */
export interface Body {
  readonly kind?: string;
  readonly message?: string;
  readonly metadata?: { readonly name?: string; readonly resourceVersion?: string; readonly generation?: number };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  readonly [field: string]: unknown;
}
export interface Manifest {
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface Api {
  readonly call: (method: Method, path: string, body?: unknown, contentType?: string) => Promise<Answer>;
  /** For what is not JSON, such as a page behind the proxy of a service. */
  readonly text: (path: string) => Promise<{ readonly status: number; readonly body: string }>;
  /** Tells what is there and then every change, until the signal is aborted; begins anew when the server ends a watch. */
  readonly watch: (path: string, seen: (type: string, object: Body) => void, signal: AbortSignal) => Promise<void>;
  /** @returns the standard output of kubectl. @throws when it fails; the error carries its standard error. */
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
  readonly close: () => Promise<void>;
}
type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

const run = promisify(execFile);
const decode = (text: string): string => Buffer.from(text, "base64").toString("utf8");

export const group = "/apis/backup.handover.dev/v1alpha1";
const plurals: Readonly<Record<string, string>> = {
  BackupPolicy: "backuppolicies",
  BackupRun: "backupruns",
  RestoreRequest: "restorerequests",
};

/** Path of the collection of a kind of Handover. */
export function collection(kind: string, namespace: string): string {
  const plural = plurals[kind];
  if (plural === undefined) throw new Error(`${kind} is not a kind of Handover`);
  return `${group}/namespaces/${namespace}/${plural}`;
}

/** A path that is not served, or not yet, is answered in plain text. */
function parseBody(text: string): Body {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text };
  }
}

/** @throws when HANDOVER_TEST_KUBECONFIG is not set: these tests need a real API server. */
export function connect(path = process.env["HANDOVER_TEST_KUBECONFIG"]): Api {
  if (path === undefined || path === "") {
    throw new Error(
      "HANDOVER_TEST_KUBECONFIG is not set: `make test` brings up a cluster and sets it, `make cluster-up` keeps one",
    );
  }
  const config = parse(readFileSync(path, "utf8"));
  const { server, "certificate-authority-data": ca } = config.clusters[0].cluster;
  const { "client-certificate-data": cert, "client-key-data": key } = config.users[0].user;
  const agent = new Agent({ connect: { ca: decode(ca), cert: decode(cert), key: decode(key) }, connections: 8 });
  const watching = new Agent({ connect: { ca: decode(ca), cert: decode(cert), key: decode(key) }, bodyTimeout: 0 });
  return {
    call: async (method, at, body, contentType = "application/json") => {
      const response = await request(`${server}${at}`, {
        method,
        dispatcher: agent,
        headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": contentType }) },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      return { status: response.statusCode, body: parseBody(await response.body.text()) };
    },
    text: async (at) => {
      const response = await request(`${server}${at}`, { dispatcher: agent });
      return { status: response.statusCode, body: await response.body.text() };
    },
    watch: async (at, seen, signal) => {
      while (!signal.aborted) {
        try {
          // A connection of its own: it stays open, and the others are counted.
          const response = await request(`${server}${at}${at.includes("?") ? "&" : "?"}watch=1`, {
            dispatcher: watching,
            headers: { accept: "application/json" },
            signal,
          });
          for await (const line of createInterface({ input: response.body })) {
            const { type, object } = JSON.parse(line);
            seen(type, object);
          }
        } catch {
          // The end that was asked for, or an API server that is away: looked at again by the loop.
        }
        await new Promise((wake) => setTimeout(wake, 100));
      }
    },
    kubectl: async (...args) => {
      const { stdout } = await run(process.env["HANDOVER_KUBECTL"] ?? "kubectl", ["--kubeconfig", path, ...args]);
      return stdout;
    },
    close: async () => void (await Promise.all([agent.close(), watching.close()])),
  };
}

/** @returns the answer once it satisfies the test. @throws after 30 seconds, with the last answer. */
export async function eventually(ask: () => Promise<Answer>, satisfied: (answer: Answer) => boolean): Promise<Answer> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (satisfied(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`still not so after 30 s: ${JSON.stringify(answer).slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Installs the CRDs by server-side apply and waits until they are served. */
export async function installCrds(api: Api): Promise<void> {
  for (const plural of Object.values(plurals)) {
    const yaml = readFileSync(new URL(`../../crds/${plural}.yaml`, import.meta.url), "utf8");
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.backup.handover.dev`;
    const query = "?fieldManager=handover-test&force=true&fieldValidation=Strict";
    const applied = await api.call("PATCH", `${path}${query}`, yaml, "application/apply-patch+yaml");
    if (applied.status > 201) throw new Error(`crds/${plural}.yaml is refused: ${applied.body.message}`);
    await eventually(
      () => api.call("GET", `${group}/namespaces/default/${plural}`),
      (answer) => answer.status === 200,
    );
  }
}
