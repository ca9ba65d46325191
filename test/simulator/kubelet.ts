/**
 * Jobs in the simulated cluster: they run to the end that the script says, and what their movers have done lies in the store and at
 * the sinks, where the oracles find the truth. Guards are the real ones, in virtual time.
 */
import type { ErrorCode } from "../../operator/api/codes.ts";
import {
  type BackupRun,
  type Job,
  type Pod,
  type Resource,
  type Workload,
  deployments,
  jobs,
  pods,
  runs,
} from "../../operator/api/kinds.ts";
import { jobNameLabel, labels } from "../../operator/api/names.ts";
import { taskVariable } from "../../operator/contract/mounts.ts";
import type { MoverResult } from "../../operator/contract/result.ts";
import { type MoverTask, parseTask } from "../../operator/contract/task.ts";
import { guard } from "../../operator/guard.ts";
import { isTerminated } from "../../operator/decide/job-state.ts";
import { guardVariables } from "../../operator/decide/guard.ts";
import { encodeResult } from "../../operator/mover/main.ts";
import { aPod, namespace } from "../support/builders.ts";
import { silentLog } from "../support/silent-log.ts";
import { type Truth, newTruth, succeed } from "./movers.ts";
import { portOf } from "./port.ts";
import { ProcessClock } from "./timers.ts";
import { type WorkloadTimes, controlWorkloads, endPod, setContainers } from "./workloads.ts";
import { type World, isFinishedJob } from "./world.ts";

export interface Failure {
  readonly code: ErrorCode;
  readonly retry?: boolean;
}
/** `silent`: ends without a result. `hangs`: runs for ever. `pending`: is never placed. `foreign`: reports for another step. `twin`: as if its controller had lost count, two pods do the work. */
export type Ending = "ok" | "silent" | "evicted" | "hangs" | "pending" | "foreign" | "twin" | Failure;
/** Or what a step that was really carried out has reported. */
type Outcome = Ending | { readonly reported: MoverResult };

export interface Script extends WorkloadTimes {
  /** By step, as in `transport/vault`, and attempt. */
  readonly ending?: (step: string, attempt: number) => Ending | undefined;
  /** What a mover that does its work reports otherwise than usual, by step. */
  readonly reports?: (step: string) => object | undefined;
  /** Carries out the tasks of a pod in earnest, one result each, while time stands still. Without it what movers do is made up. */
  readonly carryOut?: (tasks: readonly MoverTask[], podUID: string) => Promise<readonly MoverResult[]>;
  readonly jobTakes?: number;
  /** How many generations retention finds to remove at each place. */
  readonly superseded?: number;
  /** Until a guard has reached the API server; Infinity: never. */
  readonly guardTakes?: number;
}

/** Ends badly and says nothing. */
const isSilent = (ending: Outcome): boolean => ending === "silent" || ending === "evicted";
const stepOf = (job: Job): string => job.metadata.labels?.[labels.step]?.replace(".", "/") ?? "";
interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly {
      readonly name: string;
      readonly env: readonly { name: string; value?: string }[];
    }[];
    readonly volumes: NonNullable<Pod["spec"]["volumes"]>;
  };
}

export class Kubelet {
  readonly truth: Truth = newTruth();
  readonly #world: World;
  script: Script;
  #pods = 0;
  /** Uids of pods that found the mirrors taken. */
  readonly #second = new Set<string>();
  /** What is being carried out in earnest. */
  readonly working = new Set<Promise<void>>();

