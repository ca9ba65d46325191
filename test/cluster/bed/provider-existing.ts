/** A cluster of the user's, used only when asked for. Nothing is created in it, and nothing removed but our kubeconfig. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { linkInstalledTools } from "./kube-binary.ts";
import { BedError, cacheRoot, removeKubeconfig, toolDir } from "./paths.ts";
import { must, run } from "./processes.ts";
import type { Status, UpOptions } from "./provider.ts";

export async function upExisting({ name, kubeconfig }: UpOptions): Promise<Status> {
  if (!process.env["KUBECONFIG"]) {
    throw new BedError("no cluster given", "set KUBECONFIG to the kubeconfig of the cluster that the tests may use");
  }
  await linkInstalledTools();
  const kubectl = join(toolDir, "kubectl");
  const config = await must(kubectl, ["config", "view", "--minify", "--flatten", "--raw"]);
  mkdirSync(dirname(kubeconfig), { recursive: true });
  writeFileSync(kubeconfig, config, { mode: 0o600 });
  const answer = await run(kubectl, ["--kubeconfig", kubeconfig, "get", "--raw", "/readyz"], { timeoutMs: 20_000 });
  if (answer.code !== 0) {
    rmSync(kubeconfig);
    throw new BedError(`the cluster in KUBECONFIG does not answer: ${answer.stderr.trim()}`, "check it with kubectl");
  }
  mkdirSync(dirname(note(name)), { recursive: true });
  writeFileSync(note(name), kubeconfig);
  return { name, provider: "existing", ready: true, kubeconfig };
}

export function downExisting(name: string): void {
  const kubeconfig = remembered(name);
  if (kubeconfig === undefined) return;
  removeKubeconfig(kubeconfig);
  rmSync(note(name));
}

export async function existingStatus(name: string): Promise<Status | undefined> {
  const kubeconfig = remembered(name);
  if (kubeconfig === undefined) return undefined;
  const args = ["--kubeconfig", kubeconfig, "get", "--raw", "/readyz"];
  const { code } = await run(join(toolDir, "kubectl"), args, { timeoutMs: 20_000 });
  return { name, provider: "existing", ready: code === 0, kubeconfig };
}

/** Path of the kubeconfig that was written for this name. */
function remembered(name: string): string | undefined {
  return existsSync(note(name)) ? readFileSync(note(name), "utf8") : undefined;
}

function note(name: string): string {
  return join(cacheRoot(), "existing", name);
}
