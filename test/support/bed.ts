/** A namespace on the test cluster with what tests do in it: apply, wait for, run in a pod, ask the database. */
import { openStage, type Stage } from "../../demo/stage.ts";
import type { Api, Body, Manifest } from "./api.ts";

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}
export interface Step {
  readonly name: string;
  readonly state: string;
  readonly attempt?: number;
  readonly rounds?: number;
  readonly job?: string;
  readonly code?: string;
  readonly message?: string;
}
/** How often the step was tried. A prune that has planned before it removed something was not tried again for that. */
export const triesOf = ({ attempt = 1, rounds = 0 }: Step): number => attempt - rounds;

/** What tests read of a BackupRun or RestoreRequest. */
export interface Task {
  readonly metadata: { readonly name: string; readonly uid: string; readonly finalizers?: readonly string[] };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: {
    readonly phase: string;
    readonly result: string;
    readonly app: string;
    readonly code: string;
    readonly advice: string;
    readonly downtime?: string;
    readonly freeze?: string;
    readonly display: Readonly<Record<string, string>>;
    readonly times?: Readonly<Record<string, string>>;
    readonly generation?: Readonly<Record<string, unknown>> & { readonly id: string; readonly files: number };
    readonly copies?: readonly { readonly location: string; readonly state: string; readonly code?: string }[];
    readonly steps: readonly Step[];
    readonly conditions: readonly Condition[];
    readonly plan?: Readonly<Record<string, unknown>>;
    readonly workloads?: readonly { readonly name: string; readonly replicas: number }[];
  };
}
export interface WorkloadBody {
  readonly metadata: { readonly generation: number; readonly uid: string };
  readonly spec: { readonly replicas: number };
  readonly status: { readonly readyReplicas?: number; readonly replicas?: number };
}

const handover = "/apis/backup.handover.dev/v1alpha1";
const places: Readonly<Record<string, readonly [string, string]>> = {
  BackupPolicy: [handover, "backuppolicies"],
  BackupRun: [handover, "backupruns"],
  RestoreRequest: [handover, "restorerequests"],
  Deployment: ["/apis/apps/v1", "deployments"],
  StatefulSet: ["/apis/apps/v1", "statefulsets"],
  Pod: ["/api/v1", "pods"],
  Service: ["/api/v1", "services"],
  Secret: ["/api/v1", "secrets"],
  ConfigMap: ["/api/v1", "configmaps"],
  PersistentVolumeClaim: ["/api/v1", "persistentvolumeclaims"],
  ResourceQuota: ["/api/v1", "resourcequotas"],
  HorizontalPodAutoscaler: ["/apis/autoscaling/v2", "horizontalpodautoscalers"],
  Job: ["/apis/batch/v1", "jobs"],
  Lease: ["/apis/coordination.k8s.io/v1", "leases"],
};

export function pathOf(kind: string, namespace: string, name = ""): string {
  const place = places[kind];
  if (place === undefined) throw new Error(`no path is known for ${kind}`);
  return `${place[0]}/namespaces/${namespace}/${place[1]}${name === "" ? "" : `/${name}`}`;
}

/** Without the fields' owners, which are half of an object and tell nothing here. */
const inShort = (seen: unknown): string =>
  (JSON.stringify(seen, (key, value: unknown) => (key === "managedFields" ? undefined : value)) ?? "nothing").slice(
    0,
    4000,
  );

