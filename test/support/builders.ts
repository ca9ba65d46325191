/** Fluent builders of the objects that decisions look at. Each call gives a new builder; `build()` gives the object. */
import {
  type Autoscaler,
  type BackupPolicy,
  type BackupRun,
  type Claim,
  type Job,
  type KubeObject,
  type Metadata,
  type Pod,
  type PolicySpec,
  type RestoreRequest,
  type RestoreSpec,
  type RunStatus,
  type StepRecord,
  type Workload,
} from "../../operator/api/kinds.ts";
import { annotations, finalizer, jobNameLabel, labels } from "../../operator/api/names.ts";
import type { MoverSuccess } from "../../operator/contract/result.ts";
import { type AppObservation, workloadKey } from "../../operator/decide/app.ts";
import type { Settings } from "../../operator/decide/decision.ts";
import { type Instant, parseInstant } from "../../operator/domain/instant.ts";

export const namespace = "shop";
export const settings: Settings = { image: "handover:test", imagePullPolicy: "IfNotPresent", imagePullSecrets: [] };

/** `at("01:02:03")` of the day on which the tests play. */
export const at = (clock: string, date = "2026-11-21"): Instant =>
  parseInstant(`${date}T${clock.length === 5 ? `${clock}:00` : clock}Z`)!;

