/** Valid objects with every field, and how a table of bad objects changes them. */
import type { Manifest } from "../../support/api.ts";

const apiVersion = "backup.handover.dev/v1alpha1";

const policy: Manifest = {
  apiVersion,
  kind: "BackupPolicy",
  metadata: { name: "shop" },
  spec: {
    suspend: false,
    app: {
      workloads: [
        { kind: "Deployment", name: "shop" },
        { kind: "StatefulSet", name: "worker" },
      ],
      quiesce: "ScaleToZero",
      stopTimeout: "2m",
      maxDowntime: "10m",
    },
    databases: [
      {
        name: "shop",
        postgres: { host: "shop-db", port: 5432, database: "shop", secretRef: { name: "shop-db" } },
        release: "AfterSnapshot",
      },
      { name: "stats", postgres: { host: "shop-db", database: "stats", secretRef: { name: "shop-db" } } },
    ],
    volumes: [
      { name: "uploads", claimName: "shop-uploads", paths: ["."], exclude: ["cache/**"] },
      { name: "config", claimName: "shop-config", paths: ["settings", "plugins/on"] },
    ],
    config: { configMaps: [{ name: "settings" }], secrets: [{ name: "keys", keys: ["session", "saml.pem"] }] },
    store: { claimName: "shop-backups" },
    sinks: [
      {
        name: "vault",
        claim: { claimName: "vault" },
        verify: "Full",
        required: true,
        retention: { last: 30, minVerified: 7 },
      },
      { name: "scratch", claim: { claimName: "scratch" }, verify: "None", required: false },
    ],
    schedules: [
      {
        name: "nightly",
        type: "Full",
        cron: "0 2 * * 1-6",
        timeZone: "Europe/Berlin",
        startingDeadline: "6h",
        sinks: ["vault"],
      },
      { name: "hourly", type: "Database", cron: "0 * * * *" },
    ],
    maxChain: 30,
    retention: {
      timeZone: "UTC",
      trash: "24h",
      source: { last: 2, minVerified: 1 },
      sinks: { last: 7, minVerified: 2 },
    },
    mover: {
      resources: { requests: { cpu: "250m", memory: "256Mi" }, limits: { cpu: 1, memory: "512Mi" } },
      runAsUser: 1000,
      runAsGroup: 1000,
      nodeSelector: { "kubernetes.io/os": "linux" },
      tolerations: [{ key: "node", operator: "Equal", value: "x", effect: "NoExecute", tolerationSeconds: 60 }],
    },
  },
};

const run: Manifest = {
  apiVersion,
  kind: "BackupRun",
  metadata: { name: "shop-nightly-20261122-0200" },
  spec: {
    policyName: "shop",
    type: "Full",
    scheduleName: "nightly",
    scheduledFor: "2026-11-22T02:00:00Z",
    sinks: ["vault"],
  },
};

const restore: Manifest = {
  apiVersion,
  kind: "RestoreRequest",
  metadata: { name: "shop-back" },
  spec: {
    policyName: "shop",
    from: { generation: "000042", location: "vault" },
    include: { databases: ["shop"], volumes: ["uploads"] },
    target: "InPlace",
    planOnly: true,
  },
};

export const bases = { BackupPolicy: policy, BackupRun: run, RestoreRequest: restore } as const;
export type Kind = keyof typeof bases;
export const kinds: readonly Kind[] = ["BackupPolicy", "BackupRun", "RestoreRequest"];

/** Values by path below the object, `spec.sinks.0.name`; undefined removes. A dot inside a key is written `\.`. */
export type Changes = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

function child(of: Record<string, unknown>, key: string): Record<string, unknown> {
  const there = of[key] ?? {};
  if (!isFields(there)) throw new Error(`${key} is not an object or a list`);
  of[key] = there;
  return there;
}

/** @returns a copy of the object with the changes. */
export function changed(base: Manifest, changes: Changes): Manifest {
  const copy: Record<string, unknown> & Manifest = structuredClone(base);
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split(/(?<!\\)\./).map((key) => key.replaceAll("\\.", "."));
    let at: Record<string, unknown> = copy;
    for (const key of keys.slice(0, -1)) at = child(at, key);
    const last = keys.at(-1)!;
    if (value === undefined) delete at[last];
    else at[last] = value;
  }
  return copy;
}

/** One object that has to be refused, and what the user reads: the field it is about, and the remedy. */
export interface Bad {
  readonly kind: Kind;
  readonly because: string;
  readonly object: Manifest;
  /** Both are fragments of the message. */
  readonly at: string;
  readonly says: string;
}

/** A row of a table: why it is bad, the changes to the valid object, the field the message names, and a fragment of the remedy. */
export type Row = readonly [because: string, changes: Changes, at: string, says: string];

export const table = (kind: Kind, rows: readonly Row[]): readonly Bad[] =>
  rows.map(([because, changes, at, says]) => ({ kind, because, object: changed(bases[kind], changes), at, says }));

/** The same remedy for several bad values of one field; `path` is `spec.sinks.0.name`, shown as `spec.sinks[0].name`. */
export const each = (path: string, says: string, values: readonly unknown[], around: Changes = {}): readonly Row[] =>
  values.map((value) => [
    `${path}: ${JSON.stringify(value)?.slice(0, 60)}`,
    { ...around, [path]: value },
    path.replaceAll(/\.([0-9]+)/g, "[$1]"),
    says,
  ]);
