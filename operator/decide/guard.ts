/**
 * The guard of a workload that is going to be stopped: a Job beside it that gives the replicas back when nobody else does, because
 * the controller is dead, uninstalled or cut off. It may read and set the scale of this one workload and work on this one record.
 * Everything is owned by the record, so that the garbage collector takes it away with the record, whoever deletes that.
 */
import { type Lease, type Pod, apiVersion, leases } from "../api/kinds.ts";
import { guardName, labels, managedBy } from "../api/names.ts";
import { type Instant, parseInstant } from "../domain/instant.ts";
import type { Manifest, Settings } from "./decision.ts";
import { type QuiesceRecord, workloadResource } from "./record.ts";
import { clip } from "../domain/text.ts";

/** Where the guard says that it has reached the API server with the rights that it needs. */
export const armedFile = "/tmp/armed";
export const guardVariables = { namespace: "HANDOVER_GUARD_NAMESPACE", record: "HANDOVER_GUARD_RECORD" } as const;

const resources = { requests: { cpu: "5m", memory: "48Mi" }, limits: { memory: "128Mi" } };

export const isGuardOf = (pod: Pod, lease: Lease): boolean =>
  pod.metadata.labels?.[labels.guard] === lease.metadata.uid && pod.metadata.deletionTimestamp === undefined;

export const isArmed = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;

/** Milliseconds in which a guard usually gets ready: no reason yet to look for one. */
const usual = 10_000;

/** Why no guard of the record is armed, for people. */
export function guardTrouble(pods: readonly Pod[], lease: Lease, now: Instant): string {
  if (now - (parseInstant(lease.metadata.creationTimestamp) ?? 0) < usual) return "it is starting";
  const [pod] = pods.filter((candidate) => isGuardOf(candidate, lease));
  if (pod === undefined) return "its pod was not created; a quota or an admission policy may refuse it";
  const unplaced = pod.status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False");
  if (unplaced !== undefined) return clip(`its pod cannot be placed: ${unplaced.message ?? "no reason given"}`, 300);
  const state = pod.status?.containerStatuses?.[0]?.state;
  if (state?.waiting !== undefined)
    return clip(`its pod does not start: ${state.waiting.reason ?? ""} ${state.waiting.message ?? ""}`.trim(), 300);
  return `pod ${pod.metadata.name} does not get through to the API server; a NetworkPolicy may be in the way`;
}

/** In the order in which they are created: the Job comes last, because its pod needs the others. */
export function buildGuard(lease: Lease, record: QuiesceRecord, settings: Settings): readonly Manifest[] {
  const { namespace, uid } = lease.metadata;
  const name = guardName(uid);
  const { plural } = workloadResource(record.target.kind);
  const ownLabels = { [labels.managedBy]: managedBy, [labels.guard]: uid };
  const metadata = {
    name,
    namespace,
    labels: ownLabels,
    ownerReferences: [{ apiVersion: apiVersion(leases), kind: leases.kind, name: lease.metadata.name, uid }],
  };
  const rbac = "rbac.authorization.k8s.io";
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata, automountServiceAccountToken: false },
    {
      apiVersion: `${rbac}/v1`,
      kind: "Role",
      metadata,
      rules: [
        {
          apiGroups: ["apps"],
          resources: [`${plural}/scale`],
          resourceNames: [record.target.name],
          verbs: ["get", "update"],
        },
        {
          apiGroups: [leases.group],
          resources: [leases.plural],
          resourceNames: [lease.metadata.name],
          verbs: ["get", "update", "delete"],
        },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata,
      spec: {
        // It is replaced for as long as there is a record: after an eviction, a drain, a crash.
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
            ...(settings.imagePullSecrets.length === 0
              ? {}
              : { imagePullSecrets: settings.imagePullSecrets.map((secret) => ({ name: secret })) }),
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
                  { name: guardVariables.namespace, value: namespace },
                  { name: guardVariables.record, value: lease.metadata.name },
                ],
                // A busy node may take seconds to start a process, and that is no reason not to stop the app.
                readinessProbe: {
                  exec: { command: ["test", "-e", armedFile] },
                  periodSeconds: 1,
                  timeoutSeconds: 10,
                },
                resources,
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
    },
  ];
}
