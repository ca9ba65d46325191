/** One story in the made-up world: an app, a policy, a run or a restore, processes of the controller, and time until nothing moves. */
import {
  type BackupPolicy,
  type BackupRun,
  type Job,
  type Lease,
  type RestoreRequest,
  type RestoreStatus,
  type RunStatus,
  type StepRecord,
  type Workload,
  claims,
  deployments,
  jobs,
  policies,
  restores,
  runs,
  statefulSets,
} from "../../operator/api/kinds.ts";
import { isTrue } from "../../operator/api/conditions.ts";
import { labels } from "../../operator/api/names.ts";
import type { Instant } from "../../operator/domain/instant.ts";
import { aClaim, aPolicy, aRestore, aRun, aWorkload } from "../support/builders.ts";
import { Kubelet, type Script } from "./kubelet.ts";
import { Laws } from "./laws.ts";
import { OperatorProcess, type ProcessOptions } from "./process.ts";
import { World, isFinishedJob, recordsOf } from "./world.ts";

export interface Story {
  readonly policy?: BackupPolicy;
  /** More policies, with apps of their own or not. */
  readonly policies?: readonly BackupPolicy[];
  readonly workloads?: readonly Workload[];
  readonly statefulSets?: readonly Workload[];
  readonly run?: BackupRun | undefined;
  readonly runs?: readonly BackupRun[];
  readonly restore?: RestoreRequest | undefined;
  readonly script?: Script;
  /** Generations that lie in the store from the beginning. */
  readonly sealed?: readonly string[];
  /** One for each process of the controller; by default there is one, and nothing befalls it. */
  readonly processes?: readonly ProcessOptions[];
}

const hour = 3_600_000;
/** When nobody has written anything for so long, nothing will happen any more: every back-off is shorter. */
const calm = 660_000;
/** Longer than any hold. */
export const longCalm = 1_800_000;
/** The same for a world that was at rest before. */
const shortCalm = 130_000;

