/** A handful of requests to the API server of a bare cluster. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";

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

/** From a cluster's certificates (see `pki.ts`) as the administrator. */
export function adminAccess(pki: string, port: number): Access {
  const read = (file: string): Buffer => readFileSync(join(pki, file));
  return { server: `https://127.0.0.1:${port}`, ca: read("ca.crt"), cert: read("admin.crt"), key: read("admin.key") };
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
