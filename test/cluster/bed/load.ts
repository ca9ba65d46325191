/** Brings an image archive into a cluster. */
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheKey } from "./cache.ts";
import { containerdSocket } from "./components.ts";
import { enterArgs, nodePid } from "./node.ts";
import { BedError, stateDir } from "./paths.ts";
import { must } from "./processes.ts";
import { step } from "./progress.ts";
import type { Status } from "./provider.ts";

/** @param tag what to call it while it is loaded. */
export async function loadArchive({ name, provider }: Status, archive: string, tag: string): Promise<void> {
  switch (provider) {
    case "bare":
      await loadOnce(name, archive, tag);
      return;
    case "kind":
      await step(`loading image ${tag}`, () => must("kind", ["load", "image-archive", archive, "--name", name]));
      return;
    case "existing":
      throw new BedError(
        "an image cannot be loaded into an existing cluster from here",
        "push it to a registry that the cluster can pull from, and give that name to the chart",
      );
  }
}

/** A cluster is told once of an archive: importing takes seconds, also when nothing is new. */
async function loadOnce(name: string, archive: string, tag: string): Promise<void> {
  const { size, mtimeMs } = statSync(archive);
  const note = join(stateDir(name), "loaded", cacheKey([archive, String(size), String(mtimeMs)]));
  if (existsSync(note)) return;
  await step(`loading image ${tag}`, () => loadIntoNode(name, archive));
  mkdirSync(dirname(note), { recursive: true });
  writeFileSync(note, "");
}

/** Into the node's containerd, through the standard input: the archive's path need not exist inside the node. */
export async function loadIntoNode(name: string, archive: string): Promise<void> {
  const pid = nodePid(name);
  if (pid === undefined) throw new Error(`cluster ${name} does not run`);
  const ctr = ["ctr", "-a", containerdSocket, "-n", "k8s.io"];
  await must("nsenter", [...enterArgs(pid), ...ctr, "images", "import", "-"], { stdinFile: archive });
}
