/** A single-node Kubernetes on this Linux machine, in namespaces of its own, without any container registry. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { ask, readAccess } from "./api.ts";
import { configFiles, controllersAndNode, nodeIdentities, storageClass, storeAndApi } from "./components.ts";
import { cgroupsLeft, makeCgroups, nodePid, removeCgroups, startComponents, startGate, startNode } from "./node.ts";
import { kubeBinaries, linkTools } from "./kube-binary.ts";
import { loadIntoNode } from "./load.ts";
import { ensurePrograms, nodeNeeds } from "./packages.ts";
import { BedError, stateDir } from "./paths.ts";
import { pauseArchive } from "./pause-image.ts";
import { kubeconfig, makePki } from "./pki.ts";
import { endProcesses, findProcesses, tail, until } from "./processes.ts";
import { say, step } from "./progress.ts";
import type { Status, UpOptions } from "./provider.ts";

const overlayMagic = 0x794c7630;

/** What is remembered of a running cluster, in its state directory. */
interface Record {
  readonly port: number;
  /** Kubeconfigs written for users, removed with the cluster. */
  readonly kubeconfigs: readonly string[];
}

export function bareExists(name: string): boolean {
  return existsSync(stateDir(name)) || findProcesses(name).length > 0 || cgroupsLeft(name).length > 0;
}

export async function upBare({ name, kubeconfig: target, port: wanted }: UpOptions): Promise<Status> {
  requireRoot();
  const running = await bareStatus(name);
  if (running?.ready === true) {
    say(`cluster ${name} runs already`);
    linkTools(await kubeBinaries());
    publish(name, running.port, target);
    return { ...running, kubeconfig: target };
  }
  if (bareExists(name)) await step(`removing what is left of an earlier cluster ${name}`, () => downBare(name));
  await ensurePrograms(nodeNeeds);
  const bin = await kubeBinaries();
  linkTools(bin);
  const pause = await pauseArchive(bin);
  const port = wanted ?? (await freePort());
  const state = stateDir(name);
  const node = { name, state };

  await step(`starting Kubernetes ${name}`, async () => {
    mkdirSync(join(state, "log"), { recursive: true, mode: 0o700 });
    await writeConfiguration(name, port);
    makeCgroups(name);
    await startNode(node, bin);
    startComponents(node, storeAndApi);
    startGate(node, port);
    const access = readAccess(join(state, "admin.conf"));
    await component(state, "API server", "apiserver", async () => {
      const { status } = await ask(access, "GET", "/readyz");
      return status === 200 ? true : undefined;
    });
    await component(state, "pause image", "containerd", () => loadIntoNode(name, pause).then(() => true));
    startComponents(node, controllersAndNode);
    await ask(access, "POST", "/apis/storage.k8s.io/v1/storageclasses", storageClass);
    await component(state, "ready node", "kubelet", async () => ((await isReady(name)) ? true : undefined));
  });
  publish(name, port, target);
  return { name, provider: "bare", ready: true, kubeconfig: target, auditLog: auditLog(name), port };
}

/** Ends and removes everything of a cluster, whatever state it is in. */
export async function downBare(name: string): Promise<void> {
  requireRoot();
  const record = readRecord(name);
  await endProcesses(name);
  await removeCgroups(name);
  // Mounts and interfaces went with the processes: what is left are files.
  for (const file of record?.kubeconfigs ?? []) rmSync(file, { force: true });
  rmSync(stateDir(name), { recursive: true, force: true });
}

export async function bareStatus(name: string): Promise<(Status & { readonly port: number }) | undefined> {
  const record = readRecord(name);
  if (record === undefined) return undefined;
  const { port, kubeconfigs } = record;
  const ready = nodePid(name) !== undefined && (await isReady(name).catch(() => false));
  const file = kubeconfigs.at(-1) ?? join(stateDir(name), "admin.conf");
  return { name, provider: "bare", ready, kubeconfig: file, auditLog: auditLog(name), port };
}

/** Ready means: a pod with a volume that is created now will run and find its peers by name. */
async function isReady(name: string): Promise<boolean> {
  const access = readAccess(join(stateDir(name), "admin.conf"));
  const [node, account, dns] = await Promise.all([
    ask(access, "GET", "/api/v1/nodes/node1"),
    ask(access, "GET", "/api/v1/namespaces/default/serviceaccounts/default"),
    ask(access, "GET", "/api/v1/nodes/http:node1:8181/proxy/ready"),
  ]);
  if (node.status !== 200 || account.status !== 200 || dns.status !== 200) return false;
  const { status } = JSON.parse(node.body) as { status: { conditions: readonly { type: string; status: string }[] } };
  return status.conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
}

async function writeConfiguration(name: string, port: number): Promise<void> {
  const state = stateDir(name);
  const conf = join(state, "conf");
  const pki = join(conf, "pki");
  await makePki(pki);
  const snapshotter = statfsSync(state).type === overlayMagic ? "native" : "overlayfs";
  for (const [file, content] of Object.entries(configFiles(name, snapshotter))) write(join(conf, file), content);
  for (const identity of nodeIdentities) {
    write(join(conf, `${identity}.conf`), kubeconfig(pki, identity, "https://127.0.0.1:6443", name));
  }
  write(join(state, "admin.conf"), kubeconfig(pki, "admin", `https://127.0.0.1:${port}`, name));
  writeRecord(name, { port, kubeconfigs: [] });
}

/** Gives the user a kubeconfig and remembers where. */
function publish(name: string, port: number, target: string): void {
  write(target, readFileSync(join(stateDir(name), "admin.conf"), "utf8"));
  const others = readRecord(name)?.kubeconfigs.filter((file) => file !== target) ?? [];
  writeRecord(name, { port, kubeconfigs: [...others, target] });
}

function readRecord(name: string): Record | undefined {
  try {
    return JSON.parse(readFileSync(join(stateDir(name), "bed.json"), "utf8")) as Record;
  } catch {
    return undefined;
  }
}

function writeRecord(name: string, record: Record): void {
  write(join(stateDir(name), "bed.json"), JSON.stringify(record));
}

function write(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content, { mode: 0o600 });
}

function auditLog(name: string): string {
  return join(stateDir(name), "log", "audit.log");
}

/** Waits for something and, if it does not come, shows the end of the log of the component that should have brought it. */
async function component(
  state: string,
  what: string,
  name: string,
  isThere: () => Promise<boolean | undefined>,
): Promise<void> {
  try {
    await until(what, 60, isThere);
  } catch (error) {
    const log = join(state, "log", `${name}.log`);
    const end = existsSync(log) ? tail(readFileSync(log, "utf8"), 15) : "";
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${name} said last:\n${end}`);
  }
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer().on("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === "object" ? done(address.port) : fail(new Error("no port")),
      );
    });
  });
}

function requireRoot(): void {
  if (process.platform !== "linux") {
    throw new BedError("the bare test cluster needs Linux", "start Docker, install kind, and use --provider kind");
  }
  if (process.getuid?.() !== 0) {
    throw new BedError(
      "the bare test cluster needs root: it makes namespaces, cgroups and mounts",
      "run the same command with sudo, or start Docker, install kind, and use --provider kind",
    );
  }
}

/** Names of the clusters that have state on this machine. */
export function bareClusters(): string[] {
  const root = dirname(stateDir("x"));
  return existsSync(root) ? readdirSync(root) : [];
}
