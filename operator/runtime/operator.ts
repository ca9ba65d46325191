/**
 * Wiring: watches put keys into the queue, workers make a pass for each key. Nothing is decided here, and nothing is
 * remembered here that the next process would miss.
 */
import {
  type BackupPolicy,
  type BackupRun,
  type Job,
  type KubeObject,
  type Lease,
  type Pod,
  type Resource,
  type RestoreRequest,
  jobs,
  leases,
  pods,
  policies,
  restores,
  runs,
} from "../api/kinds.ts";
import { isFinished } from "../api/conditions.ts";
import { newsFor } from "../decide/adoption.ts";
import { labels, managedBy } from "../api/names.ts";
import type { Cluster } from "../cluster/client.ts";
import type { EventRecorder } from "../cluster/events.ts";
import { observePolicy, observeRecord, observeRestore, observeRun } from "../cluster/observe.ts";
import type { ListWatch } from "../cluster/watch.ts";
import type { Decision, RecordManifest, Settings } from "../decide/decision.ts";
import { decidePolicy } from "../decide/policy.ts";
import { parseRecord, workloadResource } from "../decide/record.ts";
import { decideRecord } from "../decide/record-step.ts";
import { decideRestore } from "../decide/restore.ts";
import { decideRun } from "../decide/run.ts";
import type { Log } from "../log.ts";
import type { Clock } from "./clock.ts";
import type { Metrics } from "./metrics.ts";
import { publishPolicy } from "./policy-metrics.ts";
import { WorkQueue } from "./queue.ts";
import { type PassOutcome, carryOut } from "./reconcile.ts";
import { Reflector } from "./reflector.ts";

export interface OperatorOptions {
  readonly cluster: Cluster;
  readonly source: <T extends KubeObject>(resource: Resource, labels?: string) => ListWatch<T>;
  readonly events: EventRecorder;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly workers: number;
}

const kinds = ["policy", "run", "restore", "record"] as const;
type Kind = (typeof kinds)[number];
const isKind = (text: string): text is Kind => kinds.some((kind) => kind === text);
const keyOf = (kind: Kind, { metadata }: Pick<RecordManifest, "metadata">): string =>
  `${kind}/${metadata.namespace}/${metadata.name}`;

const isRunOf = ({ metadata, spec }: BackupRun, namespace: string, policy: string): boolean =>
  metadata.namespace === namespace && spec.policyName === policy;

export class Operator {
  readonly #options: OperatorOptions;
  readonly #queue: WorkQueue;
  readonly #policies: Reflector<BackupPolicy>;
  readonly #runs: Reflector<BackupRun>;
  readonly #restores: Reflector<RestoreRequest>;
  readonly #records: Reflector<Lease>;
  readonly #jobs: Reflector<Job>;
  readonly #pods: Reflector<Pod>;

