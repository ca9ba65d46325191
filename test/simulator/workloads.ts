/** The controllers of Deployments and StatefulSets in the simulated cluster, and the kubelet as far as their pods go. */
import { type Pod, type Resource, type Workload, deployments, pods, statefulSets } from "../../operator/api/kinds.ts";
import { aPod } from "../support/builders.ts";
import type { World } from "./world.ts";

export interface WorkloadTimes {
  /** Until the processes of a pod that is deleted have ended; Infinity: never. */
  readonly stopTakes?: number;
  /** Until a new pod is ready; Infinity: never. */
  readonly startTakes?: number;
}
type Statuses = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>;

export function setContainers(
  world: World,
  name: string,
  phase: string,
  edit: (status: Statuses[number]) => object,
): void {
  world.change<Pod>(pods, name, ({ status }) => ({
    status: {
      ...status,
      phase,
      containerStatuses: (status?.containerStatuses ?? []).map((one) => ({ ...one, ...edit(one) })),
    },
  }));
}

/** As when a pod is deleted: its processes end, then the object goes. */
export function endPod(world: World, name: string, stopTakes = 300): void {
  if (world.find(pods, name) === undefined) return;
  world.meta(pods, name, { deletionTimestamp: world.stamp() });
  if (stopTakes === Infinity) return;
  world.after(stopTakes, () => {
    setContainers(world, name, "Running", (one) => ({
      ready: false,
      state: one.state?.terminated === undefined ? { terminated: { exitCode: 143 } } : one.state,
    }));
    world.after(100, () => world.delete(pods, name));
  });
}

/** From now on the pods of every workload follow its replicas. */
export const controlWorkloads = (world: World, times: () => WorkloadTimes): WorkloadControllers =>
  new WorkloadControllers(world, times);

class WorkloadControllers {
  readonly #world: World;
  readonly #times: () => WorkloadTimes;
  #pods = 0;
  #uids = 0;

  constructor(world: World, times: () => WorkloadTimes) {
    this.#world = world;
    this.#times = times;
    world.onChange.add(({ resource, before, after }) => {
      if (resource !== deployments && resource !== statefulSets) return;
      const name = (after ?? before)?.metadata.name ?? "";
      if (after === undefined)
        for (const pod of this.#podsOf(name)) endPod(world, pod.metadata.name, times().stopTakes);
      else if (before?.metadata.generation !== after.metadata.generation)
        world.after(20, () => this.#sync(resource, name));
    });
  }

  #podsOf(workload: string): readonly Pod[] {
    return this.#world
      .all<Pod>(pods)
      .filter((pod) => pod.metadata.labels?.["app"] === workload && pod.metadata.deletionTimestamp === undefined);
  }

  #sync(resource: Resource, name: string): void {
    const world = this.#world;
    const workload = world.find<Workload>(resource, name);
    if (workload === undefined) return;
    const wanted = workload.spec.replicas ?? 1;
    const own = this.#podsOf(name);
    const { stopTakes, startTakes = 300 } = this.#times();
    for (const pod of own.slice(wanted)) endPod(world, pod.metadata.name, stopTakes);
    const free = resource === statefulSets ? this.#freeOrdinals(name, wanted, own) : undefined;
    for (let missing = wanted - own.length; missing > 0; missing--) {
      const podName = free === undefined ? `${name}-pod-${++this.#pods}` : free.shift();
      // An ordinal is free only when its last pod is gone.
      if (podName === undefined) {
        world.after(50, () => this.#sync(resource, name));
        break;
      }
      world.put(
        pods,
        aPod(podName)
          .meta({ uid: `${podName}-${++this.#uids}` })
          .labelled({ app: name })
          .mounting(`${name}-uploads`)
          .build(),
      );
      if (startTakes !== Infinity)
        world.after(startTakes, () => {
          setContainers(world, podName, "Running", (one) => ({ ...one, ready: true }));
          this.#count(resource, name);
        });
    }
    this.#count(resource, name);
  }
  #freeOrdinals(name: string, wanted: number, own: readonly Pod[]): string[] {
    const names = Array.from({ length: wanted }, (_, ordinal) => `${name}-${ordinal}`);
    return names.filter(
      (one) => !own.some((pod) => pod.metadata.name === one) && this.#world.find(pods, one) === undefined,
    );
  }
  #count(resource: Resource, name: string): void {
    const own = this.#podsOf(name);
    const readyReplicas = own.filter((pod) =>
      pod.status?.containerStatuses?.every(({ ready }) => ready === true),
    ).length;
    this.#world.change<Workload>(resource, name, ({ metadata, spec }) => ({
      status: {
        observedGeneration: metadata.generation ?? 1,
        replicas: own.length,
        readyReplicas,
        updatedReplicas: Math.min(own.length, spec.replicas ?? 1),
      },
    }));
  }
}
