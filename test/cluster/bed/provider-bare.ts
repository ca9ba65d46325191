/** A single-node Kubernetes on this Linux machine, in namespaces of its own, without any container registry. */
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import * as z from "zod";
import { adminAccess, ask } from "./api.ts";
import { configFiles, controllersAndNode, nodeIdentities, storageClass, storeAndApi } from "./components.ts";
import { cgroupsLeft, makeCgroups, nodePid, removeCgroups, startComponents, startGate, startNode } from "./node.ts";
import { kubeBinaries, linkTools } from "./kube-binary.ts";
import { loadIntoNode } from "./load.ts";
import { ensurePrograms, nodeNeeds } from "./packages.ts";
import { BedError, removeKubeconfig, stateDir } from "./paths.ts";
import { pauseArchive } from "./pause-image.ts";
import { kubeconfig, makePki } from "./pki.ts";
import { endProcesses, findProcesses, tail, until } from "./processes.ts";
import { say, step } from "./progress.ts";
import type { Status, UpOptions } from "./provider.ts";

const overlayMagic = 0x794c7630;

/** What is remembered of a cluster, in its state directory: its port, and the kubeconfigs written for users. */
const memoryOf = z.object({ port: z.number(), kubeconfigs: z.array(z.string()).readonly() }).readonly();
type Memory = z.infer<typeof memoryOf>;

const nodeBody = z.object({
  status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })) }),
});

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
  await step(`starting Kubernetes ${name}`, () => startCluster(name, bin, pause, port)).catch(
    async (error: unknown) => {
      await endProcesses(name);
      await removeCgroups(name);
      const why = error instanceof Error ? error.message : String(error);
      throw new BedError(why, `the logs stay in ${join(stateDir(name), "log")} until the next up or down`);
    },
  );
  publish(name, port, target);
  return { name, provider: "bare", ready: true, kubeconfig: target, auditLog: auditLog(name), port };
}

async function startCluster(name: string, bin: string, pause: string, port: number): Promise<void> {
  const state = stateDir(name);
  const node = { name, state };
  mkdirSync(join(state, "log"), { recursive: true, mode: 0o700 });
  await writeConfiguration(name, port);
  makeCgroups(name);
  await startNode(node, bin);
  startComponents(node, storeAndApi);
  startGate(node, port);
  const access = adminAccess(join(state, "conf", "pki"), port);
  await component(state, "API server", "apiserver", async () => {
    const { status } = await ask(access, "GET", "/readyz");
    return status === 200 ? true : undefined;
  });
  startComponents(node, controllersAndNode);
  await component(state, "pause image", "containerd", () => loadIntoNode(name, pause).then(() => true));
  await component(state, "storage class", "apiserver", async () => {
    const { status } = await ask(access, "POST", "/apis/storage.k8s.io/v1/storageclasses", storageClass);
    return status === 201 || status === 409 ? true : undefined;
  });
  await component(state, "ready node", "kubelet", async () => ((await isReady(name, port)) ? true : undefined));
}

/** Ends and removes everything of a cluster, whatever state it is in. */
export async function downBare(name: string): Promise<void> {
  requireRoot();
  const memory = recall(name);
  await endProcesses(name);
  await removeCgroups(name);
  // Mounts and interfaces went with the processes: what is left are files.
  for (const file of memory?.kubeconfigs ?? []) removeKubeconfig(file);
  rmSync(stateDir(name), { recursive: true, force: true });
}

export async function bareStatus(name: string): Promise<(Status & { readonly port: number }) | undefined> {
  const memory = recall(name);
  if (memory === undefined) return undefined;
  const { port, kubeconfigs } = memory;
  const ready = nodePid(name) !== undefined && (await isReady(name, port).catch(() => false));
  const file = kubeconfigs.at(-1) ?? join(stateDir(name), "admin.conf");
  return { name, provider: "bare", ready, kubeconfig: file, auditLog: auditLog(name), port };
}

/** Ready means: a pod with a volume that is created now will run and find its peers by name. */
async function isReady(name: string, port: number): Promise<boolean> {
  const access = adminAccess(join(stateDir(name), "conf", "pki"), port);
  const [node, account, dns] = await Promise.all([
    ask(access, "GET", "/api/v1/nodes/node1"),
    ask(access, "GET", "/api/v1/namespaces/default/serviceaccounts/default"),
    ask(access, "GET", "/api/v1/nodes/http:node1:8181/proxy/ready"),
  ]);
  if (node.status !== 200 || account.status !== 200 || dns.status !== 200) return false;
  return nodeBody.safeParse(JSON.parse(node.body)).data?.status.conditions.some(saysReady) ?? false;
}

function saysReady({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return type === "Ready" && status === "True";
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
  remember(name, { port, kubeconfigs: [] });
}

/** Gives the user a kubeconfig and remembers where. */
function publish(name: string, port: number, target: string): void {
  write(target, readFileSync(join(stateDir(name), "admin.conf"), "utf8"));
  const others = recall(name)?.kubeconfigs.filter((file) => file !== target) ?? [];
  remember(name, { port, kubeconfigs: [...others, target] });
}

function recall(name: string): Memory | undefined {
  try {
    return memoryOf.parse(JSON.parse(readFileSync(join(stateDir(name), "bed.json"), "utf8")));
  } catch {
    return undefined; // not made yet, or cut off by a crash: there is nothing to go by
  }
}

function remember(name: string, memory: Memory): void {
  write(join(stateDir(name), "bed.json"), JSON.stringify(memory));
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
    throw new Error(`${error instanceof Error ? error.message : ""}\n${name} said last:\n${end}`, { cause: error });
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