class Builder<T extends KubeObject> {
  readonly #object: T;
  constructor(object: T) {
    this.#object = object;
  }
  build(): T {
    return this.#object;
  }
  protected copy(change: Partial<T>): this {
    return new (this.constructor as new (object: T) => this)({ ...this.#object, ...change });
  }
  meta(change: Partial<Metadata>): this {
    return this.copy({ metadata: { ...this.#object.metadata, ...change } } as Partial<T>);
  }
  named(name: string): this {
    return this.meta({ name, uid: `${name}-uid` });
  }
  created(creationTimestamp: string): this {
    return this.meta({ creationTimestamp });
  }
  annotated(key: string, value = "true"): this {
    return this.meta({ annotations: { ...this.#object.metadata.annotations, [key]: value } });
  }
  deleting(): this {
    return this.meta({ deletionTimestamp: "2026-11-21T01:00:00Z" });
  }
  status(status: T["status"]): this {
    return this.copy({ status } as Partial<T>);
  }
}

const metadata = (name: string): Metadata => ({
  name,
  namespace,
  uid: `${name}-uid`,
  resourceVersion: "1",
  generation: 1,
  creationTimestamp: "2026-11-21T01:00:00Z",
});

const theApp = { kind: "Deployment", name: "shop" } as const;
const defaultSpec: PolicySpec = {
  suspend: false,
  app: { workloads: [theApp], quiesce: "ScaleToZero", stopTimeout: "2m", maxDowntime: "10m" },
  databases: [
    {
      name: "shop",
      postgres: { host: "shop-db", port: 5432, database: "shop", secretRef: { name: "shop-db" } },
      release: "AfterSnapshot",
    },
  ],
  volumes: [{ name: "uploads", claimName: "shop-uploads", class: "Data", paths: ["."], exclude: [] }],
  store: { claimName: "shop-backups" },
  sinks: [{ name: "vault", claim: { claimName: "vault" }, verify: "Full", required: true }],
  maxChain: 30,
  retention: { timeZone: "UTC", trash: "24h", source: { last: 2, minVerified: 1 }, sinks: { last: 7, minVerified: 2 } },
  mover: { runAsUser: 65_532 },
};
type Sink = PolicySpec["sinks"][number];
type Schedule = NonNullable<PolicySpec["schedules"]>[number];

export const sink = (name: string, change: Partial<Sink> = {}): Sink => ({
  name,
  claim: { claimName: name },
  verify: "Full",
  required: true,
  ...change,
});
export const schedule = (name: string, cron: string, change: Partial<Schedule> = {}): Schedule => ({
  name,
  cron,
  type: "Full",
  timeZone: "Etc/UTC",
  startingDeadline: "6h",
  ...change,
});

class PolicyBuilder extends Builder<BackupPolicy> {
  spec(change: Partial<PolicySpec>): this {
    return this.copy({ spec: { ...this.build().spec, ...change } });
  }
  app(change: Partial<PolicySpec["app"]>): this {
    return this.spec({ app: { ...this.build().spec.app, ...change } });
  }
  workloads(...workloads: PolicySpec["app"]["workloads"]): this {
    return this.app({ workloads });
  }
  sinks(...sinks: readonly Sink[]): this {
    return this.spec({ sinks });
  }
  schedules(...schedules: readonly Schedule[]): this {
    return this.spec({ schedules });
  }
}
export const aPolicy = (name = "shop"): PolicyBuilder =>
  new PolicyBuilder({ metadata: { ...metadata(name), uid: `${name}-policy-uid` }, spec: defaultSpec });

export const condition = (type: string): NonNullable<RunStatus["conditions"]>[number] => ({
  type,
  status: "True",
  reason: "Done",
  message: "",
  lastTransitionTime: "2026-11-21T01:00:00Z",
});

/** A step that is over, with what its mover reported. */
export const doneStep = (name: string, finishedAt: string, ...results: readonly MoverSuccess[]): StepRecord => ({
  name,
  state: "Done",
  attempt: 1,
  finishedAt,
  ...(results.length === 0 ? {} : { result: { of: [...results] } }),
});

/** All that the default policy asks for. */
const allCopies = ["source", "vault"].map((location) => ({ location, state: "Verified" as const, required: true }));

class RunBuilder extends Builder<BackupRun> {
  spec(change: Partial<BackupRun["spec"]>): this {
    return this.copy({ spec: { ...this.build().spec, ...change } });
  }
  of(type: BackupRun["spec"]["type"]): this {
    return this.spec({ type });
  }
  forPolicy(policyName: string): this {
    return this.spec({ policyName });
  }
  slot(scheduleName: string, scheduledFor: string): this {
    return this.spec({ scheduleName, scheduledFor });
  }
  cancelled(): this {
    return this.annotated(annotations.cancel);
  }
  holding(): this {
    return this.meta({ finalizers: [finalizer] });
  }
  accepted(): this {
    return this.status({ ...this.build().status, conditions: [condition("Accepted")] });
  }
  finished(result: "Complete" | "AtRisk" | "Failed", id?: string, change: RunStatus = {}): this {
    return this.status({
      result,
      conditions: [condition("Accepted"), condition("Finished")],
      ...(result === "Complete" ? { policy: defaultSpec, policyUID: "shop-policy-uid", copies: allCopies } : {}),
      ...(id === undefined
        ? {}
        : { generation: { id, sealedAt: "2026-11-21T01:00:00Z", storedBytes: 600, files: 10, tables: 3 } }),
      ...change,
    });
  }
}
export const aRun = (name = "shop-1"): RunBuilder =>
  new RunBuilder({ metadata: metadata(name), spec: { policyName: "shop", type: "Full", sinks: [] } });

class RestoreBuilder extends Builder<RestoreRequest> {
  spec(change: Partial<RestoreSpec>): this {
    return this.copy({ spec: { ...this.build().spec, ...change } });
  }
  planOnly(): this {
    return this.spec({ planOnly: true });
  }
  accepted(): this {
    return this.status({ conditions: [condition("Accepted")] });
  }
  finished(): this {
    return this.status({ conditions: [condition("Accepted"), condition("Finished")] });
  }
}
export const aRestore = (name = "back"): RestoreBuilder =>
  new RestoreBuilder({
    metadata: metadata(name),
    spec: { policyName: "shop", from: { latest: true }, target: "InPlace", planOnly: false },
  });

class WorkloadBuilder extends Builder<Workload> {
  spec(change: Partial<Workload["spec"]>): this {
    return this.copy({ spec: { ...this.build().spec, ...change } });
  }
  /** All of them up to date and ready. */
  replicas(replicas: number): this {
    const settled = { observedGeneration: 1, replicas, readyReplicas: replicas, updatedReplicas: replicas };
    return this.spec({ replicas }).status(settled);
  }
  ready(readyReplicas: number): this {
    return this.status({ ...this.build().status, readyReplicas });
  }
}
export const aWorkload = (name = "shop"): WorkloadBuilder =>
  new WorkloadBuilder({ metadata: metadata(name), spec: { selector: { matchLabels: { app: name } } } }).replicas(1);

class PodBuilder extends Builder<Pod> {
  labelled(change: Readonly<Record<string, string>>): this {
    return this.meta({ labels: { ...this.build().metadata.labels, ...change } });
  }
  ofJob(job: string, ownerUID: string, jobUID = `${job}-uid`): this {
    return this.labelled({ [labels.owner]: ownerUID, [labels.step]: "x", [jobNameLabel]: job }).madeBy(job, jobUID);
  }
  /** As the controller of Jobs marks what it makes. */
  madeBy(name: string, uid: string): this {
    return this.meta({ ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid, controller: true }] });
  }
  mounting(...claimNames: readonly string[]): this {
    const volumes = claimNames.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }));
    return this.copy({ spec: { ...this.build().spec, volumes } });
  }
  pending(conditions: NonNullable<Pod["status"]>["conditions"] = [], reason?: string): this {
    const waiting = reason === undefined ? [] : [{ name: "app", state: { waiting: { reason } } }];
    return this.status({ phase: "Pending", conditions, containerStatuses: waiting });
  }
  /** Every container with its exit code, its message and the reason of its end. */
  ended(...ends: readonly { name: string; exitCode: number; message?: string; reason?: string }[]): this {
    return this.copy({
      spec: { ...this.build().spec, containers: ends.map(({ name }) => ({ name })) },
      status: {
        phase: ends.every(({ exitCode }) => exitCode === 0) ? "Succeeded" : "Failed",
        containerStatuses: ends.map(({ name, ...terminated }) => ({ name, state: { terminated } })),
      },
    });
  }
}
export const aPod = (name = "shop-0"): PodBuilder =>
  new PodBuilder({
    metadata: { ...metadata(name), labels: { app: "shop" } },
    spec: { containers: [{ name: "app" }] },
    status: { phase: "Running", containerStatuses: [{ name: "app", state: { running: {} } }] },
  });

class JobBuilder extends Builder<Job> {
  counted(change: NonNullable<Job["status"]>): this {
    return this.status({ ...this.build().status, ...change });
  }
  condition(type: "Complete" | "Failed", reason = ""): this {
    return this.counted({ conditions: [{ type, status: "True", reason }] });
  }
}
export const aJob = (name = "shop-1-preflight-1"): JobBuilder => new JobBuilder({ metadata: metadata(name), spec: {} });

export const aClaim = (name: string, phase = "Bound"): Claim => ({
  metadata: metadata(name),
  spec: {},
  status: { phase },
});
export const anAutoscaler = (target: string, minReplicas?: number, scaledObject = false): Autoscaler => ({
  metadata: {
    ...metadata(`${target}-hpa`),
    ...(scaledObject
      ? { ownerReferences: [{ apiVersion: "keda.sh/v1", kind: "ScaledObject", name: "x", uid: "x" }] }
      : {}),
  },
  spec: { scaleTargetRef: { kind: "Deployment", name: target }, ...(minReplicas === undefined ? {} : { minReplicas }) },
});

/** What a healthy namespace shows: the workloads given, every claim of the policy, nothing else. */
export function anApp(
  change: Partial<Omit<AppObservation, "workloads">> & { workloads?: readonly Workload[] } = {},
): AppObservation {
  const { workloads = [aWorkload().build()], ...rest } = change;
  return {
    workloads: new Map(workloads.map((one) => [workloadKey({ kind: "Deployment", name: one.metadata.name }), one])),
    records: new Map(),
    claims: new Map(["shop-backups", "shop-uploads", "vault"].map((name) => [name, aClaim(name)])),
    autoscalers: [],
    pods: [],
    lastStates: new Map(),
    ...rest,
  };
}