/** Lets everything run that waits for nothing but each other. */
export const turnOfLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Scenario {
  /** Moves of the clock without an end: the story goes in circles. */
  static patience = 30_000;
  readonly world = new World();
  readonly kubelet: Kubelet;
  readonly laws: Laws;
  readonly processes: readonly OperatorProcess[];
  #changedAt: Instant;

  constructor(story: Story = {}) {
    const { policy = aPolicy().build(), workloads = [aWorkload().replicas(3).build()] } = story;
    this.kubelet = new Kubelet(this.world, story.script);
    for (const id of story.sealed ?? []) this.kubelet.truth.sealed.add(id);
    this.laws = new Laws(this.world, this.kubelet.truth);
    const apps = [
      ...workloads.map((workload) => [workload, deployments] as const),
      ...(story.statefulSets ?? []).map((workload) => [workload, statefulSets] as const),
    ];
    for (const [workload, resource] of apps) {
      this.laws.replicas.set(workload.metadata.name, workload.spec.replicas ?? 1);
      this.kubelet.run(workload, resource);
    }
    const all = [policy, ...(story.policies ?? [])];
    for (const { spec } of all) {
      const used = [spec.store.claimName, ...(spec.volumes ?? []).map(({ claimName }) => claimName)];
      for (const name of [...used, ...spec.sinks.map((sink) => sink.claim.claimName)])
        this.world.put(claims, aClaim(name));
    }
    for (const one of all) this.world.put(policies, one);
    for (const run of [...(story.run === undefined ? [] : [story.run]), ...(story.runs ?? [])])
      this.world.put(runs, run);
    if (story.restore !== undefined) this.world.put(restores, story.restore);
    this.#changedAt = this.world.now;
    this.world.onChange.add(() => (this.#changedAt = this.world.now));
    this.processes = (story.processes ?? [{}]).map((options) => new OperatorProcess(this.world, options));
  }
  static run(story: Story = {}): Scenario {
    return new Scenario({ run: aRun().build(), ...story });
  }
  static restore(story: Story = {}): Scenario {
    return new Scenario({ restore: aRestore().build(), ...story });
  }

  get run(): BackupRun {
    return this.world.find<BackupRun>(runs, "shop-1")!;
  }
  get restore(): RestoreRequest {
    return this.world.find<RestoreRequest>(restores, "back")!;
  }
  get status(): RunStatus & RestoreStatus {
    const { world } = this;
    const named = world.find<BackupRun & RestoreRequest>(runs, "shop-1");
    const restore = world.find<BackupRun & RestoreRequest>(restores, "back");
    return (named ?? restore ?? world.all<BackupRun & RestoreRequest>(runs)[0])?.status ?? {};
  }
  step(name: string): StepRecord | undefined {
    return this.status.steps?.find((step) => step.name === name);
  }
  condition(type: string): string | undefined {
    const found = this.status.conditions?.find((condition) => condition.type === type);
    return found === undefined ? undefined : `${found.status} ${found.reason}`;
  }
  get finished(): boolean {
    return isTrue(this.status.conditions, "Finished");
  }
  replicas(name = "shop"): number | undefined {
    return (this.world.find<Workload>(deployments, name) ?? this.world.find<Workload>(statefulSets, name))?.spec
      .replicas;
  }
  get records(): readonly Lease[] {
    return recordsOf(this.world);
  }
  /** Jobs that were created for steps, in order. */
  get moverJobs(): readonly Job[] {
    return this.world.writes
      .filter(({ verb, plural }) => verb === "create" && plural === jobs.plural)
      .map(({ body }) => body as Job)
      .filter(({ metadata }) => metadata.labels?.[labels.guard] === undefined);
  }
  /** Jobs that still may do something. */
  get activeJobs(): readonly string[] {
    const movers = this.world.all<Job>(jobs).filter(({ metadata }) => metadata.labels?.[labels.guard] === undefined);
    return movers.flatMap((job) => (isFinishedJob(job) ? [] : [job.metadata.name]));
  }
  /** Somebody else sets the replicas, and that value stands from now on. */
  scaleByHand(replicas: number, name = "shop"): void {
    this.laws.replicas.set(name, replicas);
    this.world.scale(name, replicas, this.world.find(deployments, name) === undefined ? statefulSets : deployments);
  }
  meta(change: Partial<BackupRun["metadata"]>): void {
    const [resource, name] = this.world.find(runs, "shop-1") === undefined ? [restores, "back"] : [runs, "shop-1"];
    this.world.meta(resource, name, change);
  }
  cancel(): void {
    this.meta({ annotations: { "backup.handover.dev/cancel": "true" } });
  }
  delete(): void {
    if (this.world.find(runs, "shop-1") === undefined) this.world.delete(restores, "back");
    else this.world.delete(runs, "shop-1");
  }

  /** What happens at this moment, then one leap in time. @returns false when nothing is left to do before the horizon */
  async move(horizon: Instant): Promise<boolean> {
    await turnOfLoop();
    const { world, laws, kubelet } = this;
    if (kubelet.working.size > 0) await Promise.all(kubelet.working);
    laws.look();
    for (const process of this.processes) {
      if (process.accidents.length > 0) throw new Error("a pass threw", { cause: process.accidents[0] });
      if (process.strayed.length > 0) throw new Error(`X1 a request left the namespace: ${process.strayed[0]}`);
    }
    const next = world.nextTimer;
    if (next === undefined || next > horizon) return false;
    world.advance(next);
    return true;
  }
  /** Goes on until it is so. */
  async until(what: () => boolean): Promise<this> {
    for (let moves = 0; !what(); moves++)
      if (moves > Scenario.patience || !(await this.move(this.world.now + 24 * hour)))
        throw new Error(`never so; steps: ${JSON.stringify(this.status.steps)}`);
    return this;
  }
  /** Does it at the very change with which it becomes so, before anybody else can do anything. */
  once(what: () => boolean, act: () => void): void {
    const listener = (): void => {
      if (!what()) return;
      this.world.onChange.delete(listener);
      act();
    };
    this.world.onChange.add(listener);
  }
  /** When it can be said that nothing will happen any more. */
  get horizon(): Instant {
    return this.#changedAt + calm;
  }
  /** Goes on until nothing moves any more. @param silence how long nobody may write before that is believed. */
  async settle(silence = calm): Promise<this> {
    this.#changedAt = this.world.now;
    for (let moves = 0; await this.move(this.#changedAt + silence); moves++)
      if (moves > Scenario.patience)
        throw new Error(`it never comes to rest; steps: ${JSON.stringify(this.status.steps)}`);
    return this;
  }
  /** Another look at everything, by processes that remember nothing. */
  async lookAgain(): Promise<void> {
    for (const process of this.processes) process.restart();
    const until = this.world.now + shortCalm;
    while (await this.move(until));
  }
}
