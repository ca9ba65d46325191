/**
 * What happens in a cluster by itself: workloads get and lose their pods, Jobs run to the end that the script says, and what their
 * movers have done lies in the store and at the sinks, where the oracles find the truth.
 */
import { type Job, type Pod, type Workload, deployments, jobs, pods } from "../../operator/api/kinds.ts";
import { labels } from "../../operator/api/names.ts";
import { taskVariable } from "../../operator/contract/mounts.ts";
import { type MoverTask, parseTask } from "../../operator/contract/task.ts";
import type { ErrorCode } from "../../operator/api/codes.ts";
import { aPod } from "../support/builders.ts";
import { type Truth, succeed } from "./movers.ts";
import { type World, isFinishedJob } from "./world.ts";

export interface Failure {
  readonly code: ErrorCode;
  readonly retry?: boolean;
}
/** `silent`: ends without a result. `hangs`: runs for ever. `pending`: is never placed. `foreign`: reports for another step. */
export type Ending = "ok" | "silent" | "evicted" | "hangs" | "pending" | "foreign" | Failure;

export interface Script {
  /** By step, as in `transport/vault`, and attempt. */
  readonly ending?: (step: string, attempt: number) => Ending | undefined;
  /** What a mover that does its work reports otherwise than usual, by step. */
  readonly reports?: (step: string) => object | undefined;
  /** Until the processes of a pod that is deleted have ended. */
  readonly stopTakes?: number;
  /** Until a new pod is ready; undefined in time: never. */
  readonly startTakes?: number;
  readonly jobTakes?: number;
  /** Until a guard has reached the API server; Infinity: never. */
  readonly guardTakes?: number;
}

