/** The node: namespaces with everything of one cluster inside. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cgroupName, type Component, nodeAddress } from "./components.ts";
import { systemPath } from "./packages.ts";
import { findProcesses, marker, start, tail, until } from "./processes.ts";

const cgroupMount = "/sys/fs/cgroup";

export interface Node {
  readonly name: string;
  /** State directory as the machine sees it. */
  readonly state: string;
}

/**
 * Environment of a node's processes: little, and the mark by which they are found. Nearly all are of Go, and their garbage collector
 * takes a fifth of a busy API server's time unless it may leave more lying about.
 */
function nodeEnv(name: string): NodeJS.ProcessEnv {
  return { [marker]: name, PATH: systemPath, HOME: "/root", LANG: "C.UTF-8", GOGC: "400" };
}

/** Makes the namespaces and waits until their first process has furnished them. `bin` is the directory of the binaries. */
export async function startNode(node: Node, bin: string): Promise<void> {
  const spaces = ["--mount", "--net", "--pid", "--uts", "--fork", "--mount-proc", "--propagation", "private"];
  const log = join(node.state, "log", "node.log");
  const script = join(import.meta.dirname, "node-init.sh");
  start("unshare", [...spaces, "sh", script, node.state, bin, nodeAddress], nodeEnv(node.name), log);
  await until("namespaces of the node", 10, async () => {
    if (existsSync(join(node.state, "node-up"))) return true;
    return undefined;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${tail(readFileSync(log, "utf8"))}`);
  });
}

/** Process number, on the machine, of the node's first process; undefined when the node does not run. */
export function nodePid(name: string): number | undefined {
  return findProcesses(name).find((found) => found.init)?.pid;
}

/** Arguments of `nsenter` that lead into the node. Not `ip netns exec`: kubelet's mounts must reach containerd. */
export function enterArgs(pid: number): string[] {
  return ["--target", String(pid), "--mount", "--net", "--pid", "--uts", "--"];
}

export function startComponents(node: Node, components: readonly Component[]): void {
  const pid = nodePid(node.name);
  if (pid === undefined) throw new Error("the node's first process has ended");
  for (const { name, argv } of components) {
    start("nsenter", [...enterArgs(pid), ...argv], nodeEnv(node.name), join(node.state, "log", `${name}.log`));
  }
}

/** The machine's side of the way to the API server. */
export function startGate(node: Node, port: number): void {
  const listen = `TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr,backlog=128`;
  const log = join(node.state, "log", "gate.log");
  start("socat", [listen, `UNIX-CONNECT:${join(node.state, "api.sock")}`], nodeEnv(node.name), log);
}

/** A cgroup for the cluster's pods in each hierarchy: version 1 has several, version 2 one. */
export function makeCgroups(name: string): void {
  for (const root of cgroupRoots()) {
    const group = join(root, cgroupName(name));
    mkdirSync(group, { recursive: true });
    // Version 1 does not hand these down, and a group without them takes no process.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      if (root !== cgroupMount && existsSync(join(root, file)))
        writeFileSync(join(group, file), readFileSync(join(root, file)));
    }
    // All its pods together would weigh as much as one process of the machine; on a node of their own they weigh as its cores.
    for (const [file, weight] of [
      ["cpu.shares", 1_024],
      ["cpu.weight", 100],
    ] as const)
      if (existsSync(join(group, file))) writeFileSync(join(group, file), String(weight * availableParallelism()));
  }
}

/** Removes them, with what pods left in them. Their processes must have ended. */
export async function removeCgroups(name: string): Promise<void> {
  await until("empty cgroups", 10, async () => {
    for (const root of cgroupRoots()) removeGroup(join(root, cgroupName(name)));
    return true;
  });
}

export function cgroupsLeft(name: string): string[] {
  return cgroupRoots()
    .map((root) => join(root, cgroupName(name)))
    .filter((group) => existsSync(group));
}

function removeGroup(group: string): void {
  if (!existsSync(group)) return;
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(group, entry.name));
  }
  rmdirSync(group);
}

function cgroupRoots(): string[] {
  if (existsSync(join(cgroupMount, "cgroup.controllers"))) return [cgroupMount];
  return readdirSync(cgroupMount, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(cgroupMount, entry.name))
    .filter((dir) => existsSync(join(dir, "cgroup.procs")) && statSync(dir).isDirectory());
}
