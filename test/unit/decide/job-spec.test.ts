/** What the Jobs of runs and restores may do, and what Kubernetes must not do with them by itself. */
import { describe, expect, test } from "@jest/globals";
import type { PolicySpec } from "../../../operator/api/kinds.ts";
import { labels } from "../../../operator/api/names.ts";
import type { MoverTask } from "../../../operator/contract/task.ts";
import type { JobManifest } from "../../../operator/decide/decision.ts";
import { buildJob } from "../../../operator/decide/job-spec.ts";
import { buildRestoreJob } from "../../../operator/decide/restore-jobs.ts";
import { buildRunJob } from "../../../operator/decide/run-jobs.ts";
import { aPolicy, aRestore, aRun, anApp, settings } from "../../support/builders.ts";

interface PodSpec {
  readonly securityContext?: unknown;
  readonly serviceAccountName?: unknown;
  readonly containers: readonly {
    readonly name: string;
    readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
    readonly securityContext: unknown;
    readonly volumeMounts: readonly { readonly name: string; readonly readOnly: boolean }[];
  }[];
}
const podOf = (job: JobManifest): PodSpec =>
  (job.spec as { readonly template: { readonly spec: PodSpec } }).template.spec;

const policy = aPolicy()
  .spec({ mover: { runAsUser: 0 } })
  .build().spec;
const runJob = (step: string, of: PolicySpec = policy): JobManifest =>
  buildRunJob(step, "job", {
    run: aRun().build(),
    policy: of,
    policyUID: "policy-uid",
    acknowledgements: {},
    uuids: new Map(),
    sinks: of.sinks,
    siblings: [],
    settings,
  });
const restoreJob = (step: string): JobManifest => {
  const request = aRestore().build();
  const seen = { request, policy: undefined, runs: [], siblings: [], app: anApp(), jobs: new Map(), settings };
  return buildRestoreJob(step, "job", { seen, policy, policyUID: "policy-uid", plan: undefined, swapped: false });
};

const runSteps = [
  "Preflight",
  "Warm",
  "Capture",
  "Seal",
  "Transport/vault",
  "Verify/vault",
  "Prune/source",
  "Prune/vault",
];
const restoreSteps = ["Plan", "Stage", "Swap", "Cleanup"];
/** Built by the tests, not while the file is loaded. */
const all: readonly { readonly step: string; readonly build: () => JobManifest }[] = [
  ...runSteps.map((step) => ({ step, build: () => runJob(step) })),
  ...restoreSteps.map((step) => ({ step, build: () => restoreJob(step) })),
];

describe.each(all)("the Job of $step", ({ build }) => {
  test("is tried once, stays until it is deleted, and has one pod at a time", () => {
    const job = build();
    expect(job.spec).toMatchObject({ backoffLimit: 0, completions: 1, parallelism: 1, podReplacementPolicy: "Failed" });
    expect(job.spec).not.toHaveProperty("ttlSecondsAfterFinished");
    expect(podOf(job)).toMatchObject({ restartPolicy: "Never" });
  });

  test("sets no owner on the volumes that it mounts", () => {
    // A security context of the pod is where an fsGroup would be.
    expect(podOf(build()).securityContext).toBeUndefined();
  });

  test("has no way to the API server", () => {
    const job = build();
    expect(podOf(job)).toMatchObject({ automountServiceAccountToken: false });
    expect(podOf(job).serviceAccountName).toBeUndefined();
  });

  test("gets no Secret in the environment, and as few rights as its user needs", () => {
    for (const { env, securityContext } of podOf(build()).containers) {
      expect(env.map(({ name }) => name)).toEqual(["HANDOVER_TASK", "HANDOVER_POD_UID", "HOME"]);
      expect(JSON.stringify(env)).not.toContain("secretKeyRef");
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"], add: expect.not.arrayContaining(["SYS_ADMIN", "DAC_READ_SEARCH"]) },
      });
    }
  });
});

describe("what a step may write", () => {
  const ours = ["scratch", "signal"];
  const written = (job: JobManifest): readonly string[] => [
    ...new Set(
      podOf(job).containers.flatMap(({ volumeMounts }) =>
        volumeMounts.flatMap(({ name, readOnly }) => (readOnly || ours.includes(name) ? [] : [name])),
      ),
    ),
  ];
  const places: Readonly<Record<string, readonly string[]>> = {
    Preflight: ["store", "sink-vault"],
    Warm: ["store"],
    Capture: ["store"],
    Seal: ["store"],
    "Transport/vault": ["sink-vault"],
    "Verify/vault": ["sink-vault"],
    "Prune/source": ["store"],
    "Prune/vault": ["sink-vault"],
    Plan: [],
    Stage: ["volume-uploads"],
    Swap: ["volume-uploads"],
    Cleanup: ["volume-uploads"],
  };
  test.each(all)("of $step", ({ step, build }) => {
    expect(written(build())).toEqual(places[step]);
  });
});

