/** What every Job that is ever created has to keep to, whatever step it is for. */
import type { Job } from "../../operator/api/kinds.ts";
import { labels } from "../../operator/api/names.ts";
import { volumeRoot } from "../../operator/contract/mounts.ts";

interface JobSpec {
  readonly backoffLimit?: number;
  readonly podReplacementPolicy?: string;
  readonly ttlSecondsAfterFinished?: number;
  readonly activeDeadlineSeconds?: number;
  readonly template: {
    readonly spec: {
      readonly automountServiceAccountToken?: boolean;
      readonly restartPolicy?: string;
      readonly securityContext?: { readonly fsGroup?: number };
      readonly containers: readonly {
        readonly securityContext?: {
          readonly readOnlyRootFilesystem?: boolean;
          readonly allowPrivilegeEscalation?: boolean;
        };
        readonly volumeMounts?: readonly { readonly mountPath: string; readonly readOnly?: boolean }[];
      }[];
    };
  };
}
/** They bring state back, so they write to the app's volumes. */
const writing = new Set(["stage", "swap", "cleanup"]);

/** @returns the law that the Job breaks. */
export function breachOf(job: Job): string | undefined {
  const spec = job.spec as JobSpec;
  const pod = spec.template.spec;
  const guard = job.metadata.labels?.[labels.guard] !== undefined;
  if (spec.ttlSecondsAfterFinished !== undefined) return "a result stays until it is on record";
  if (pod.securityContext?.fsGroup !== undefined) return "S14 no Job changes the owners of the app's files";
  for (const { securityContext } of pod.containers)
    if (securityContext?.readOnlyRootFilesystem !== true || securityContext.allowPrivilegeEscalation !== false)
      return "X4 a container of ours may do no more than it needs";
  if (guard) return undefined;
  if (pod.automountServiceAccountToken !== false) return "X4 a mover has no way to the API server";
  if (spec.backoffLimit !== 0 || spec.podReplacementPolicy !== "Failed" || pod.restartPolicy !== "Never")
    return "S13 Kubernetes repeats nothing of ours";
  if (spec.activeDeadlineSeconds === undefined) return "L2 every Job has an end";
  if (writing.has(job.metadata.labels?.[labels.step] ?? "")) return undefined;
  const root = volumeRoot("");
  const mounts = pod.containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
  return mounts.some(({ mountPath, readOnly }) => mountPath.startsWith(root) && readOnly !== true)
    ? "S14 a backup mounts the app's volumes for reading"
    : undefined;
}