const stepOf = (job: Job): string => job.metadata.labels?.[labels.step]?.replace(".", "/") ?? "";
const jobLabel = "batch.kubernetes.io/job-name";
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
  readonly truth: Truth = {
    captured: new Set(),
    sealed: new Set(),
    sinks: new Map(),
    staged: false,
    live: "old",
    lost: false,
  };
  readonly #world: World;
  script: Script;
  #pods = 0;

  constructor(world: World, script: Script = {}) {
    this.#world = world;
    this.script = script;
    world.onChange.push(({ resource, before, after }) => {
      if (resource === deployments && after !== undefined && before?.metadata.generation !== after.metadata.generation)
        world.after(20, () => this.#syncWorkload(after.metadata.name));
      if (resource === jobs && before === undefined && after !== undefined)
        world.after(50, () => this.#startJob(after as Job));
      if (resource === jobs && after === undefined && before !== undefined)
        for (const pod of this.#podsOfJob(before.metadata.name)) this.#endPod(pod.metadata.name);
    });
  }

  /** A workload with its pods ready. */
  run(workload: Workload): void {
    this.#world.put(deployments, workload);
    this.#world.advance(this.#world.now + 5_000);
  }

  #podsOfJob(name: string): readonly Pod[] {
    return this.#world.all<Pod>(pods).filter((pod) => pod.metadata.labels?.[jobLabel] === name);
  }
  #podsOf(workload: string): readonly Pod[] {
    return this.#world
      .all<Pod>(pods)
      .filter((pod) => pod.metadata.labels?.["app"] === workload && pod.metadata.deletionTimestamp === undefined);
  }

  #syncWorkload(name: string): void {
    const world = this.#world;
    const workload = world.find<Workload>(deployments, name);
    if (workload === undefined) return;
    const wanted = workload.spec.replicas ?? 1;
    const own = this.#podsOf(name);
    for (const pod of own.slice(wanted)) this.#endPod(pod.metadata.name);
    for (let missing = wanted - own.length; missing > 0; missing--) {
      const pod = aPod(`${name}-pod-${++this.#pods}`).labelled({ app: name }).mounting(`${name}-uploads`).build();
      world.put(pods, pod);
      const { startTakes = 300 } = this.script;
      if (startTakes !== Infinity)
        world.after(startTakes, () => {
          this.#setContainers(pod.metadata.name, "Running", (one) => ({ ...one, ready: true }));
          this.#countWorkload(name);
        });
    }
    this.#countWorkload(name);
  }
  #countWorkload(name: string): void {
    const own = this.#podsOf(name);
    const readyReplicas = own.filter((pod) =>
      pod.status?.containerStatuses?.every(({ ready }) => ready === true),
    ).length;
    this.#world.change<Workload>(deployments, name, ({ metadata, spec }) => ({
      status: {
        observedGeneration: metadata.generation ?? 1,
        replicas: own.length,
        readyReplicas,
        updatedReplicas: Math.min(own.length, spec.replicas ?? 1),
      },
    }));
  }

  #setContainers(
    name: string,
    phase: string,
    edit: (status: NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number]) => object,
  ): void {
    this.#world.change<Pod>(pods, name, ({ status }) => ({
      status: {
        ...status,
        phase,
        containerStatuses: (status?.containerStatuses ?? []).map((one) => ({ ...one, ...edit(one) })),
      },
    }));
  }

  /** As when a pod is deleted: its processes end, then the object goes. */
  #endPod(name: string): void {
    const world = this.#world;
    world.meta(pods, name, { deletionTimestamp: world.stamp() });
    const { stopTakes = 300 } = this.script;
    if (stopTakes === Infinity) return;
    world.after(stopTakes, () => {
      this.#setContainers(name, "Running", (one) => ({
        ready: false,
        state: one.state?.terminated === undefined ? { terminated: { exitCode: 143 } } : one.state,
      }));
      world.after(100, () => world.delete(pods, name));
    });
  }

  #startJob(job: Job): void {
    const world = this.#world;
    const { name } = job.metadata;
    const alive = world.find<Job>(jobs, name);
    if (alive?.metadata.uid !== job.metadata.uid || alive.metadata.deletionTimestamp !== undefined) return;
    const { template } = job.spec as { readonly template: PodTemplate };
    if (job.metadata.labels?.[labels.guard] !== undefined) return this.#startGuard(job, template);
    const ending = this.script.ending?.(stepOf(job), Number(name.split("-").at(-1))) ?? "ok";
    const podName = `${name}-${++this.#pods}`;
    const pod = world.put<Pod>(pods, {
      ...aPod(podName)
        .labelled({ app: "", ...template.metadata.labels, [jobLabel]: name })
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
    if (ending === "pending" || ending === "hangs") return;
    const { jobTakes = 500 } = this.script;
    // The release comes first, as in life.
    const order = template.spec.containers.toSorted(
      (a, b) => Number(b.name === "release") - Number(a.name === "release"),
    );
    order.forEach((container, index) => {
      const task = parseTask(container.env.find((variable) => variable.name === taskVariable)?.value ?? "");
      world.after(jobTakes * (index + 1), () => this.#endContainer(pod, job, task, ending, index + 1 === order.length));
    });
  }

  /** A guard runs until its Job goes, and is armed when the script lets it. */
  #startGuard(job: Job, template: PodTemplate): void {
    const { name } = this.#world.put<Pod>(pods, {
      ...aPod(`${job.metadata.name}-${++this.#pods}`)
        .labelled({ app: "", ...template.metadata.labels, [jobLabel]: job.metadata.name })
        .build(),
      spec: { containers: [{ name: "guard" }] },
      status: { phase: "Running", containerStatuses: [{ name: "guard", state: { running: {} } }] },
    }).metadata;
    const { guardTakes = 200 } = this.script;
    if (guardTakes === Infinity) return;
    this.#world.after(guardTakes, () =>
      this.#world.change<Pod>(pods, name, ({ status }) => ({
        status: { ...status, conditions: [{ type: "Ready", status: "True" }] },
      })),
    );
  }

  #endContainer(pod: Pod, job: Job, task: MoverTask, ending: Ending, last: boolean): void {
    const world = this.#world;
    const { name } = pod.metadata;
    // It was ended, and did nothing more.
    if (world.find<Pod>(pods, name)?.metadata.deletionTimestamp !== undefined || world.find(pods, name) === undefined)
      return;
    const failed = typeof ending === "object" || ending === "silent" || ending === "evicted";
    const text =
      typeof ending === "object"
        ? JSON.stringify({ version: 1, step: task.step, ok: false, message: "no luck", retry: false, ...ending })
        : ending === "foreign"
          ? JSON.stringify({ version: 1, ok: true, step: "swap", databases: 1, volumes: 1 })
          : failed
            ? ""
            : JSON.stringify({ ...succeed(task, this.truth, world.now), ...this.script.reports?.(stepOf(job)) });
    // An exchange that ends badly may have done a part of it.
    if (failed && task.step === "swap" && (typeof ending !== "object" || ending.code === "HO-R804"))
      this.truth.live = "half";
    const exitCode = failed ? 1 : 0;
    this.#setContainers(name, "Running", (one) =>
      one.name === task.step ? { state: { terminated: { exitCode, message: text } } } : {},
    );
    if (task.step === "dump" && !failed) this.truth.captured.add(pod.metadata.uid);
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