test("a user other than root gets no capability", () => {
  const [container] = podOf(runJob("Seal", { ...policy, mover: { runAsUser: 65_532 } })).containers;
  expect(container?.securityContext).toMatchObject({
    runAsUser: 65_532,
    runAsNonRoot: true,
    capabilities: { drop: ["ALL"] },
  });
  expect(container?.securityContext).not.toHaveProperty("capabilities.add");
});

test("a Job, whole", () => {
  const mover = {
    runAsUser: 65_532,
    runAsGroup: 7,
    nodeSelector: { disk: "fast" },
    tolerations: [{ key: "backup", operator: "Exists" as const }],
  };
  const owner = { apiVersion: "a/v1", kind: "Owner", name: "owner", uid: "owner-uid" };
  const job = buildJob({
    name: "job",
    namespace: "ns",
    owner,
    policy: "shop",
    step: "Verify/vault",
    deadlineSeconds: 60,
    tasks: [{ step: "release" } as MoverTask],
    mounts: {
      store: { claimName: "backups", readOnly: true },
      sinks: [{ name: "vault", claimName: "vault", readOnly: false }],
      volumes: [{ name: "uploads", claimName: "uploads", readOnly: true }],
      secrets: [{ database: "shop", secretName: "shop-db" }],
    },
    mover,
    settings: { ...settings, imagePullSecrets: ["pull"] },
  });
  const labelled = {
    "app.kubernetes.io/managed-by": "handover",
    [labels.policy]: "shop",
    [labels.owner]: "owner-uid",
    [labels.step]: "verify.vault",
  };
  const claim = (name: string, claimName: string) => ({ name, persistentVolumeClaim: { claimName } });
  expect(job).toEqual({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "job", namespace: "ns", labels: labelled, ownerReferences: [owner] },
    spec: {
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      podReplacementPolicy: "Failed",
      activeDeadlineSeconds: 60,
      template: {
        metadata: {
          labels: { ...labelled, "sidecar.istio.io/inject": "false" },
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
          imagePullSecrets: [{ name: "pull" }],
          nodeSelector: mover.nodeSelector,
          tolerations: mover.tolerations,
          containers: [
            {
              name: "release",
              image: settings.image,
              imagePullPolicy: settings.imagePullPolicy,
              args: ["mover"],
              env: [
                { name: "HANDOVER_TASK", value: '{"step":"release"}' },
                { name: "HANDOVER_POD_UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
                { name: "HOME", value: "/tmp" },
              ],
              resources: { requests: { cpu: "10m", memory: "32Mi" } },
              securityContext: {
                runAsUser: 65_532,
                runAsGroup: 7,
                runAsNonRoot: true,
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
                seccompProfile: { type: "RuntimeDefault" },
              },
              terminationMessagePolicy: "FallbackToLogsOnError",
              volumeMounts: [
                { name: "store", mountPath: "/store", readOnly: true },
                { name: "sink-vault", mountPath: "/sinks/vault", readOnly: false },
                { name: "volume-uploads", mountPath: "/v/uploads", readOnly: true },
                { name: "secret-shop", mountPath: "/secrets/shop", readOnly: true },
                { name: "scratch", mountPath: "/tmp", readOnly: false },
                { name: "signal", mountPath: "/signal", readOnly: false },
              ],
            },
          ],
          volumes: [
            claim("store", "backups"),
            claim("sink-vault", "vault"),
            claim("volume-uploads", "uploads"),
            { name: "secret-shop", secret: { secretName: "shop-db", optional: true, defaultMode: 0o444 } },
            { name: "scratch", emptyDir: {} },
            { name: "signal", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
          ],
        },
      },
    },
  });
});

test.each([
  { step: "Preflight", cpu: "110m", memory: "160Mi" },
  { step: "Seal", cpu: "50m", memory: "64Mi" },
])("a mover of $step asks for $cpu and $memory, unless the policy says what", ({ step, cpu, memory }) => {
  const resourcesOf = (job: JobManifest): unknown => (podOf(job).containers[0] as { resources?: unknown }).resources;
  expect(resourcesOf(runJob(step))).toEqual({ requests: { cpu, memory } });
  const resources = { limits: { memory: "1Gi" } };
  expect(resourcesOf(runJob(step, { ...policy, mover: { ...policy.mover, resources } }))).toEqual(resources);
});

test("without a group, selectors and pull secrets none are set", () => {
  const pod = podOf(runJob("Seal"));
  expect(pod.containers[0]?.securityContext).not.toHaveProperty("runAsGroup");
  for (const key of ["imagePullSecrets", "nodeSelector", "tolerations"]) expect(pod).not.toHaveProperty(key);
});
