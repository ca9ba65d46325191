/** One story in the made-up world: an app, a policy, a run or a restore, one or two controllers, and time until nothing moves. */
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
} from "../../operator/api/kinds.ts";
import { isTrue } from "../../operator/api/conditions.ts";
import { labels } from "../../operator/api/names.ts";
import type { Instant } from "../../operator/domain/instant.ts";
import { aClaim, aPolicy, aRestore, aRun, aWorkload } from "../support/builders.ts";
import { Crash, type PortOptions, World, isFinishedJob, recordsOf } from "./world.ts";
import { Controller } from "./controller.ts";
import { Kubelet, type Script } from "./kubelet.ts";
import { Laws } from "./laws.ts";

export interface Story {
  readonly policy?: BackupPolicy;
  readonly workloads?: readonly Workload[];
  readonly run?: BackupRun | undefined;
  readonly restore?: RestoreRequest | undefined;
  readonly script?: Script;
  readonly port?: PortOptions;
  /** false: the story is moved on by controllers of its own. */
  readonly alone?: boolean;
}

const patience = 20_000;
const hour = 3_600_000;

export class Scenario {
  readonly world = new World();
  readonly kubelet: Kubelet;
  readonly laws: Laws;
  readonly controller: Controller;

  constructor(story: Story = {}) {
    const { policy = aPolicy().build(), workloads = [aWorkload().replicas(3).build()] } = story;
    this.kubelet = new Kubelet(this.world, story.script);
    this.laws = new Laws(this.world, this.kubelet.truth);
    for (const workload of workloads) {
      this.laws.replicas.set(workload.metadata.name, workload.spec.replicas ?? 1);
      this.kubelet.run(workload);
    }
    const used = [policy.spec.store.claimName, ...(policy.spec.volumes ?? []).map(({ claimName }) => claimName)];
    for (const name of [...used, ...policy.spec.sinks.map((sink) => sink.claim.claimName)])
      this.world.put(claims, aClaim(name));
    this.world.put(policies, policy);
    if (story.run !== undefined) this.world.put(runs, story.run);
    if (story.restore !== undefined) this.world.put(restores, story.restore);
    this.controller = new Controller(this.world, story.port, story.alone);
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
    return (this.world.find<BackupRun & RestoreRequest>(runs, "shop-1") ?? this.restore).status ?? {};
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
    return this.world.find<Workload>(deployments, name)?.spec.replicas;
  }
  get records(): readonly Lease[] {
    return recordsOf(this.world);
  }
  /** Jobs that still may do something. */
  /** Jobs that were created for steps, in order. */
  get moverJobs(): readonly Job[] {
    return this.world.writes
      .filter(({ verb, plural }) => verb === "create" && plural === jobs.plural)
      .map(({ body }) => body as Job)
      .filter(({ metadata }) => metadata.labels?.[labels.guard] === undefined);
  }
  get activeJobs(): readonly string[] {
    const movers = this.world.all<Job>(jobs).filter(({ metadata }) => metadata.labels?.[labels.guard] === undefined);
    return movers.flatMap((job) => (isFinishedJob(job) ? [] : [job.metadata.name]));
  }
  /** Somebody else sets the replicas, and that value stands from now on. */
  scaleByHand(replicas: number, name = "shop"): void {
    this.laws.replicas.set(name, replicas);
    this.world.scale(name, replicas);
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

  /** One pass, or else one leap in time. @returns false when nothing is left to do before the horizon */
  async #move(horizon: Instant): Promise<boolean> {
    const { world, controller } = this;
    const [key] = controller.dirty;
    if (key !== undefined) {
      try {
        await controller.pass(key);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        controller.restart();
      }
      return true;
    }
    const next = Math.min(world.nextTimer ?? Infinity, controller.nextTimer ?? Infinity);
    if (next > horizon) return false;
    world.advance(next);
    controller.ring();
    return true;
  }
  /** Goes on until it is so. */
  async until(what: () => boolean): Promise<this> {
    for (let moves = 0; !what(); moves++)
      if (moves > patience || !(await this.#move(this.world.now + 24 * hour)))
        throw new Error(`never so; steps: ${JSON.stringify(this.status.steps)}`);
    return this;
  }
  /** Goes on until nothing moves any more, for a day at most. */
  async settle(): Promise<this> {
    const horizon = this.world.now + 24 * hour;
    for (let moves = 0; await this.#move(horizon); moves++)
      if (moves > patience) throw new Error(`it never comes to rest; steps: ${JSON.stringify(this.status.steps)}`);
    return this;
  }
  async passAll(): Promise<void> {
    for (const key of this.controller.keys()) await this.controller.pass(key);
  }
}
