/** kind, where a Docker daemon answers. The cluster has the same promises as the bare one: kubeconfig, audit log, storage. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { auditPolicy } from "./components.ts";
import { linkInstalledTools } from "./kube-binary.ts";
import { BedError, cacheRoot, defaultKubeconfig, removeKubeconfig } from "./paths.ts";
import { must, run } from "./processes.ts";
import { step } from "./progress.ts";
import { dockerAnswers, kindIsThere, type Status, type UpOptions } from "./provider.ts";

export async function upKind({ name, kubeconfig, port }: UpOptions): Promise<Status> {
  if (!(await dockerAnswers())) {
    throw new BedError("no Docker daemon answers", "start Docker, or use --provider bare (Linux, root)");
  }
  if (!(await kindIsThere())) {
    throw new BedError("kind is not installed", "install kind, or use --provider bare (Linux, root)");
  }
  await linkInstalledTools();
  mkdirSync(dirname(kubeconfig), { recursive: true });
  if ((await clusters()).includes(name)) {
    await must("kind", ["export", "kubeconfig", "--name", name, "--kubeconfig", kubeconfig]);
  } else {
    const dir = work(name);
    mkdirSync(join(dir, "log"), { recursive: true });
    writeFileSync(join(dir, "audit-policy.yaml"), auditPolicy);
    const config = join(dir, "kind.yaml");
    writeFileSync(config, kindConfig(dir, port));
    const args = [
      "create",
      "cluster",
      "--name",
      name,
      "--config",
      config,
      "--kubeconfig",
      kubeconfig,
      "--wait",
      "180s",
    ];
    await step(`creating kind cluster ${name}`, () => must("kind", args));
  }
  return { name, provider: "kind", ready: true, kubeconfig, auditLog: auditLog(name) };
}

export async function downKind(name: string): Promise<void> {
  if ((await clusters()).includes(name)) await must("kind", ["delete", "cluster", "--name", name], { cleaning: true });
  rmSync(work(name), { recursive: true, force: true });
  removeKubeconfig(defaultKubeconfig(name));
}

export async function kindStatus(name: string): Promise<Status | undefined> {
  if (!(await clusters()).includes(name)) return undefined;
  const kubeconfig = defaultKubeconfig(name);
  if (!existsSync(kubeconfig)) {
    mkdirSync(dirname(kubeconfig), { recursive: true });
    await must("kind", ["export", "kubeconfig", "--name", name, "--kubeconfig", kubeconfig]);
  }
  return { name, provider: "kind", ready: true, kubeconfig, auditLog: auditLog(name) };
}

async function clusters(): Promise<string[]> {
  const { code, stdout } = await run("kind", ["get", "clusters"], { cleaning: true, timeoutMs: 20_000 });
  return code === 0 ? stdout.split("\n").filter((line) => line !== "") : [];
}

function work(name: string): string {
  return join(cacheRoot(), "kind", name);
}

function auditLog(name: string): string {
  return join(work(name), "log", "audit.log");
}

/** The audit log as kind's own guide sets it up: policy and log directory mounted into the node, then into the API server. */
function kindConfig(dir: string, port: number | undefined): string {
  const apiServer = {
    extraArgs: {
      "audit-log-path": "/var/log/kubernetes/audit.log",
      "audit-policy-file": "/etc/kubernetes/policies/audit-policy.yaml",
    },
    extraVolumes: [
      hostVolume("audit-policies", "/etc/kubernetes/policies", true),
      hostVolume("audit-logs", "/var/log/kubernetes", false),
    ],
  };
  return JSON.stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    networking: port === undefined ? {} : { apiServerPort: port },
    nodes: [
      {
        role: "control-plane",
        kubeadmConfigPatches: [JSON.stringify({ kind: "ClusterConfiguration", apiServer })],
        extraMounts: [
          {
            hostPath: join(dir, "audit-policy.yaml"),
            containerPath: "/etc/kubernetes/policies/audit-policy.yaml",
            readOnly: true,
          },
          { hostPath: join(dir, "log"), containerPath: "/var/log/kubernetes" },
        ],
      },
    ],
  });
}

function hostVolume(name: string, path: string, readOnly: boolean): unknown {
  return { name, hostPath: path, mountPath: path, readOnly, pathType: "DirectoryOrCreate" };
}
