/** The guard as it is created: which rights it has, what its pod may do, and what is said when it does not get ready. */
import { describe, expect, test } from "@jest/globals";
import type { Lease, Pod } from "../../../operator/api/kinds.ts";
import { guardName, labels } from "../../../operator/api/names.ts";
import { buildGuard, guardTrouble, isArmed, isGuardOf } from "../../../operator/decide/guard.ts";
import { buildRecord, parseRecord } from "../../../operator/decide/record.ts";
import { aPod, aWorkload, at, namespace, settings } from "../../support/builders.ts";

const holder = { kind: "BackupRun" as const, name: "run", uid: "run-uid", deadline: "2026-11-21T01:10:00Z" };
function leaseOf(kind: "Deployment" | "StatefulSet" = "Deployment"): Lease {
  const { metadata, spec } = buildRecord(namespace, aWorkload().replicas(3).build(), kind, holder);
  return {
    metadata: { ...metadata, name: "record", uid: "lease-uid", creationTimestamp: "2026-11-21T01:00:00Z" },
    spec,
  } as Lease;
}
const guardOf = (kind?: "Deployment" | "StatefulSet", change: Partial<typeof settings> = {}) =>
  buildGuard(leaseOf(kind), parseRecord(leaseOf(kind))!, { ...settings, ...change });

const name = guardName("lease-uid");
const ownLabels = { "app.kubernetes.io/managed-by": "handover", [labels.guard]: "lease-uid" };
const metadata = {
  name,
  namespace,
  labels: ownLabels,
  ownerReferences: [{ apiVersion: "coordination.k8s.io/v1", kind: "Lease", name: "record", uid: "lease-uid" }],
};

test("the guard may give back this one workload and end this one record, and is what its record owns", () => {
  const [account, role, binding, ...rest] = guardOf();
  expect(account).toEqual({ apiVersion: "v1", kind: "ServiceAccount", metadata, automountServiceAccountToken: false });
  expect(role).toEqual({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata,
    rules: [
      { apiGroups: ["apps"], resources: ["deployments/scale"], resourceNames: ["shop"], verbs: ["get", "update"] },
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        resourceNames: ["record"],
        verbs: ["get", "update", "delete"],
      },
    ],
  });
  expect(binding).toEqual({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  });
  expect(rest).toHaveLength(1);
});

test("of a StatefulSet it has the right to that scale", () => {
  expect(guardOf("StatefulSet")[1]).toMatchObject({ rules: [{ resources: ["statefulsets/scale"] }, {}] });
});

test("its Job goes on until the record is gone, in a pod that can do nothing else", () => {
  expect(guardOf()[3]).toEqual({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata,
    spec: {
      backoffLimit: 1_000,
      podReplacementPolicy: "TerminatingOrFailed",
      template: {
        metadata: { labels: { ...ownLabels, "sidecar.istio.io/inject": "false" } },
        spec: {
          restartPolicy: "OnFailure",
          serviceAccountName: name,
          automountServiceAccountToken: true,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 5,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65_532,
            runAsGroup: 65_532,
            seccompProfile: { type: "RuntimeDefault" },
          },
          containers: [
            {
              name: "guard",
              image: settings.image,
              imagePullPolicy: settings.imagePullPolicy,
              args: ["guard"],
              env: [
                { name: "HANDOVER_GUARD_NAMESPACE", value: namespace },
                { name: "HANDOVER_GUARD_RECORD", value: "record" },
              ],
              readinessProbe: {
                exec: { command: ["test", "-e", "/tmp/armed"] },
                periodSeconds: 1,
                timeoutSeconds: 10,
              },
              resources: { requests: { cpu: "5m", memory: "48Mi" }, limits: { memory: "128Mi" } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
              volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
            },
          ],
          volumes: [{ name: "tmp", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }],
        },
      },
    },
  });
});

