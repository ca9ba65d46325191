/** What users get wrong, as a table: the policy or the run that has the mistake, and the code that names it. */
import type { Manifest } from "./api.ts";
import { type PolicyParts, claim, idle, podSpec, policy, postgres, secret, workload } from "./app.ts";

export interface BadInput {
  readonly what: string;
  /** Of the policy and of the run. */
  readonly name: string;
  readonly code: string;
  /** A word of the message: the user has to see which of many it is. */
  readonly names: string;
  /** undefined: there is no policy at all. */
  readonly policy: PolicyParts | undefined;
  readonly run?: Readonly<Record<string, unknown>>;
  readonly app?: "Up" | "Unknown";
}

const at = (kind: string, name: string): PolicyParts => ({ app: { workloads: [{ kind, name }] } });
const volume = (claimName: string, more: Readonly<Record<string, unknown>> = {}): PolicyParts => ({
  volumes: [{ name: "uploads", claimName, ...more }],
});

export const badInputs: readonly BadInput[] = [
  {
    what: "no policy of the name",
    name: "nosuch",
    code: "HO-P101",
    names: "nosuch",
    policy: undefined,
    app: "Unknown",
  },
  {
    what: "claim of a volume missing",
    name: "no-claim",
    code: "HO-P102",
    names: "not-there",
    policy: volume("not-there"),
  },
  {
    what: "claim of the store missing",
    name: "no-store",
    code: "HO-P102",
    names: "not-there",
    policy: { store: "not-there" },
  },
  {
    what: "claim of a sink missing",
    name: "no-sink",
    code: "HO-P102",
    names: "not-there",
    policy: { sinks: [{ name: "vault", claim: { claimName: "not-there" } }] },
  },
  {
    what: "claim of a volume not bound",
    name: "unbound",
    code: "HO-P103",
    names: "unbound",
    policy: volume("unbound"),
  },
  {
    what: "claim of the store that no volume fits",
    name: "unbound-store",
    code: "HO-P103",
    names: "pod",
    policy: { store: "unbound" },
  },
  {
    what: "no node for the movers",
    name: "no-node",
    code: "HO-P114",
    names: "placed",
    policy: { more: { mover: { nodeSelector: { "example.org/none": "here" } } } },
  },
  {
    what: "Database run without databases",
    name: "no-database",
    code: "HO-P108",
    names: "Database",
    policy: { databases: [] },
    run: { type: "Database" },
  },
  {
    what: "unknown sink in the run",
    name: "bad-sink",
    code: "HO-P112",
    names: "attic",
    policy: {},
    run: { sinks: ["attic"] },
  },
  {
    what: "Secret missing",
    name: "no-secret",
    code: "HO-P104",
    names: "shop",
    policy: { databases: [postgres({ secretRef: { name: "not-there" } })] },
  },
  {
    what: "key of the Secret missing",
    name: "no-key",
    code: "HO-P104",
    names: "password",
    policy: { databases: [postgres({ secretRef: { name: "half" } })] },
  },
  {
    what: "password wrong",
    name: "password",
    code: "HO-D302",
    names: "shop",
    policy: { databases: [postgres({ secretRef: { name: "wrong" } })] },
  },
  {
    what: "database unknown",
    name: "database",
    code: "HO-D303",
    names: "nosuch",
    policy: { databases: [postgres({ database: "nosuch" })] },
  },
  {
    what: "host of the database unknown",
    name: "host",
    code: "HO-D301",
    names: "nosuchhost",
    policy: { databases: [postgres({ host: "nosuchhost" })] },
  },
  {
    what: "table that the user may not read",
    name: "forbidden",
    code: "HO-D305",
    names: "hidden",
    policy: { databases: [postgres({ database: "forbidden" })] },
  },
  {
    what: "path in the volume missing",
    name: "no-path",
    code: "HO-P107",
    names: "not/there",
    policy: volume("uploads", { paths: ["not/there"] }),
  },
  {
    what: "file that the mover's user cannot read",
    name: "unreadable",
    code: "HO-A401",
    names: "private.key",
    policy: {
      store: "store-65532",
      sinks: [{ name: "vault", claim: { claimName: "vault-65532" } }],
      more: { mover: { runAsUser: 65532 } },
    },
  },
  { what: "store full", name: "full-store", code: "HO-C901", names: "free", policy: { store: "small-store" } },
  {
    what: "store that is no store",
    name: "foreign-store",
    code: "HO-P105",
    names: "holiday.jpg",
    policy: { store: "foreign" },
  },
  { what: "directory of another policy", name: "lineage", code: "HO-P106", names: "0ther-uid", policy: {} },
  {
    what: "workload missing",
    name: "no-workload",
    code: "HO-S201",
    names: "not-there",
    policy: at("Deployment", "not-there"),
    app: "Unknown",
  },
  {
    what: "StatefulSet that deletes its claims",
    name: "deletes",
    code: "HO-S202",
    names: "deleting",
    policy: at("StatefulSet", "deleting"),
  },
  {
    what: "workload that another object controls",
    name: "owned",
    code: "HO-S203",
    names: "ConfigMap owner",
    policy: at("Deployment", "owned"),
  },
  {
    what: "workload in a rollout",
    name: "rollout",
    code: "HO-S204",
    names: "rolling",
    policy: at("Deployment", "rolling"),
  },
  {
    what: "autoscaler that starts from zero",
    name: "autoscaler",
    code: "HO-S205",
    names: "scaled",
    policy: at("Deployment", "scaled"),
  },
  {
    what: "pod of somebody else on the claim",
    name: "squatter",
    code: "HO-S206",
    names: "squatter",
    policy: volume("shared"),
  },
];

const small = (name: string, pod: Readonly<Record<string, unknown>> = podSpec({ script: idle })): Manifest =>
  workload("Deployment", name, pod);

/** What the cases need besides the app. */
export const badWorld: readonly Manifest[] = [
  claim("unbound", "1Gi", { storageClassName: "not-there" }),
  claim("shared"),
  claim("store-65532"),
  claim("vault-65532"),
  claim("foreign"),
  secret("half", { username: "shop" }),
  secret("wrong", { username: "shop", password: "wrong" }),
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "owner" } },
  small("squatter", podSpec({ script: idle, claims: { "/shared": "shared" } })),
  small("scaled"),
  {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: {
      name: "keda-scaled",
      ownerReferences: [
        {
          apiVersion: "keda.sh/v1alpha1",
          kind: "ScaledObject",
          name: "scaled",
          uid: "00000000-0000-0000-0000-000000000001",
        },
      ],
    },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "scaled" },
      minReplicas: 1,
      maxReplicas: 2,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 90 } } },
      ],
    },
  },
  workload("StatefulSet", "deleting", podSpec({ script: idle }), {
    persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete", whenDeleted: "Retain" },
  }),
  workload("Deployment", "rolling", podSpec({ script: idle }), {
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } },
  }),
];

export const policiesOf = (cases: readonly BadInput[]): readonly Manifest[] =>
  cases.flatMap((bad) => (bad.policy === undefined ? [] : [policy(bad.name, bad.policy)]));
