/** What the Jobs of runs and restores may do, and what Kubernetes must not do with them by itself. */
import { describe, expect, test } from "@jest/globals";
import type { PolicySpec } from "../../../operator/api/kinds.ts";
import type { JobManifest } from "../../../operator/decide/decision.ts";
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
