/** A small stateful application: a web server that answers from a file on its volume, and a PostgreSQL. Stops and starts at once. */
import type { Manifest } from "./api.ts";
import { type Bed, waitUntil } from "./bed.ts";

const image = "handover/demo:dev";
const password = "test-only";

export const claim = (name: string, storage = "1Gi", more: Readonly<Record<string, unknown>> = {}): Manifest => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } }, ...more },
});

export const secret = (name: string, stringData: Readonly<Record<string, string>>): Manifest => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name },
  stringData,
});

interface Pod {
  readonly script: string;
  readonly args?: readonly string[];
  /** Claim by the path it is mounted at. */
  readonly claims?: Readonly<Record<string, string>>;
  readonly container?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

export function podSpec({
  script,
  args,
  claims = {},
  container = {},
  spec = {},
}: Pod): Readonly<Record<string, unknown>> {
  const volumes = Object.entries(claims).map(([mountPath, claimName], index) => ({
    name: `v${index}`,
    mountPath,
    claimName,
  }));
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 5,
    containers: [
      {
        name: "main",
        image,
        imagePullPolicy: "IfNotPresent",
        ...(args === undefined ? { command: ["sh", "-c", script] } : { args }),
        volumeMounts: volumes.map(({ name, mountPath }) => ({ name, mountPath })),
        ...container,
      },
    ],
    volumes: volumes.map(({ name, claimName }) => ({ name, persistentVolumeClaim: { claimName } })),
    ...spec,
  };
}

export const workload = (
  kind: "Deployment" | "StatefulSet",
  name: string,
  pod: Readonly<Record<string, unknown>>,
  spec: Readonly<Record<string, unknown>> = {},
): Manifest => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: pod },
    ...(kind === "Deployment" ? { strategy: { type: "Recreate" } } : { serviceName: name }),
    ...spec,
  },
});

/** Runs until it is told to end, which it does at once. */
export const idle = "trap 'exit 0' TERM INT; sleep infinity & wait";
const serve = "php -S 0.0.0.0:8080 -t /uploads >/dev/null 2>&1 & trap 'kill $!; exit 0' TERM INT; wait";

/** Ready while it answers from `page.txt` on its volume. */
export const web = (
  name: string,
  claimName: string,
  kind: "Deployment" | "StatefulSet" = "Deployment",
  replicas = 1,
): Manifest =>
  workload(
    kind,
    name,
    podSpec({
      script: serve,
      claims: { "/uploads": claimName },
      container: { readinessProbe: { httpGet: { path: "/page.txt", port: 8080 }, periodSeconds: 1 } },
    }),
    { replicas, ...(kind === "StatefulSet" ? { podManagementPolicy: "Parallel" } : {}) },
  );

/** A pod without a part in the app, in which a test looks at claims with plain tools. */
export const toolbox = (claims: Readonly<Record<string, string>>): Manifest =>
  workload(
    "Deployment",
    "toolbox",
    podSpec({
      script: idle,
      claims,
      container: { image: "handover/handover:dev", securityContext: { runAsUser: 0, runAsGroup: 0 } },
    }),
  );

export const database = (): readonly Manifest[] => [
  secret("db", { username: "shop", password }),
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db" },
    spec: { selector: { app: "db" }, ports: [{ port: 5432 }] },
  },
  workload(
    "Deployment",
    "db",
    podSpec({
      script: "",
      args: ["database"],
      container: {
        env: [
          { name: "DB_NAME", value: "shop" },
          { name: "DB_USERNAME", value: "shop" },
          { name: "DB_PASSWORD", value: password },
        ],
        readinessProbe: { tcpSocket: { port: 5432 }, periodSeconds: 1 },
      },
    }),
  ),
];

type Fields = Readonly<Record<string, unknown>>;

export interface PolicyParts {
  readonly app?: Fields;
  readonly databases?: readonly Fields[];
  readonly volumes?: readonly Fields[];
  readonly more?: Fields;
  readonly store?: string;
  readonly sinks?: readonly Fields[];
}

export const postgres = (fields: Fields = {}): Fields => ({
  name: "shop",
  postgres: { host: "db", database: "shop", secretRef: { name: "db" }, ...fields },
});

/** Deployment `web` with its volume and its database, one sink; every part can be another one. */
export const policy = (name: string, parts: PolicyParts = {}): Manifest => ({
  apiVersion: "backup.handover.dev/v1alpha1",
  kind: "BackupPolicy",
  metadata: { name },
  spec: {
    app: { workloads: [{ kind: "Deployment", name: "web" }], ...parts.app },
    databases: parts.databases ?? [postgres()],
    volumes: parts.volumes ?? [{ name: "uploads", claimName: "uploads" }],
    store: { claimName: parts.store ?? "store" },
    sinks: parts.sinks ?? [{ name: "vault", claim: { claimName: "vault" } }],
    retention: { source: { last: 1 }, sinks: { last: 2 } },
    ...parts.more,
  },
});

/** The application of a suite with some content: PostgreSQL, `web`, claims `uploads`, `store`, `vault`, and the toolbox. */
export async function installApp(
  bed: Bed,
  places: Readonly<Record<string, string>> = { "/store": "store", "/vault": "vault" },
): Promise<void> {
  await bed.apply(claim("uploads"), claim("store"), claim("vault"), ...database());
  await bed.apply(web("web", "uploads"), toolbox(places));
  await bed.ready("db");
  await Promise.all([fillDatabase(bed), fillVolume(bed, "deploy/web")]);
  await Promise.all([bed.ready("web"), bed.ready("toolbox")]);
}

/** Holds a lock that makes a dump wait, until the function that it returns is called. */
export async function lockTable(bed: Bed): Promise<() => Promise<void>> {
  const held =
    "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND mode = 'AccessExclusiveLock' AND granted";
  const session = bed
    .sql("shop", "SET application_name = 'blocker'; BEGIN; LOCK TABLE orders; SELECT pg_sleep(600)")
    .catch(() => "ended");
  await waitUntil(
    "the lock is held",
    () => bed.sql("shop", held),
    (count) => count === "1",
    60,
  );
  return async () => {
    await bed.sql("shop", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'blocker'");
    await session;
  };
}

const fillDatabase = (bed: Bed): Promise<string> =>
  bed.sql(
    "shop",
    `SET ROLE shop; CREATE TABLE orders (id serial PRIMARY KEY, what text NOT NULL);
     INSERT INTO orders (what) SELECT 'order ' || n FROM generate_series(1, 1000) n;
     CREATE TABLE "odd ""name""" (t text); INSERT INTO "odd ""name""" VALUES (NULL), (''), (E'\\\\N'), ('ünï');`,
  );

/** Waits for the pod, which is not ready before it has the page. */
export async function fillVolume(bed: Bed, target: string, more = ""): Promise<void> {
  const script = `cd /uploads; head -c 2000000 /dev/urandom >big.bin; mkdir -p docs; echo text >docs/a.txt; ${more}
    echo welcome >page.txt; sync -f .`;
  const end = performance.now() + 120_000;
  for (;;) {
    try {
      await bed.sh(target, script);
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((wake) => setTimeout(wake, 500));
    }
  }
}
