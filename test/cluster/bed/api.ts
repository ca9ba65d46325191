/** A handful of requests to an API server, from a kubeconfig with everything inside. */
import { readFileSync } from "node:fs";
import { request } from "node:https";

interface Access {
  readonly server: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Reads a kubeconfig that `pki.ts` has written. */
export function readAccess(file: string): Access {
  const config = JSON.parse(readFileSync(file, "utf8")) as {
    readonly clusters: readonly [{ cluster: { server: string; "certificate-authority-data": string } }];
    readonly users: readonly [{ user: { "client-certificate-data": string; "client-key-data": string } }];
  };
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const decode = (text: string): Buffer => Buffer.from(text, "base64");
  return {
    server: cluster.server,
    ca: decode(cluster["certificate-authority-data"]),
    cert: decode(user["client-certificate-data"]),
    key: decode(user["client-key-data"]),
  };
}

export function ask(access: Access, method: "GET" | "POST", path: string, body?: unknown): Promise<Answer> {
  const { server, ca, cert, key } = access;
  const headers = { "content-type": "application/json" };
  const options = { method, ca, cert, key, headers, agent: false, timeout: 5000 } as const;
  return new Promise((done, fail) => {
    const sent = request(new URL(path, server), options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => done({ status: response.statusCode ?? 0, body: text }));
      response.on("error", fail);
    });
    sent.on("timeout", () => sent.destroy(new Error("the API server does not answer")));
    sent.on("error", fail);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
