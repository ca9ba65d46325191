/** Where things lie. The tree gets nothing but `.cluster/`, which Git ignores. */
import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

export const treeRoot = resolve(import.meta.dirname, "../../..");

/** Things that are dear to make and the same for every cluster: binaries, base images, built images. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env["HANDOVER_CACHE"]) return resolve(env["HANDOVER_CACHE"]);
  return join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "handover");
}

/** State of one bare cluster. Short, because a unix socket's path must stay under 108 bytes. */
export function stateDir(name: string): string {
  return join(process.env["HANDOVER_STATE"] || "/var/lib/handover-bed", name);
}

export function defaultKubeconfig(name: string): string {
  return join(treeRoot, ".cluster", name, "kubeconfig");
}

/** Removes a kubeconfig that was written for a user, and its directory if that was made for it and is empty now. */
export function removeKubeconfig(file: string): void {
  rmSync(file, { force: true });
  const dir = dirname(file);
  if (dirname(dir) === join(treeRoot, ".cluster") && existsSync(dir) && readdirSync(dir).length === 0) rmdirSync(dir);
}

export const toolDir = join(treeRoot, ".cluster", "bin");

const namePattern = /^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/;

/** A name becomes a path, a cgroup and a context: it must be harmless in each. */
export function parseName(text: string): string {
  if (!namePattern.test(text)) {
    throw new BedError(
      `not a cluster name: ${JSON.stringify(text)}`,
      "use up to 30 lower-case letters, digits and dashes, beginning with a letter",
    );
  }
  return text;
}

/** Trouble that the user can do something about: what is wrong, and what to do next. */
export class BedError extends Error {
  readonly next: string;
  constructor(message: string, next: string) {
    super(message);
    this.name = "BedError";
    this.next = next;
  }
}