/** @throws when it is not so in time, with what was there last. */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T | undefined>,
  holds: (seen: T) => boolean,
  seconds = 240,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && holds(seen)) return seen;
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}; the last seen is ${inShort(seen)}`);
    await new Promise((wake) => setTimeout(wake, 150));
  }
}

export const isTrue = (task: Task, type: string): boolean =>
  task.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
export const isFinished = (task: Task): boolean => isTrue(task, "Finished");
export const stepOf = (task: Task, name: string): Step | undefined =>
  task.status?.steps?.find((step) => step.name === name);

export const stage = (): Stage => {
  const kubeconfig = process.env["HANDOVER_TEST_KUBECONFIG"] ?? "";
  if (kubeconfig === "")
    throw new Error("HANDOVER_TEST_KUBECONFIG is not set: `make test` brings up a cluster and sets it");
  return openStage(process.env["HANDOVER_TEST_CLUSTER"] ?? "", kubeconfig);
};

export class Bed {
  readonly api: Api;
  readonly #stage: Stage;
  readonly namespace: string;

  constructor(namespace: string, of: Stage) {
    this.namespace = namespace;
    this.#stage = of;
    this.api = of.api;
  }

  /** A fresh namespace: whatever an interrupted test left in one of this name is removed first. */
  static async open(namespace: string): Promise<Bed> {
    const bed = new Bed(namespace, stage());
    await bed.kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait", "--timeout=180s");
    await bed.kubectl("create", "namespace", namespace);
    return bed;
  }
  async close(): Promise<void> {
    await this.kubectl("delete", "namespace", this.namespace, "--wait=false");
    await this.api.close();
  }

  readonly kubectl = (...args: readonly string[]): Promise<string> => this.#stage.kubectl(...args);
  readonly k = (...args: readonly string[]): Promise<string> => this.kubectl("-n", this.namespace, ...args);

  async apply(...manifests: readonly Manifest[]): Promise<void> {
    for (const manifest of manifests) {
      const { name = "" } = manifest.metadata as { readonly name?: string };
      const path = `${pathOf(manifest.kind, this.namespace, name)}?fieldManager=handover-test&force=true`;
      const { status, body } = await this.api.call("PATCH", path, manifest, "application/apply-patch+yaml");
      if (status > 201) throw new Error(`${manifest.kind} ${name} is refused: ${body.message}`);
    }
  }
  async find<T>(kind: string, name: string): Promise<T | undefined> {
    const { status, body } = await this.api.call("GET", pathOf(kind, this.namespace, name));
    return status === 200 ? (body as unknown as T) : undefined;
  }
  async get<T>(kind: string, name: string): Promise<T> {
    const found = await this.find<T>(kind, name);
    if (found === undefined) throw new Error(`there is no ${kind} ${name} in ${this.namespace}`);
    return found;
  }
  async list<T>(kind: string, query = ""): Promise<readonly T[]> {
    const { body } = await this.api.call("GET", `${pathOf(kind, this.namespace)}${query}`);
    return (body["items"] ?? []) as readonly T[];
  }
  async patch(kind: string, name: string, change: Readonly<Record<string, unknown>>): Promise<Body> {
    const path = pathOf(kind, this.namespace, name);
    const { status, body } = await this.api.call("PATCH", path, change, "application/merge-patch+json");
    if (status !== 200) throw new Error(`${kind} ${name} cannot be changed: ${body.message}`);
    return body;
  }
  async remove(kind: string, name: string): Promise<void> {
    await this.api.call("DELETE", pathOf(kind, this.namespace, name));
  }
  annotate(kind: string, name: string, annotations: Readonly<Record<string, string | null>>): Promise<Body> {
    const entries = Object.entries(annotations).map(([key, value]) => [`backup.handover.dev/${key}`, value]);
    return this.patch(kind, name, { metadata: { annotations: Object.fromEntries(entries) } });
  }
  until<T>(kind: string, name: string, what: string, holds: (seen: T) => boolean, seconds?: number): Promise<T> {
    return waitUntil(`${kind} ${this.namespace}/${name}: ${what}`, () => this.find<T>(kind, name), holds, seconds);
  }
  gone(kind: string, name: string, seconds?: number): Promise<unknown> {
    const look = async (): Promise<boolean> => (await this.find(kind, name)) === undefined;
    return waitUntil(`${kind} ${name} is gone`, look, (gone) => gone, seconds);
  }

  /** A shell script in a pod of the workload. */
  sh(target: string, script: string): Promise<string> {
    return this.#exec(target, "sh", "-ec", script);
  }
  /** As the superuser of the test's PostgreSQL. */
  async sql(database: string, text: string): Promise<string> {
    const asPostgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"];
    const psql = ["psql", "-X", "-v", "ON_ERROR_STOP=1", database, "-Atc", text];
    return (await this.#exec("deploy/db", ...asPostgres, ...psql)).trim();
  }
  /** What has not begun is asked for again: a busy kubelet does not know its containers for a moment. */
  async #exec(target: string, ...command: readonly string[]): Promise<string> {
    for (let attempt = 1; ; attempt++)
      try {
        return await this.k("exec", target, "--", ...command);
      } catch (error) {
        if (attempt === 10 || !String(error).includes("unable to upgrade connection")) throw error;
        await new Promise((wake) => setTimeout(wake, 500));
      }
  }

  async start(name: string, policyName: string, spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.apply({
      apiVersion: "backup.handover.dev/v1alpha1",
      kind: "BackupRun",
      metadata: { name },
      spec: { policyName, type: "Full", ...spec },
    });
  }
  finished(name: string, kind = "BackupRun", seconds?: number): Promise<Task> {
    return this.until<Task>(kind, name, "Finished", isFinished, seconds);
  }
  async run(name: string, policyName: string, spec?: Readonly<Record<string, unknown>>): Promise<Task> {
    await this.start(name, policyName, spec);
    return this.finished(name);
  }
  async restore(name: string, policyName: string, spec: Readonly<Record<string, unknown>>): Promise<Task> {
    await this.startRestore(name, policyName, spec);
    return this.finished(name, "RestoreRequest");
  }
  async startRestore(name: string, policyName: string, spec: Readonly<Record<string, unknown>>): Promise<void> {
    await this.apply({
      apiVersion: "backup.handover.dev/v1alpha1",
      kind: "RestoreRequest",
      metadata: { name },
      spec: { policyName, ...spec },
    });
  }
  /** Waits until the step of a task is in one of the states. */
  step(name: string, step: string, states: readonly string[], kind = "BackupRun"): Promise<Task> {
    return this.until<Task>(kind, name, `${step} ${states.join(" or ")}`, (task) =>
      states.includes(stepOf(task, step)?.state ?? ""),
    );
  }
  ready(name: string, kind = "Deployment", replicas = 1): Promise<WorkloadBody> {
    return this.until<WorkloadBody>(
      kind,
      name,
      `${replicas} ready`,
      ({ spec, status }) => spec.replicas === replicas && (status.readyReplicas ?? 0) === replicas,
    );
  }
}
