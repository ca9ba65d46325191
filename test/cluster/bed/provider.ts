/** What the three kinds of cluster have in common, and the choice among them. */
import { BedError } from "./paths.ts";
import { run } from "./processes.ts";

export type Provider = "bare" | "kind" | "existing";

export interface UpOptions {
  readonly name: string;
  /** Absolute path of the kubeconfig to write. */
  readonly kubeconfig: string;
  /** Port of the API server on the loopback; undefined: a free one. */
  readonly port?: number | undefined;
}

export interface Status {
  readonly name: string;
  readonly provider: Provider;
  readonly ready: boolean;
  readonly kubeconfig: string;
  /** Requests of service accounts, one JSON object per line; undefined where the cluster is not ours. */
  readonly auditLog?: string;
  readonly port?: number;
}

export async function dockerAnswers(): Promise<boolean> {
  return (await run("docker", ["info"], { timeoutMs: 5000 })).code === 0;
}

export async function kindIsThere(): Promise<boolean> {
  return (await run("kind", ["version"], { timeoutMs: 5000 })).code === 0;
}

/** An existing cluster is never chosen, only asked for: a test bed may destroy what it finds. */
export async function chooseProvider(wanted: Provider | "auto"): Promise<Provider> {
  if (wanted !== "auto") return wanted;
  if ((await dockerAnswers()) && (await kindIsThere())) return "kind";
  if (process.platform === "linux") return "bare";
  throw new BedError(
    "neither kind with a running Docker daemon nor Linux",
    "start Docker and install kind, or give a cluster of yours: KUBECONFIG=... --provider existing",
  );
}