  constructor(world: World, script: Script = {}) {
    this.#world = world;
    this.script = script;
    this.truth.toSupersede = script.superseded ?? 0;
    controlWorkloads(world, () => this.script);
    world.onChange.add(({ resource, before, after }) => {
      if (resource === jobs && before === undefined && after !== undefined)
        world.after(50, () => this.#startJob(after as Job));
      if (resource === jobs && after === undefined && before !== undefined)
        for (const pod of this.#podsOfJob(before.metadata.name))
          endPod(world, pod.metadata.name, this.script.stopTakes);
    });
  }

  /** A workload with its pods ready. */
  run(workload: Workload, resource: Resource = deployments): void {
    this.#world.put(resource, workload);
    this.#world.advance(this.#world.now + 5_000);
  }

  #podsOfJob(name: string): readonly Pod[] {
    return this.#world.all<Pod>(pods).filter((pod) => pod.metadata.labels?.[jobNameLabel] === name);
  }

  #startJob(job: Job): void {
    const alive = this.#world.find<Job>(jobs, job.metadata.name);
    if (alive?.metadata.uid !== job.metadata.uid || alive.metadata.deletionTimestamp !== undefined) return;
    if (job.metadata.labels?.[labels.guard] !== undefined) return this.#startGuard(job);
    const ending = this.script.ending?.(stepOf(job), Number(job.metadata.name.split("-").at(-1))) ?? "ok";
    this.#startPod(job, ending);
    // Job's controllers promise at most one pod most of the time.
    if (ending === "twin") this.#world.after(70, () => this.#startPod(job, ending));
  }
  #startPod(job: Job, ending: Ending): void {
    const world = this.#world;
    const { name } = job.metadata;
    if (world.find<Job>(jobs, name)?.metadata.uid !== job.metadata.uid) return;
    const { template } = job.spec as { readonly template: PodTemplate };
    const podName = `${name}-${++this.#pods}`;
    const pod = world.put<Pod>(pods, {
      ...aPod(podName)
        .labelled({ app: "", ...template.metadata.labels, [jobNameLabel]: name })
        .madeBy(name, job.metadata.uid)
        .build(),
      spec: { containers: template.spec.containers.map((one) => ({ name: one.name })), volumes: template.spec.volumes },
      status:
        ending === "pending"
          ? {
              phase: "Pending",
              conditions: [{ type: "PodScheduled", status: "False", message: "0/1 nodes are available" }],
            }
          : {
              phase: "Running",
              containerStatuses: template.spec.containers.map((one) => ({ name: one.name, state: { running: {} } })),
            },
    });
    world.change<Job>(jobs, name, () => ({ status: { active: 1 } }));
    if (stepOf(job) === "capture") this.#claimMirrors(pod);
    if (ending === "pending" || ending === "hangs") return;
    const { jobTakes = 500 } = this.script;
    // The release comes first, as in life.
    const order = template.spec.containers.toSorted(
      (a, b) => Number(b.name === "release") - Number(a.name === "release"),
    );
    const tasks = order.map(({ env }) => parseTask(env.find(({ name: key }) => key === taskVariable)?.value ?? ""));
    const endAll = (outcomes: readonly Outcome[]): void =>
      tasks.forEach((task, index) =>
        world.after(jobTakes * (index + 1), () =>
          this.#endContainer(pod, job, task, outcomes[index] ?? "silent", index + 1 === tasks.length),
        ),
      );
    const { carryOut } = this.script;
    if (carryOut === undefined || ending !== "ok") return endAll(tasks.map(() => ending));
    world.after(jobTakes, () => {
      const work = carryOut(tasks, pod.metadata.uid)
        .then((results) => endAll(results.map((reported) => ({ reported }))))
        .finally(() => this.working.delete(work));
      this.working.add(work);
    });
  }

  /** The mirrors of a policy are of one pod at a time; whoever comes second fails. */
  #claimMirrors(pod: Pod): void {
    const { claimants } = this.truth;
    const policy = pod.metadata.labels?.[labels.policy] ?? "";
    const [claimant] = this.#world.all<Pod>(pods).filter(({ metadata }) => metadata.uid === claimants.get(policy));
    if (claimant !== undefined && !isTerminated(claimant)) this.#second.add(pod.metadata.uid);
    else claimants.set(policy, pod.metadata.uid);
  }

  #succeed(task: MoverTask): object {
    const place = task.step === "prune" ? task.location.name : undefined;
    const run = this.#world.find<BackupRun>(runs, task.run);
    const plan = run?.status?.retention?.find(({ location }) => location === place);
    return succeed(task, this.truth, this.#world.now, plan?.digest);
  }

  /** The real guard, which ends with its pod. */
  #startGuard(job: Job): void {
    const world = this.#world;
    const { template } = job.spec as { readonly template: PodTemplate };
    const { name } = world.put<Pod>(pods, {
      ...aPod(`${job.metadata.name}-${++this.#pods}`)
        .labelled({ app: "", ...template.metadata.labels, [jobNameLabel]: job.metadata.name })
        .madeBy(job.metadata.name, job.metadata.uid)
        .build(),
      spec: { containers: [{ name: "guard" }] },
      status: { phase: "Running", containerStatuses: [{ name: "guard", state: { running: {} } }] },
    }).metadata;
    const { guardTakes = 200 } = this.script;
    if (guardTakes === Infinity) return;
    const isAlive = (): boolean => world.find<Pod>(pods, name)?.metadata.deletionTimestamp === undefined;
    const record = template.spec.containers[0]?.env.find((one) => one.name === guardVariables.record)?.value ?? "";
    const armed = (): void =>
      world.change<Pod>(pods, name, ({ status }) => ({
        status: { ...status, conditions: [{ type: "Ready", status: "True" }] },
      }));
    const clock = new ProcessClock(world.timers, () => world.find(pods, name) !== undefined && isAlive());
    const cluster = portOf(world, { isAlive: () => world.find(pods, name) !== undefined && isAlive() });
    const run = async (): Promise<void> => {
      await guard({ cluster, clock, log: silentLog, namespace, record, armed }, new AbortController().signal);
      this.#endGuard(job, name);
    };
    world.after(guardTakes, () => void run());
  }
  #endGuard(job: Job, name: string): void {
    setContainers(this.#world, name, "Succeeded", () => ({ state: { terminated: { exitCode: 0 } } }));
    this.#world.change<Job>(jobs, job.metadata.name, () => ({
      status: { conditions: [{ type: "Complete", status: "True" }] },
    }));
  }

  #endContainer(pod: Pod, job: Job, task: MoverTask, planned: Outcome, last: boolean): void {
    const ending =
      this.#second.has(pod.metadata.uid) && task.step !== "dump" ? ({ code: "HO-P113" } as const) : planned;
    const world = this.#world;
    const { name } = pod.metadata;
    // It was ended, and did nothing more.
    const alive = world.find<Pod>(pods, name);
    if (alive === undefined || alive.metadata.deletionTimestamp !== undefined) return;
    const reported = typeof ending === "object" && "reported" in ending ? ending.reported : undefined;
    const failed = reported === undefined ? typeof ending === "object" || isSilent(ending) : !reported.ok;
    const text =
      reported !== undefined
        ? encodeResult(reported)
        : typeof ending === "object"
          ? JSON.stringify({ version: 1, step: task.step, ok: false, message: "no luck", retry: false, ...ending })
          : ending === "foreign"
            ? JSON.stringify({ version: 1, ok: true, step: "swap", databases: 1, volumes: 1 })
            : failed
              ? ""
              : JSON.stringify({ ...this.#succeed(task), ...this.script.reports?.(stepOf(job)) });
    // An exchange that ends badly may have done a part of it.
    if (
      failed &&
      task.step === "swap" &&
      (typeof ending !== "object" || ("code" in ending && ending.code === "HO-R804"))
    )
      this.truth.live = "half";
    const exitCode = failed ? 1 : 0;
    setContainers(world, name, "Running", (one) =>
      one.name === task.step ? { state: { terminated: { exitCode, message: text } } } : {},
    );
    if ((task.step === "dump" || task.step === "collect") && !failed) this.truth.captured.add(pod.metadata.uid);
    if (task.step === "archive" && !failed) this.truth.packed.set(pod.metadata.uid, task.base?.id);
    if (!last) return;
    world.change<Pod>(pods, name, ({ status }) => ({ status: { ...status, phase: failed ? "Failed" : "Succeeded" } }));
    if (ending === "evicted")
      world.change<Pod>(pods, name, () => ({
        status: { phase: "Failed", conditions: [{ type: "DisruptionTarget", status: "True" }] },
      }));
    world.after(50, () => {
      if (world.find<Job>(jobs, job.metadata.name)?.metadata.uid === job.metadata.uid && !isFinishedJob(job))
        world.change<Job>(jobs, job.metadata.name, () => ({
          status: { conditions: [{ type: failed ? "Failed" : "Complete", status: "True" }] },
        }));
    });
  }
}
