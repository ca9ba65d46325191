/** The installed controller: its pods, its lease, and ways to be rough with it. */
import { operatorNamespace } from "../../demo/stage.ts";
import type { Manifest } from "./api.ts";
import { idle, podSpec, workload } from "./app.ts";
import { type Bed, waitUntil } from "./bed.ts";

interface PodBody {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const k = (bed: Bed, ...args: readonly string[]): Promise<string> => bed.kubectl("-n", operatorNamespace, ...args);

export async function controllerPods(bed: Bed): Promise<readonly PodBody[]> {
  const selector = "app.kubernetes.io/name=handover,app.kubernetes.io/component=controller";
  const { body } = await bed.api.call(
    "GET",
    `/api/v1/namespaces/${operatorNamespace}/pods?labelSelector=${encodeURIComponent(selector)}`,
  );
  return body["items"] as readonly PodBody[];
}

export const isReady = (pod: PodBody): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;

/** Name of the pod that holds the lease. */
export async function leader(bed: Bed): Promise<string> {
  const lease = await k(bed, "get", "lease", "handover-controller", "-o", "jsonpath={.spec.holderIdentity}");
  return lease.replace(/\/.*/, "");
}

/** A pod that sees the processes of the node; for `killController`. */
export const reaper: Manifest = workload(
  "Deployment",
  "reaper",
  podSpec({ script: idle, container: { securityContext: { privileged: true } }, spec: { hostPID: true } }),
);

/**
 * A script for the reaper: numbers of the processes of the node with these words in their command line. The bracket keeps the
 * script, whose own words the shell has as its command line, from finding itself.
 */
export const processesWith = ([first = "", ...more]: string): string =>
  `for p in /proc/[0-9]*; do case "$(tr '\\0' ' ' <$p/cmdline 2>/dev/null)" in *[${first}]${more.join("").replaceAll(" ", "\\ ")}*) echo \${p#/proc/};; esac; done`;

const killAll = `for p in $(${processesWith("main.mjs controller")}); do kill -9 $p; echo killed; done`;

/** As a crash: the process gets no signal that it could act on, and gives no lease back. The kubelet starts it again. */
export async function killController(bed: Bed): Promise<void> {
  // The one that wrote what the test has just seen may be dead already, and its successor not yet there.
  await waitUntil(
    "there is a controller to kill",
    () => bed.sh("deploy/reaper", killAll),
    (told) => told.includes("killed"),
  );
}

/** As `killController`, and its pod is replaced. */
export async function crashController(bed: Bed): Promise<void> {
  await killController(bed);
  await dropController(bed);
}

/** When the process that works now was started, by its own words. */
export async function startOfController(bed: Bed): Promise<number> {
  const lines = (await k(bed, "logs", `pod/${await leader(bed)}`)).split("\n").filter((line) => line.startsWith("{"));
  const started = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === "started");
  return Date.parse(started?.time);
}

/** Its pods are deleted at once; what they get to do is what the kubelet lets them do. */
export async function dropController(bed: Bed): Promise<void> {
  const names = (await controllerPods(bed)).map(({ metadata }) => metadata.name);
  if (names.length > 0) await k(bed, "delete", "pod", ...names, "--force", "--grace-period=0", "--wait=false");
}

export async function scaleController(bed: Bed, replicas: number): Promise<void> {
  await k(bed, "scale", "deployment/handover", `--replicas=${replicas}`);
  await waitUntil(
    `${replicas} controllers are ready`,
    () => controllerPods(bed),
    (pods) => pods.length === replicas && pods.every(isReady),
  );
}
