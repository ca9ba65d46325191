/** What a Job tells its movers, and what it lets them see. */
import { parseTask } from "../../operator/contract/task.ts";
import type { JobManifest } from "../../operator/decide/decision.ts";

interface PodSpec {
  readonly containers: readonly {
    readonly name: string;
    readonly env: readonly { readonly name: string; readonly value?: string }[];
    readonly volumeMounts: readonly {
      readonly name: string;
      readonly mountPath: string;
      readonly readOnly: boolean;
    }[];
  }[];
  readonly volumes: readonly {
    readonly name: string;
    readonly persistentVolumeClaim?: { readonly claimName: string };
  }[];
}
export const podOf = (job: JobManifest): PodSpec =>
  (job.spec as { readonly template: { readonly spec: PodSpec } }).template.spec;

export const tasksOf = (job: JobManifest): readonly unknown[] =>
  podOf(job).containers.map(({ env }) => parseTask(env.find(({ name }) => name === "HANDOVER_TASK")?.value ?? ""));

/** `name=claim`, with `!` where it may write. */
export const mountsOf = (job: JobManifest): readonly string[] => {
  const { containers, volumes } = podOf(job);
  return volumes.flatMap(({ name, persistentVolumeClaim: claim }) => {
    const mount = containers[0]?.volumeMounts.find((one) => one.name === name);
    return claim === undefined ? [] : [`${name}=${claim.claimName}${mount?.readOnly === true ? "" : "!"}`];
  });
};

export const secretsOf = (job: JobManifest): readonly string[] =>
  podOf(job).volumes.flatMap(({ name }) => (name.startsWith("secret-") ? [name] : []));
