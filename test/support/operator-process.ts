/** The controller as the chart starts it: the real entry, configured by environment, with the rights of the chart and a token in a file. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Api } from "./api.ts";
import { type ControlPlane, killChild, spawnMortal } from "./control-plane.ts";
import { installed } from "./installed.ts";

const main = new URL("../../operator/main.ts", import.meta.url).pathname;
const account = "handover";

async function create(api: Api, path: string, body: unknown): Promise<void> {
  const { status, body: answer } = await api.call("POST", path, body);
  if (status !== 201 && status !== 409) throw new Error(`POST ${path}: ${status} ${answer.message}`);
}

/** The role of the chart, for the operators of all namespaces. */
export const installRole = (api: Api): Promise<void> =>
  create(api, "/apis/rbac.authorization.k8s.io/v1/clusterroles", installed("ClusterRole", "handover"));

/** A namespace with an account that has the chart's rights. */
export async function makeHome(api: Api, namespace: string): Promise<void> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const subjects = [{ kind: "ServiceAccount", name: account, namespace }];
  await create(api, "/api/v1/namespaces", { metadata: { name: namespace } });
  await create(api, `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: account } });
  const { roleRef } = installed("ClusterRoleBinding", "handover");
  await create(api, `${rbac}/clusterrolebindings`, { metadata: { name: namespace }, roleRef, subjects });
  const role = installed("Role", "handover-election");
  await create(api, `${rbac}/namespaces/${namespace}/roles`, { ...role, metadata: { name: role.metadata.name } });
  const binding = installed("RoleBinding", "handover-election");
  const own = { ...binding, metadata: { name: binding.metadata.name }, subjects };
  await create(api, `${rbac}/namespaces/${namespace}/rolebindings`, own);
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface OperatorOptions {
  readonly plane: ControlPlane;
  readonly namespace: string;
  /** URL of the API server, or of what stands before it. */
  readonly server: string;
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class OperatorProcess {
  readonly #options: OperatorOptions;
  readonly #directory: string;
  #child: ChildProcess | undefined;
  #output = "";
  /** What came on the standard error, where only a crash writes. */
  errors = "";

  constructor(options: OperatorOptions) {
    this.#options = options;
    this.#directory = join(options.plane.directory, options.name);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }
  /** Code or signal with which it has ended; undefined while it runs. */
  get end(): number | string | undefined {
    return this.#child?.exitCode ?? this.#child?.signalCode ?? undefined;
  }
  get lines(): readonly LogLine[] {
    return this.#output
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
  said(message: string): boolean {
    return this.lines.some(({ msg }) => msg === message);
  }

  /** Replaces the token as the kubelet does; the old one goes on being valid while its account exists. */
  async writeToken(): Promise<void> {
    const { plane, namespace } = this.#options;
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 3600 } };
    const { status, body } = await plane.api.call("POST", path, request);
    const { token } = (body.status ?? {}) as { readonly token?: string };
    if (status !== 201 || token === undefined) throw new Error(`no token: ${status} ${body.message}`);
    writeFileSync(join(this.#directory, "token"), token);
  }

  /** All tokens that were issued become invalid. */
  async revokeTokens(): Promise<void> {
    const { plane, namespace } = this.#options;
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await plane.api.call("DELETE", `${path}/${account}`);
    await create(plane.api, path, { metadata: { name: account } });
  }

  async start(): Promise<void> {
    const { plane, namespace, server, name, env } = this.#options;
    const dir = this.#directory;
    mkdirSync(dir, { recursive: true });
    await this.writeToken();
    const config = {
      clusters: [{ name, cluster: { server, "certificate-authority": join(plane.pki, "ca.crt") } }],
      // As a pod's service account is read.
      users: [{ name, user: { "auth-provider": { name: "tokenFile", config: { tokenFile: join(dir, "token") } } } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      "current-context": name,
    };
    writeFileSync(join(dir, "kubeconfig"), JSON.stringify(config));
    const child = spawnMortal(process.execPath, [main, "controller"], {
      env: {
        PATH: process.env["PATH"],
        HANDOVER_NAMESPACE: namespace,
        HANDOVER_WATCH_NAMESPACE: namespace,
        HANDOVER_POD_NAME: name,
        HANDOVER_IMAGE: "handover/handover:dev",
        HANDOVER_HTTP_BIND: "127.0.0.1:0",
        HANDOVER_LOG_LEVEL: "debug",
        KUBECONFIG: join(dir, "kubeconfig"),
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.errors += text));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.#child !== undefined) await killChild(this.#child);
  }
}
