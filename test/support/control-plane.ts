/**
 * A control plane of a suite's own: etcd and API server on the loopback, without nodes or controllers. For tests that are rough
 * with the API server, which the shared cluster could not bear.
 */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiServerKeys } from "../cluster/bed/components.ts";
import { kubeBinaries } from "../cluster/bed/kube-binary.ts";
import { kubeconfig, makePki } from "../cluster/bed/pki.ts";
import { tail, until } from "../cluster/bed/processes.ts";
import { type Api, connect } from "./api.ts";
import { freePort } from "./free-port.ts";

/** Ends with the process that started it, also when that one is killed. */
export const spawnMortal = (file: string, args: readonly string[], options: SpawnOptions): ChildProcess =>
  spawn("setpriv", ["--pdeathsig", "KILL", file, ...args], options);

/** Resolves when it is gone, also when it was gone before. */
export async function killChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

interface Ports {
  readonly api: number;
  readonly etcd: number;
  readonly peer: number;
}

export class ControlPlane {
  readonly directory: string;
  readonly #bin: string;
  readonly #ports: Ports;
  readonly #children = new Map<string, ChildProcess>();
  /** The administrator's way in. */
  #api: Api | undefined;

  private constructor(directory: string, bin: string, ports: Ports) {
    this.directory = directory;
    this.#bin = bin;
    this.#ports = ports;
  }

  static async start(): Promise<ControlPlane> {
    const bin = await kubeBinaries();
    const directory = mkdtempSync(join(tmpdir(), "handover-plane-"));
    const ports = { api: await freePort(), etcd: await freePort(), peer: await freePort() };
    const plane = new ControlPlane(directory, bin, ports);
    await makePki(plane.pki);
    const [client, peer] = [`http://127.0.0.1:${ports.etcd}`, `http://127.0.0.1:${ports.peer}`];
    plane.#spawn("etcd", [
      `--data-dir=${join(directory, "etcd")}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--unsafe-no-fsync",
      "--log-level=warn",
    ]);
    const admin = join(directory, "admin.conf");
    writeFileSync(admin, kubeconfig(plane.pki, "admin", plane.server, "plane"));
    plane.#api = connect(admin);
    try {
      await plane.startApiServer();
      return plane;
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  get pki(): string {
    return join(this.directory, "pki");
  }
  get server(): string {
    return `https://127.0.0.1:${this.#ports.api}`;
  }
  get api(): Api {
    if (this.#api === undefined) throw new Error("the control plane has not started");
    return this.#api;
  }

  async startApiServer(...flags: readonly string[]): Promise<void> {
    const { pki } = this;
    this.#spawn("kube-apiserver", [
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      "--service-cluster-ip-range=10.96.0.0/16",
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      "--endpoint-reconciler-type=none", // no Service leads to a loopback
      `--secure-port=${this.#ports.api}`,
      ...apiServerKeys(pki),
      "--authorization-mode=RBAC",
      ...flags,
    ]);
    const ready = async (): Promise<true | undefined> =>
      (await this.api.text("/readyz")).status === 200 ? true : undefined;
    await until("API server", 180, ready).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${tail(readFileSync(this.#log("kube-apiserver"), "utf8"))}`);
    });
  }

  /** As by a crash: no watch is ended politely. */
  stopApiServer(): Promise<void> {
    return this.#end("kube-apiserver");
  }

  /** Forgets all history before the present: whoever asks for older versions is answered 410. */
  async compact(): Promise<void> {
    const ask = async (path: string, body: unknown): Promise<string> => {
      const url = `http://127.0.0.1:${this.#ports.etcd}/v3/kv/${path}`;
      const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`etcd answers ${answer.status}: ${text}`);
      return text;
    };
    const { header } = JSON.parse(await ask("range", { key: Buffer.from("any").toString("base64") }));
    await ask("compaction", { revision: header.revision, physical: true });
  }

  async stop(): Promise<void> {
    await this.#api?.close();
    for (const name of [...this.#children.keys()].toReversed()) await this.#end(name);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #log(name: string): string {
    return join(this.directory, `${name}.log`);
  }

  #spawn(name: string, args: readonly string[]): void {
    const log = openSync(this.#log(name), "a");
    this.#children.set(name, spawnMortal(join(this.#bin, "kube"), [name, ...args], { stdio: ["ignore", log, log] }));
  }

  async #end(name: string): Promise<void> {
    const child = this.#children.get(name);
    this.#children.delete(name);
    if (child !== undefined) await killChild(child);
  }
}
