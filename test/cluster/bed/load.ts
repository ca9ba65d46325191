/** Brings an image archive into a cluster. */
import { containerdSocket } from "./components.ts";
import { enterArgs, nodePid } from "./node.ts";
import { must } from "./processes.ts";

/** Into the node's containerd, through the standard input: the archive's path need not exist inside the node. */
export async function loadIntoNode(name: string, archive: string): Promise<void> {
  const pid = nodePid(name);
  if (pid === undefined) throw new Error(`cluster ${name} does not run`);
  const ctr = ["ctr", "-a", containerdSocket, "-n", "k8s.io"];
  await must("nsenter", [...enterArgs(pid), ...ctr, "images", "import", "-"], { stdinFile: archive });
}
