/** What Prometheus sees. Labels are few and bounded: namespace and policy, never a run, a pod or a message. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** All gauges of one policy, as of its last pass. Absent means: not known, no series. */
export interface PolicyMetrics {
  /** Seconds since 1970. */
  readonly lastCompleteTimestampSeconds?: number;
  /** Of the last run that stopped the app. */
  readonly freezeSeconds?: number;
  readonly downtimeSeconds?: number;
  /** The app should run and does not, or is kept stopped by an exchange that only a person can decide about. */
  readonly appDown: boolean;
  /** Since we stopped it; 0 while it runs. */
  readonly appStoppedSeconds: number;
}

/** Takes part in every test and every process, hence no globals: each instance has its own registry. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #policyGauges: Readonly<Record<keyof PolicyMetrics, Gauge<"namespace" | "policy">>>;
  readonly #reconciles: Counter<"kind" | "outcome">;
  readonly #reconcileSeconds: Histogram<"kind">;
  readonly #queueDepth: Gauge<"queue">;
  readonly #requests: Counter<"verb" | "resource" | "code">;
  readonly #watchRestarts: Counter<"resource" | "reason">;
  readonly #leader: Gauge;
  readonly #runs: Counter<"result">;

  constructor(options: { readonly version: string; readonly process?: boolean }) {
    const registers = [this.#registry];
    const policy = (name: string, help: string): Gauge<"namespace" | "policy"> =>
      new Gauge({ name, help, labelNames: ["namespace", "policy"], registers });
    this.#policyGauges = {
      lastCompleteTimestampSeconds: policy(
        "handover_policy_last_complete_timestamp_seconds",
        "When the newest generation was verified at all required sinks",
      ),
      freezeSeconds: policy(
        "handover_run_freeze_seconds",
        "Last run: from no process of the app runs to source released",
      ),
      downtimeSeconds: policy(
        "handover_run_downtime_seconds",
        "Last run: from first missing to last returned ready replica",
      ),
      appDown: policy(
        "handover_app_down",
        "1 while the app is down although it should run, as the last run or restore that knew of it has left it",
      ),
      appStoppedSeconds: policy(
        "handover_app_stopped_seconds",
        "How long a run or restore has kept the app stopped, 0 while it runs",
      ),
    };
    this.#reconciles = new Counter({
      name: "handover_reconcile_total",
      help: "Passes by kind and outcome",
      labelNames: ["kind", "outcome"],
      registers,
    });
    this.#reconcileSeconds = new Histogram({
      name: "handover_reconcile_seconds",
      help: "Duration of a pass",
      labelNames: ["kind"],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
      registers,
    });
    this.#queueDepth = new Gauge({
      name: "handover_queue_depth",
      help: "Keys that are ready and wait for a worker",
      labelNames: ["queue"],
      registers,
    });
    this.#requests = new Counter({
      name: "handover_api_requests_total",
      help: "Requests to the API server, attempts counted singly; code 0 means no answer",
      labelNames: ["verb", "resource", "code"],
      registers,
    });
    this.#watchRestarts = new Counter({
      name: "handover_watch_restarts_total",
      help: "Watches that ended and were started again",
      labelNames: ["resource", "reason"],
      registers,
    });
    this.#leader = new Gauge({ name: "handover_leader", help: "1 while this controller holds the lease", registers });
    this.#runs = new Counter({
      name: "handover_runs_total",
      help: "Finished runs by result",
      labelNames: ["result"],
      registers,
    });
    const build = new Gauge({ name: "handover_build_info", help: "Always 1", labelNames: ["version"], registers });
    build.set({ version: options.version }, 1);
    if (options.process === true) collectDefaultMetrics({ register: this.#registry });
  }

  reconciled(kind: string, outcome: "done" | "retry" | "error", seconds: number): void {
    this.#reconciles.inc({ kind, outcome });
    this.#reconcileSeconds.observe({ kind }, seconds);
  }

  queueDepth(queue: string, depth: number): void {
    this.#queueDepth.set({ queue }, depth);
  }

  requested(record: { readonly verb: string; readonly resource: string; readonly code: number }): void {
    this.#requests.inc({ verb: record.verb, resource: record.resource, code: String(record.code) });
  }

  watchRestarted(resource: string, reason: string): void {
    this.#watchRestarts.inc({ resource, reason });
  }

  leading(leading: boolean): void {
    this.#leader.set(leading ? 1 : 0);
  }

  runFinished(result: string): void {
    this.#runs.inc({ result });
  }

  policy(namespace: string, policy: string, values: PolicyMetrics): void {
    const labels = { namespace, policy };
    this.#set("lastCompleteTimestampSeconds", labels, values.lastCompleteTimestampSeconds);
    this.#set("freezeSeconds", labels, values.freezeSeconds);
    this.#set("downtimeSeconds", labels, values.downtimeSeconds);
    this.#set("appDown", labels, values.appDown ? 1 : 0);
    this.#set("appStoppedSeconds", labels, values.appStoppedSeconds);
  }

  /** A series that stays after its policy is gone would alert for ever. */
  forgetPolicy(namespace: string, policy: string): void {
    for (const gauge of Object.values(this.#policyGauges)) gauge.remove({ namespace, policy });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The exposition text. */
  async render(): Promise<string> {
    return this.#registry.metrics();
  }

  #set(
    name: keyof PolicyMetrics,
    labels: { readonly namespace: string; readonly policy: string },
    value: number | undefined,
  ): void {
    const gauge = this.#policyGauges[name];
    if (value === undefined) gauge.remove(labels);
    else gauge.set(labels, value);
  }
}
