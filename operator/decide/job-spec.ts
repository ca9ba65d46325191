/**
 * Builds the Job of a step: hardened, without any access to the Kubernetes API, with no fsGroup (the kubelet would change
 * the owners of the app's files), no retries of its own and no TTL (it is deleted after its result is on record).
 */
import { type OwnerReference, type PolicySpec } from "../api/kinds.ts";
import { labels, managedBy } from "../api/names.ts";
import {
  configRoot,
  podUidVariable,
  scratchRoot,
  secretRoot,
  signalRoot,
  sinkRoot,
  storeRoot,
  taskVariable,
  volumeRoot,
} from "../contract/mounts.ts";
import { type ConfigRef, type MoverTask, encodeTask } from "../contract/task.ts";
import type { JobManifest, Settings } from "./decision.ts";

export interface JobRequest {
  readonly name: string;
  readonly namespace: string;
  readonly owner: OwnerReference;
  /** Policy name, for a label. */
  readonly policy: string;
  readonly step: string;
  readonly deadlineSeconds: number;
  /** One container each, named after its step. */
  readonly tasks: readonly MoverTask[];
  readonly mounts: Mounts;
  readonly mover: PolicySpec["mover"];
  readonly settings: Settings;
}

/** What the pod gets to see. Everything that need not be written is mounted read-only. */
export interface Mounts {
  readonly store?: { readonly claimName: string; readonly readOnly: boolean };
  readonly sinks?: readonly { readonly name: string; readonly claimName: string; readonly readOnly: boolean }[];
  readonly volumes?: readonly { readonly name: string; readonly claimName: string; readonly readOnly: boolean }[];
  readonly secrets?: readonly { readonly database: string; readonly secretName: string }[];
  readonly configs?: readonly ConfigRef[];
}

interface MountedVolume {
  readonly volume: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly mountPath: string;
  readonly readOnly: boolean;
}

const claimVolume = (name: string, claimName: string, mountPath: string, readOnly: boolean): MountedVolume => ({
  // Read-only at the mount, not at the claim: two pods of one node must be able to use the claim in different ways.
  volume: { name, persistentVolumeClaim: { claimName } },
  mountPath,
  readOnly,
});

function mountedVolumes(mounts: Mounts): readonly MountedVolume[] {
  return [
    ...(mounts.store === undefined
      ? []
      : [claimVolume("store", mounts.store.claimName, storeRoot, mounts.store.readOnly)]),
    ...(mounts.sinks ?? []).map((sink) =>
      claimVolume(`sink-${sink.name}`, sink.claimName, sinkRoot(sink.name), sink.readOnly),
    ),
    ...(mounts.volumes ?? []).map((volume) =>
      claimVolume(`volume-${volume.name}`, volume.claimName, volumeRoot(volume.name), volume.readOnly),
    ),
    ...(mounts.secrets ?? []).map(({ database, secretName }) => ({
      // Optional, so that a missing Secret is an error that the mover can name, not a pod that never starts. The files belong
      // to root, so a mover with another user could not read them with less; nobody else is in the pod.
      volume: { name: `secret-${database}`, secret: { secretName, optional: true, defaultMode: 0o444 } },
      mountPath: secretRoot(database),
      readOnly: true,
    })),
    // Optional as well. Of a Secret no other key gets into the pod than those that are named.
    ...(mounts.configs ?? []).map(({ kind, name, keys = [] }, index) => ({
      volume: {
        name: `config-${index}`,
        ...(kind === "ConfigMap"
          ? { configMap: { name, optional: true, defaultMode: 0o444 } }
          : {
              secret: {
                secretName: name,
                optional: true,
                defaultMode: 0o444,
                items: keys.map((key) => ({ key, path: key })),
              },
            }),
      },
      mountPath: configRoot(kind, name),
      readOnly: true,
    })),
    { volume: { name: "scratch", emptyDir: {} }, mountPath: scratchRoot, readOnly: false },
    {
      volume: { name: "signal", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      mountPath: signalRoot,
      readOnly: false,
    },
  ];
}

/**
 * Without a request for CPU, Kubernetes gives a container the least share that there is, and while the app is down everything
 * else on a busy node would go first.
 */
const defaultResources = (step: MoverTask["step"]): object => ({ requests: requests[step] ?? usual });
const usual = { cpu: "50m", memory: "64Mi" };
/** Preflight asks for as much as the three containers of a capture, so that no capture is short of room with the app down. */
const requests: Readonly<Partial<Record<MoverTask["step"], typeof usual>>> = {
  preflight: { cpu: "110m", memory: "160Mi" },
  release: { cpu: "10m", memory: "32Mi" },
};

/** What root needs to read every file and to restore owners and modes; all within the baseline of Pod Security. */
const rootCapabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD", "SETFCAP"];

function securityContext(mover: PolicySpec["mover"]): object {
  const root = mover.runAsUser === 0;
  return {
    runAsUser: mover.runAsUser,
    ...(mover.runAsGroup === undefined ? {} : { runAsGroup: mover.runAsGroup }),
    runAsNonRoot: !root,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"], ...(root ? { add: rootCapabilities } : {}) },
    seccompProfile: { type: "RuntimeDefault" },
  };
}

export function buildJob(request: JobRequest): JobManifest {
  const { mover, settings } = request;
  const volumes = mountedVolumes(request.mounts);
  const ownLabels = {
    [labels.managedBy]: managedBy,
    [labels.policy]: request.policy,
    [labels.owner]: request.owner.uid,
    [labels.step]: request.step.toLowerCase().replaceAll("/", "."),
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: request.name, namespace: request.namespace, labels: ownLabels, ownerReferences: [request.owner] },
    spec: {
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      podReplacementPolicy: "Failed",
      activeDeadlineSeconds: request.deadlineSeconds,
      template: {
        metadata: {
          labels: { ...ownLabels, "sidecar.istio.io/inject": "false" },
          annotations: {
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
            "karpenter.sh/do-not-disrupt": "true",
          },
        },
        spec: {
          restartPolicy: "Never",
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 30,
          ...(settings.imagePullSecrets.length === 0
            ? {}
            : { imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })) }),
          ...(mover.nodeSelector === undefined ? {} : { nodeSelector: mover.nodeSelector }),
          ...(mover.tolerations === undefined ? {} : { tolerations: mover.tolerations }),
          containers: request.tasks.map((task) => ({
            name: task.step,
            image: settings.image,
            imagePullPolicy: settings.imagePullPolicy,
            args: ["mover"],
            env: [
              { name: taskVariable, value: encodeTask(task) },
              { name: podUidVariable, valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
              { name: "HOME", value: scratchRoot },
            ],
            resources: mover.resources ?? defaultResources(task.step),
            securityContext: securityContext(mover),
            terminationMessagePolicy: "FallbackToLogsOnError",
            volumeMounts: volumes.map(({ volume, mountPath, readOnly }) => ({
              name: volume.name,
              mountPath,
              readOnly,
            })),
          })),
          volumes: volumes.map(({ volume }) => volume),
        },
      },
    },
  };
}