  constructor(options: OperatorOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.clock });
    const ours = `${labels.managedBy}=${managedBy}`;
    this.#policies = this.#reflect<BackupPolicy>(policies, undefined, (object) => this.#enqueue("policy", object));
    this.#runs = this.#reflect<BackupRun>(runs, undefined, (run, deleted, old) => this.#runChanged(run, deleted, old));
    this.#restores = this.#reflect<RestoreRequest>(restores, undefined, (request, deleted) => {
      this.#enqueue("restore", request);
      // A schedule may wait for its end.
      this.#queue.add(`policy/${request.metadata.namespace}/${request.spec.policyName}`);
      if (deleted || isFinished(request)) this.#enqueueRecordsOf(request.metadata.uid);
    });
    this.#records = this.#reflect<Lease>(leases, `${labels.record}=true`, (lease) => {
      this.#enqueue("record", lease);
      for (const holder of parseRecord(lease)?.holders ?? []) this.#enqueueOwner(holder.uid);
    });
    const toOwner = (object: KubeObject): void => this.#enqueueOwner(object.metadata.labels?.[labels.owner] ?? "");
    this.#jobs = this.#reflect<Job>(jobs, ours, toOwner);
    this.#pods = this.#reflect<Pod>(pods, `${ours},${labels.owner}`, toOwner);
  }

  get reflectors(): readonly Pick<Reflector<KubeObject>, "name" | "start" | "synced" | "hasSynced" | "lastTurn">[] {
    return [this.#policies, this.#runs, this.#restores, this.#records, this.#jobs, this.#pods];
  }

  /** Watches from now on, whether or not this process leads: a successor starts with a warm copy. */
  async watch(signal: AbortSignal): Promise<void> {
    await Promise.all(this.reflectors.map((reflector) => reflector.start(signal)));
  }

  /** Works until the signal is aborted; a pass under way is finished. */
  async work(signal: AbortSignal): Promise<void> {
    if (!(await Promise.all(this.reflectors.map((reflector) => reflector.synced))).every(Boolean)) return;
    signal.addEventListener("abort", () => void this.#queue.shutDown(), { once: true });
    if (signal.aborted) return;
    const { log } = this.#options;
    await this.#queue.run(
      this.#options.workers,
      async (key) => {
        await this.#pass(key);
        return "done";
      },
      (key, error, retryAfterMs) => log.warn({ key, err: error, retryAfterMs }, "a pass failed and will be repeated"),
    );
  }

  #reflect<T extends KubeObject>(
    resource: Resource,
    selector: string | undefined,
    onChange: (object: T, deleted: boolean, old?: T) => void,
  ): Reflector<T> {
    const { clock, log, metrics } = this.#options;
    return new Reflector<T>({
      name: resource.plural,
      source: this.#options.source<T>(resource, selector),
      clock,
      log,
      onChange: (change) =>
        onChange(change.object, change.type === "deleted", change.type === "modified" ? change.old : undefined),
      onRestart: (reason) => metrics.watchRestarted(resource.plural, reason),
    });
  }

  #enqueue(kind: Kind, object: KubeObject): void {
    this.#queue.add(keyOf(kind, object));
  }

  #runChanged(run: BackupRun, deleted: boolean, old: BackupRun | undefined): void {
    const { namespace, uid } = run.metadata;
    this.#enqueue("run", run);
    this.#queue.add(`policy/${namespace}/${run.spec.policyName}`);
    const finished = isFinished(run);
    if (deleted || finished) this.#enqueueRecordsOf(uid);
    if (!finished || old === undefined || isFinished(old)) return;
    this.#options.metrics.runFinished(run.status?.result ?? "");
    // What this run brought over or pruned changes the copies of its elders.
    for (const other of this.#runs.values())
      if (isRunOf(other, namespace, run.spec.policyName)) this.#enqueue("run", other);
  }

  #enqueueRecordsOf(holderUID: string): void {
    for (const lease of this.#records.values())
      if (parseRecord(lease)?.holders.some(({ uid }) => uid === holderUID)) this.#enqueue("record", lease);
  }

  #enqueueOwner(uid: string): void {
    for (const run of this.#runs.values()) if (run.metadata.uid === uid) return this.#enqueue("run", run);
    for (const request of this.#restores.values())
      if (request.metadata.uid === uid) return this.#enqueue("restore", request);
    for (const policy of this.#policies.values())
      if (policy.metadata.uid === uid) return this.#enqueue("policy", policy);
  }

  async #pass(key: string): Promise<void> {
    const { clock, metrics } = this.#options;
    const [kind = "", namespace = "", name = ""] = key.split("/");
    if (!isKind(kind)) throw new Error(`no kind has the key ${key}`);
    const startedAt = clock.monotonic();
    metrics.queueDepth("main", this.#queue.depth);
    try {
      const outcome = await this.#reconcile(kind, namespace, name);
      metrics.reconciled(kind, "done", (clock.monotonic() - startedAt) / 1_000);
      if (outcome?.wakeAfter !== undefined) this.#queue.addAfter(key, outcome.wakeAfter);
    } catch (error) {
      metrics.reconciled(kind, "error", (clock.monotonic() - startedAt) / 1_000);
      throw error;
    }
  }

  async #reconcile(kind: Kind, namespace: string, name: string): Promise<PassOutcome | undefined> {
    const { cluster, clock, settings, metrics } = this.#options;
    switch (kind) {
      case "policy": {
        const policy = await cluster.get<BackupPolicy>(policies, namespace, name);
        if (policy === undefined) {
          metrics.forgetPolicy(namespace, name);
          return undefined;
        }
        const seen = await observePolicy(cluster, policy, settings);
        const decision = decidePolicy(seen, clock.now());
        publishPolicy(metrics, seen, decision.status, clock.now());
        const outcome = await carryOut(this.#options, policies, policy, decision);
        // Runs that are over look at nothing by themselves. The listing stays on record, and this comes again, until they have.
        for (const run of this.#runs.values())
          if (isRunOf(run, namespace, name) && newsFor(run, decision.status.adoption) !== undefined)
            this.#enqueue("run", run);
        return outcome;
      }
      case "run": {
        const cached = this.#runs.get(namespace, name);
        // A finished run stands on what is in memory, so that a start with thousands of them asks for nothing.
        const run =
          cached !== undefined && isFinished(cached) ? cached : await cluster.get<BackupRun>(runs, namespace, name);
        if (run === undefined) return undefined;
        const seen = await observeRun(
          cluster,
          run,
          [...this.#runs.values()].filter((other) => other.metadata.namespace === namespace),
          settings,
        );
        const { adoption } = this.#policies.get(namespace, run.spec.policyName)?.status ?? {};
        const told = isFinished(run) ? { ...seen, adoption } : seen;
        return this.#carryOutHolder(runs, run, decideRun(told, clock.now()));
      }
      case "restore": {
        const request = await cluster.get<RestoreRequest>(restores, namespace, name);
        if (request === undefined) return undefined;
        const seen = await observeRestore(cluster, request, settings);
        return this.#carryOutHolder(restores, request, decideRestore(seen, clock.now()));
      }
      case "record": {
        const lease = await cluster.get<Lease>(leases, namespace, name);
        if (lease === undefined) return undefined;
        const seen = await observeRecord(cluster, lease);
        // People look at their workload, not at our record of it.
        const target = parseRecord(lease)?.target;
        const about =
          seen.workload === undefined || target === undefined
            ? undefined
            : { resource: workloadResource(target.kind), object: seen.workload };
        return carryOut(this.#options, leases, lease, decideRecord(seen, settings, clock.now()), about);
      }
    }
  }

  /** Of a run or a restore. The records it has written are worked on at once, also when no watch tells of them. */
  async #carryOutHolder<Status>(
    resource: Resource,
    object: KubeObject<unknown, Status>,
    decision: Decision<Status | undefined>,
  ): Promise<PassOutcome> {
    try {
      return await carryOut(this.#options, resource, object, decision);
    } finally {
      // Also after a failure: a write whose answer was lost may have been made.
      for (const action of decision.actions)
        if (action.do === "createRecord" || action.do === "updateRecord")
          this.#queue.add(keyOf("record", action.record));
    }
  }
}
