/** What has to be true after every single write, whoever made it. Each law throws, with the words of the one it is. */
import {
  type BackupRun,
  type Job,
  type Lease,
  type Pod,
  type RestoreRequest,
  type Workload,
  deployments,
  jobs,
  leases,
  pods,
  policies,
  restores,
  runs,
} from "../../operator/api/kinds.ts";
import { labels, recordName } from "../../operator/api/names.ts";
import { isArmed, isGuardOf } from "../../operator/decide/guard.ts";
import { isTerminated } from "../../operator/decide/job-state.ts";
import { type QuiesceRecord, parseRecord } from "../../operator/decide/record.ts";
import type { Change, World, Write } from "./world.ts";
import type { Truth } from "./movers.ts";
import { type AnyStatus, findBrokenRule } from "./status-rules.ts";

export class LawBroken extends Error {}
const broken = (law: string, detail: string): never => {
  throw new LawBroken(`${law}: ${detail}`);
};

const stepOf = (object: Job | Pod): string => object.metadata.labels?.[labels.step] ?? "";
const ownerOf = (object: Job | Pod): string => object.metadata.labels?.[labels.owner] ?? "";
const isAppPod = (pod: Pod): boolean => (pod.metadata.labels?.["app"] ?? "") !== "" && !isTerminated(pod);
const isFrozen = (pod: Pod): boolean =>
  stepOf(pod) === "capture" &&
  pod.status?.containerStatuses?.some(({ name, state }) => name === "release" && state?.terminated === undefined) ===
    true;

export class Laws {
  /** Replicas that belong to each workload: what it had, or what somebody else has set since. */
  readonly replicas = new Map<string, number>();
  readonly #world: World;
  readonly #truth: Truth;
  /** Owners in whose frozen window a process of the app ran. */
  readonly #disturbed = new Set<string>();
  /** Whether a person has asked for the app although an exchange is half done. */
  mayStartHalf = false;
  /** Whether a person deletes a record. */
  mayForget = false;

  constructor(world: World, truth: Truth) {
    this.#world = world;
    this.#truth = truth;
    world.beforeWrite.push((write) => this.#judgeWrite(write));
    world.onChange.push((change) => this.#judgeChange(change));
  }

  #record(workload: Workload | undefined): QuiesceRecord | undefined {
    const lease = this.#world.find<Lease>(leases, recordName(workload?.metadata.uid ?? ""));
    return lease === undefined ? undefined : parseRecord(lease);
  }

  #judgeWrite(write: Write): void {
    const { verb, plural, name, body } = write;
    if (verb === "scale") this.#judgeScale(name, body as number);
    if (verb === "create" && plural === jobs.plural) this.#judgeJob(body as Job);
    const own = [runs, restores, policies].find((resource) => resource.plural === plural);
    const generation = own === undefined ? 1 : this.#world.find(own, name)?.metadata.generation;
    const rule = verb === "status" ? findBrokenRule(body as AnyStatus, generation) : undefined;
    if (rule !== undefined) broken(rule, JSON.stringify(body));
    if (verb === "status" && plural === runs.plural) this.#judgeCopies(body as NonNullable<BackupRun["status"]>);
  }

  #judgeScale(name: string, replicas: number): void {
    const workload = this.#world.find<Workload>(deployments, name);
    const record = this.#record(workload);
    if (record === undefined) return broken("S1 nothing is scaled without a record", name);
    if (replicas === 0 ? record.holders.length === 0 : replicas !== record.original || record.holders.length > 0)
      broken("S3 zero while held, the original when not", `${name} to ${replicas}`);
    const lease = this.#world.find<Lease>(leases, recordName(workload?.metadata.uid ?? ""));
    const armed = this.#world
      .all<Pod>(pods)
      .some((pod) => lease !== undefined && isGuardOf(pod, lease) && isArmed(pod));
    if (replicas === 0 && !armed) broken("nothing is stopped before its guard is armed", name);
  }

  /** What is done is on record before it is done, and is never done again. */
  #judgeJob(job: Job): void {
    const { name } = job.metadata;
    const guarded = job.metadata.labels?.[labels.guard];
    if (guarded !== undefined) {
      if (!this.#world.all<Lease>(leases).some(({ metadata }) => metadata.uid === guarded))
        broken("a guard belongs to a record", name);
      return;
    }
    const owners = [...this.#world.all<BackupRun>(runs), ...this.#world.all<RestoreRequest>(restores)];
    const owner = owners.find(({ metadata }) => metadata.uid === ownerOf(job));
    const step = owner?.status?.steps?.find((one) => one.job === name);
    if (step?.state !== "Running")
      broken("a Job is created only while its attempt is on record", `${name} is ${step?.state}`);
    if (stepOf(job) === "capture" && this.#frozenJob(job) && this.#world.all<Pod>(pods).some(isAppPod))
      broken("S9 nothing is captured while a process of the app runs", name);
    if (stepOf(job) === "seal" && this.#disturbed.has(ownerOf(job)))
      broken("S10 what was captured beside the running app is never sealed", name);
    const rival = this.#world
      .all<Pod>(pods)
      .find((pod) => ownerOf(pod) === ownerOf(job) && stepOf(pod) === stepOf(job) && !isTerminated(pod));
    if (rival !== undefined)
      broken("S13 an attempt starts when the one before has ended", `${name} beside ${rival.metadata.name}`);
  }
  #frozenJob(job: Job): boolean {
    const { template } = job.spec as { readonly template: { readonly spec: Pod["spec"] } };
    return template.spec.containers.some(({ name }) => name === "release");
  }

  #judgeCopies(status: NonNullable<BackupRun["status"]>): void {
    const id = status.generation?.id ?? "";
    for (const { location, state } of status.copies ?? []) {
      const known = location === "source" ? this.#truth.sealed : this.#truth.sinks.get(location)?.verified;
      if (state === "Verified" && known?.has(id) !== true) broken("S16 verified is what was read again", location);
    }
  }

  #judgeChange({ resource, before, after }: Change): void {
    if (resource === leases && before !== undefined) this.#judgeRecord(before as Lease, after as Lease | undefined);
    if (resource === deployments && after !== undefined) {
      const { name } = after.metadata;
      const zero = (after as Workload).spec.replicas === 0 && this.replicas.get(name) !== 0;
      const original = this.#record(after as Workload)?.original;
      if (zero && original !== this.replicas.get(name))
        broken("S1 at zero only with a record of the right original", `${name}: ${original}`);
    }
    if (resource === pods) {
      const all = this.#world.all<Pod>(pods);
      if (all.some(isAppPod)) for (const pod of all.filter(isFrozen)) this.#disturbed.add(ownerOf(pod));
      if (before === undefined && isAppPod(after as Pod) && this.#truth.live === "half" && !this.mayStartHalf)
        broken("S23 the app never starts on a mixture of old and new", after?.metadata.name ?? "");
    }
    if (this.#truth.lost) broken("S22 no part of an exchange is removed before the exchange is complete", "");
  }
  #judgeRecord(before: Lease, after: Lease | undefined): void {
    const old = parseRecord(before);
    if (old === undefined) return;
    if (after !== undefined) {
      const changed = parseRecord(after);
      if (changed !== undefined && changed.original !== old.original)
        broken("S2 the original never changes", `${old.original} to ${changed.original}`);
      return;
    }
    const workload = this.#world.find<Workload>(deployments, old.target.name);
    if (workload?.metadata.uid === old.target.uid && workload.spec.replicas === 0 && !this.mayForget)
      broken("S6 a record goes after the replicas are back", old.target.name);
  }
}
