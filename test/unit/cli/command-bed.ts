/** The commands against an API server on loopback with a few objects in it: real HTTP, a real kubeconfig, no cluster. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BackupPolicy, BackupRun, KubeObject } from "../../../operator/api/kinds.ts";
import { runCli } from "../../../operator/cli/program.ts";
import type { Terminal } from "../../../operator/cli/terminal.ts";
import { type Instant, parseInstant } from "../../../operator/domain/instant.ts";
import { FakeApiServer, type Handler, type Received, type Reply, status } from "../cluster/fake-api-server.ts";

export const now = parseInstant("2026-11-29T12:00:00Z")!;
const base = "/apis/backup.handover.dev/v1alpha1";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class CommandBed {
  readonly api: FakeApiServer;
  readonly directory = mkdtempSync(join(tmpdir(), "handover-cli-"));
  readonly objects = new Map<string, KubeObject>();
  /** Looked at first; undefined lets the objects answer. */
  before: (request: Received) => Reply | undefined = () => undefined;
  interrupt: (() => void) | undefined;
  /** Called in each pause of a command; the clock goes on by it. */
  paused: () => void = () => undefined;
  clock: Instant = now;

  constructor(api: FakeApiServer) {
    this.api = api;
    api.handler = this.#handler;
  }
  static async open(...objects: readonly KubeObject[]): Promise<CommandBed> {
    const bed = new CommandBed(await new FakeApiServer().start());
    for (const object of objects) bed.put(object);
    writeFileSync(bed.kubeconfig, kubeconfigOf(bed.api.url));
    return bed;
  }
  async close(): Promise<void> {
    await this.api.stop();
    rmSync(this.directory, { recursive: true });
  }

  get kubeconfig(): string {
    return join(this.directory, "config");
  }
  put(object: KubeObject): void {
    this.objects.set(this.#key(object), object);
  }
  run(name: string): BackupRun {
    return this.objects.get(`backupruns/shop/${name}`) as BackupRun;
  }
  policy(name: string): BackupPolicy {
    return this.objects.get(`backuppolicies/shop/${name}`) as BackupPolicy;
  }
  get writes(): readonly Received[] {
    return this.api.received.filter(({ method }) => method !== "GET");
  }

  async handover(...argv: readonly string[]): Promise<Outcome> {
    let out = "";
    let err = "";
    const terminal: Terminal = {
      env: { KUBECONFIG: this.kubeconfig },
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      now: () => this.clock,
      sleep: async (milliseconds) => {
        this.clock += milliseconds;
        this.paused();
      },
      onInterrupt: (interrupted) => {
        this.interrupt = interrupted;
        return () => (this.interrupt = undefined);
      },
      attempts: 1,
    };
    const code = await runCli(argv, terminal);
    return { code, out, err };
  }

  #key({ metadata, spec }: KubeObject): string {
    const has = (field: string): boolean => typeof spec === "object" && spec !== null && field in spec;
    const plural = !has("policyName") ? "backuppolicies" : has("from") ? "restorerequests" : "backupruns";
    return `${plural}/${metadata.namespace}/${metadata.name}`;
  }

  readonly #handler: Handler = (request) => {
    const first = this.before(request);
    if (first !== undefined) return first;
    const parts = request.path
      .replace(base, "")
      .split("/")
      .filter((part) => part !== "");
    const [namespace, plural = "", name] = parts[0] === "namespaces" ? parts.slice(1) : [undefined, ...parts];
    const all = [...this.objects].filter(([key]) =>
      key.startsWith(`${plural}/${namespace === undefined ? "" : `${namespace}/`}`),
    );
    if (request.method === "POST") return this.#create(request.body as KubeObject);
    if (name === undefined) return { status: 200, body: { items: all.map(([, object]) => object) } };
    const found = this.objects.get(`${plural}/${namespace}/${name}`);
    if (found === undefined) return status(404, "NotFound", name);
    if (request.method === "PATCH") return this.#patch(found, request.body as KubeObject);
    return { status: 200, body: found };
  };

  #create(body: KubeObject): Reply {
    const { generateName } = body.metadata as unknown as { readonly generateName: string };
    const object = {
      ...body,
      metadata: { ...body.metadata, name: `${generateName}abcde`, uid: "new-uid", resourceVersion: "1" },
    };
    this.put(object);
    return { status: 201, body: object };
  }

  #patch(found: KubeObject, patch: KubeObject): Reply {
    if (patch.metadata.resourceVersion !== found.metadata.resourceVersion)
      return status(409, "Conflict", found.metadata.name);
    const merged = Object.entries({ ...found.metadata.annotations, ...patch.metadata.annotations }).filter(
      ([, value]) => value !== null,
    );
    const resourceVersion = String(Number(found.metadata.resourceVersion) + 1);
    const object = {
      ...found,
      metadata: { ...found.metadata, resourceVersion, annotations: Object.fromEntries(merged) },
    };
    this.put(object);
    return { status: 200, body: object };
  }
}

export const kubeconfigOf = (server: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [
      { name: "home", context: { cluster: "c", user: "u", namespace: "shop" } },
      { name: "bare", context: { cluster: "c", user: "u" } },
    ],
    "current-context": "home",
  });