test("its image is pulled with the operator's Secrets", () => {
  expect(guardOf("Deployment", { imagePullSecrets: ["one", "two"] })[3]).toMatchObject({
    spec: { template: { spec: { imagePullSecrets: [{ name: "one" }, { name: "two" }] } } },
  });
});

const guardPod = aPod("guard").labelled({ [labels.guard]: "lease-uid" });
const conditions = (...pairs: readonly (readonly [type: string, status: string])[]): Pod["status"] => ({
  conditions: pairs.map(([type, status]) => ({ type, status })),
});

describe("a pod", () => {
  test.each([
    { what: "with the label of the record", pod: guardPod, is: true },
    { what: "of another record", pod: aPod("other").labelled({ [labels.guard]: "another-uid" }), is: false },
    { what: "without labels", pod: aPod("bare").meta({ labels: undefined as never }), is: false },
    { what: "that is being deleted", pod: guardPod.deleting(), is: false },
  ])("$what is a guard of the record: $is", ({ pod, is }) => {
    expect(isGuardOf(pod.build(), leaseOf())).toBe(is);
  });
  test.each<[what: string, is: boolean, status: Pod["status"]]>([
    ["that is ready", true, conditions(["PodScheduled", "True"], ["Ready", "True"])],
    ["that is not ready", false, conditions(["PodScheduled", "True"], ["Ready", "False"])],
    ["of which nothing is known", false, {}],
    ["without a status", false, undefined],
  ])("%s is armed: %s", (_what, is, status) => {
    expect(isArmed(guardPod.status(status).build())).toBe(is);
  });
});

describe("why no guard is armed", () => {
  const waiting = (reason?: string, message?: string): Pod["status"] => ({
    containerStatuses: [
      { name: "guard", state: { waiting: { ...(reason && { reason }), ...(message && { message }) } } },
    ],
  });
  const unplaced = (message?: string): Pod["status"] => ({
    conditions: [
      { type: "Ready", status: "False" },
      { type: "PodScheduled", status: "False", ...(message === undefined ? {} : { message }) },
    ],
  });
  const why = (pods: readonly Pod[], clock = "01:00:10"): string => guardTrouble(pods, leaseOf(), at(clock));

  test("is not asked in its first ten seconds", () => {
    expect(why([], "01:00:09")).toBe("it is starting");
    expect(why([])).toContain("was not created");
  });
  test("a pod of another record is none", () => {
    expect(
      why([
        aPod("other")
          .labelled({ [labels.guard]: "another-uid" })
          .build(),
      ]),
    ).toContain("was not created");
  });
  test.each<[string, Pod["status"], string]>([
    ["there is no node for it", unplaced("no room"), "its pod cannot be placed: no room"],
    ["there is no node, and nobody says why", unplaced(), "its pod cannot be placed: no reason given"],
    [
      "its image is not to be had",
      waiting("ErrImagePull", "not found"),
      "its pod does not start: ErrImagePull not found",
    ],
    ["it waits for a reason alone", waiting("Creating"), "its pod does not start: Creating"],
    ["it waits without a word", waiting(), "its pod does not start:"],
  ])("%s", (_what, status, expected) => {
    expect(why([guardPod.status(status).build()])).toBe(expected);
  });
  test.each<[string, Pod["status"]]>([
    ["placed, and not ready", conditions(["PodScheduled", "True"], ["Ready", "False"])],
    ["running", { containerStatuses: [{ name: "guard", state: { running: {} } }] }],
    ["without containers", { containerStatuses: [] }],
    ["without a state", { containerStatuses: [{ name: "guard" }] }],
    ["without a status", undefined],
  ])("it is %s: it does not get through", (_what, status) => {
    expect(why([guardPod.status(status).build()])).toBe(
      "pod guard does not get through to the API server; a NetworkPolicy may be in the way",
    );
  });
  test("is cut short", () => {
    expect(why([guardPod.status(unplaced("x".repeat(400))).build()])).toHaveLength(300);
    expect(why([guardPod.status(waiting("Why", "x".repeat(400))).build()])).toHaveLength(300);
  });
});
