/** buildah with a store of its own in the cache, so that nothing of ours mixes with other images of the machine. */
import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.ts";
import { cacheRoot } from "./paths.ts";
import { must, run, type RunOptions, type RunResult } from "./processes.ts";

/**
 * Runs a program whose mounts nobody else sees, and whose processes all end when this one does, however that ends. A build
 * that was interrupted must not leave a mounted /proc where the next clean-up removes files.
 */
export const apart = {
  file: "setpriv",
  args: "--pdeathsig KILL unshare --mount --propagation private --pid --fork --mount-proc --kill-child --".split(" "),
} as const;

const overlayMagic = 0x794c7630;

export async function buildah(args: readonly string[], options: RunOptions = {}): Promise<string> {
  return must(apart.file, [...apart.args, "buildah", ...storeArgs(), ...args], { ...options, env: buildEnv() });
}

export async function tryBuildah(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(apart.file, [...apart.args, "buildah", ...storeArgs(), ...args], { ...options, env: buildEnv() });
}

/** One user of the store at a time; what an interrupted one left in it is removed first. */
export function withStore<T>(work: () => Promise<T>): Promise<T> {
  return withLock(join(cacheRoot(), "locks", "buildah.lock"), async () => {
    await tryBuildah(["rm", "--all"]);
    return work();
  });
}

/** Where temporary image data goes: beside the store, not into a small /tmp. */
export function workDir(): string {
  const dir = join(cacheRoot(), "buildah", "tmp");
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** The id of an image in the store; undefined when it is not there. */
export async function imageId(name: string): Promise<string | undefined> {
  const { code, stdout } = await tryBuildah(["images", "--quiet", "--no-trunc", name]);
  return code === 0 ? stdout.trim().split("\n")[0] || undefined : undefined;
}

function buildEnv(): NodeJS.ProcessEnv {
  return { ...process.env, TMPDIR: workDir() };
}

function storeArgs(): string[] {
  const root = join(cacheRoot(), "buildah");
  mkdirSync(root, { recursive: true });
  const driver = statfsSync(root).type === overlayMagic ? "vfs" : "overlay";
  return ["--root", join(root, "store"), "--runroot", join(root, "run"), "--storage-driver", driver];
}

/** Local images and archives carry no signatures. */
export function policyFile(): string {
  const file = join(workDir(), "policy.json");
  writeFileSync(file, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  return file;
}

/**
 * Settings of the machine's apt that a build needs to reach the packages from here (a proxy, say), as a directory that is
 * mounted over `/etc/apt/apt.conf.d` during the build only. They never become part of an image.
 */
export async function aptSettings(): Promise<string> {
  const dir = join(cacheRoot(), "buildah", "apt.conf.d");
  mkdirSync(dir, { recursive: true });
  const { stdout } = await run("apt-config", ["dump"]);
  const ours = 'Acquire::Languages "none";\nAPT::Install-Recommends "false";\nAcquire::Retries "3";\n';
  writeFileSync(join(dir, "bed"), ours + passedOn(stdout));
  return dir;
}

/** Of `apt-config dump`: proxies and checks of dates, nothing else. */
export function passedOn(dump: string): string {
  const wanted = /^Acquire::(?:https?::(?:\S+::)?Proxy|Check-Valid-Until|Check-Date) "[^"]+";$/;
  return dump
    .split("\n")
    .filter((line) => wanted.test(line))
    .map((line) => `${line}\n`)
    .join("");
}
