/** The objects Handover reads and writes: where the API server keeps them, and as much of their shape as is used. */
import type { ErrorCode } from "./codes.ts";
import type { BackupPolicySpec, BackupPolicyStatus } from "./generated/backuppolicy.ts";
import type { BackupRunSpec, BackupRunStatus } from "./generated/backuprun.ts";
import type { RestoreRequestSpec, RestoreRequestStatus } from "./generated/restorerequest.ts";

export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

export const groupName = "backup.handover.dev";
const resource = (group: string, version: string, plural: string, kind: string): Resource => ({
  group,
  version,
  plural,
  kind,
});

export const policies = resource(groupName, "v1alpha1", "backuppolicies", "BackupPolicy");
export const runs = resource(groupName, "v1alpha1", "backupruns", "BackupRun");
export const restores = resource(groupName, "v1alpha1", "restorerequests", "RestoreRequest");
export const jobs = resource("batch", "v1", "jobs", "Job");
export const pods = resource("", "v1", "pods", "Pod");
export const claims = resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim");
export const leases = resource("coordination.k8s.io", "v1", "leases", "Lease");
export const deployments = resource("apps", "v1", "deployments", "Deployment");
export const statefulSets = resource("apps", "v1", "statefulsets", "StatefulSet");
export const autoscalers = resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler");

export const apiVersion = (of: Resource): string => (of.group === "" ? of.version : `${of.group}/${of.version}`);

export type DeepReadonly<T> = T extends (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Whether an object was made for another: labels are copied from object to object, uids are not. */
export const isOwnedBy = ({ metadata }: KubeObject, uid: string): boolean =>
  metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;

export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface KubeObject<Spec = unknown, Status = unknown> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status?: Status;
}

export type PolicySpec = DeepReadonly<BackupPolicySpec>;
export type RunSpec = DeepReadonly<BackupRunSpec>;
export type RestoreSpec = DeepReadonly<RestoreRequestSpec>;

type Overwrite<T, U> = Omit<T, keyof U> & Readonly<U>;
/** A workload as it was when the run was accepted. */
export interface HeldWorkload {
  readonly kind: "Deployment" | "StatefulSet";
  readonly name: string;
  readonly uid: string;
  readonly replicas: number;
  /** When it was to be stopped, written before its record says so: from then on, zero replicas may be ours. */
  readonly heldAt?: string;
  /** Its metadata.generation once it was scaled to zero for this holder, as far as known: with another one it is not ours any more. */
  readonly downGeneration?: number;
}

/** A pod of the app that was seen running and has not been seen to end. */
export interface PodRef {
  readonly name: string;
  readonly uid: string;
}

/** A recorded step. The schema says text where only this controller writes, and it writes codes of the catalogue. */
export type StepRecord = Overwrite<DeepReadonly<NonNullable<BackupRunStatus["steps"]>[number]>, { code?: ErrorCode }>;
/** Parts of a status that the schema keeps as they are: a copy of the policy, and codes. */
interface Recorded {
  policy?: PolicySpec;
  code?: ErrorCode | "";
  steps?: readonly StepRecord[];
  workloads?: readonly HeldWorkload[];
  pods?: readonly PodRef[];
}
export type RunStatus = Overwrite<DeepReadonly<BackupRunStatus>, Recorded>;
export type RestoreStatus = Overwrite<DeepReadonly<RestoreRequestStatus>, Recorded>;

export type PolicyStatus = Overwrite<DeepReadonly<BackupPolicyStatus>, { adoption?: AdoptionRecord }>;
export type AdoptionRecord = Overwrite<
  NonNullable<DeepReadonly<BackupPolicyStatus>["adoption"]>,
  { code?: ErrorCode | ""; step?: StepRecord }
>;

export type BackupPolicy = KubeObject<PolicySpec, PolicyStatus>;
export type BackupRun = KubeObject<RunSpec, RunStatus>;
export type RestoreRequest = KubeObject<RestoreSpec, RestoreStatus>;

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: {
    readonly running?: object;
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly terminated?: {
      readonly exitCode: number;
      readonly reason?: string;
      readonly message?: string;
      readonly finishedAt?: string;
    };
  };
}
export type Pod = KubeObject<
  {
    readonly nodeName?: string;
    readonly volumes?: readonly {
      readonly name: string;
      readonly persistentVolumeClaim?: { readonly claimName: string };
    }[];
    readonly containers: readonly { readonly name: string }[];
  },
  {
    readonly phase?: string;
    readonly reason?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  }
>;
export type Job = KubeObject<
  unknown,
  {
    readonly active?: number;
    readonly succeeded?: number;
    readonly failed?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  }
>;
export type Claim = KubeObject<
  { readonly accessModes?: readonly string[]; readonly volumeMode?: string; readonly volumeName?: string },
  { readonly phase?: string; readonly capacity?: { readonly storage?: string } }
>;
export type Lease = KubeObject<{ readonly holderIdentity?: string }, undefined>;

/** Deployment or StatefulSet, as far as stopping and starting goes. */
export type Workload = KubeObject<
  {
    readonly replicas?: number;
    readonly selector: {
      readonly matchLabels?: Readonly<Record<string, string>>;
      readonly matchExpressions?: readonly {
        readonly key: string;
        readonly operator: string;
        readonly values?: readonly string[];
      }[];
    };
    readonly persistentVolumeClaimRetentionPolicy?: { readonly whenScaled?: string };
  },
  {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
  }
>;
export type Autoscaler = KubeObject<
  {
    readonly scaleTargetRef: { readonly kind: string; readonly name: string };
    readonly minReplicas?: number;
  },
  { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
>;
