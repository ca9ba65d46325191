/**
 * What has to be true after every single write, whoever made it, and whenever time has passed. A law that is broken is kept with the
 * words of the one it is, and ends the story at its next move: thrown inside a pass, it would be taken for a fault of the cluster.
 */
import {
  type BackupPolicy,
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
  statefulSets,
} from "../../operator/api/kinds.ts";
import { annotations, labels, recordName } from "../../operator/api/names.ts";
import { pageOf } from "../../operator/decide/adoption.ts";
import { isArmed, isGuardOf } from "../../operator/decide/guard.ts";
import { isTerminated } from "../../operator/decide/job-state.ts";
import { type QuiesceRecord, parseRecord } from "../../operator/decide/record.ts";
import { breachOf } from "./job-rules.ts";
import type { Truth } from "./movers.ts";
import { type AnyStatus, findBrokenRule } from "./status-rules.ts";
import { Stopwatch } from "./stopwatch.ts";
import type { Change, World, Write } from "./world.ts";

export class LawBroken extends Error {}

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
  readonly times: Stopwatch;
  readonly #world: World;
  readonly #truth: Truth;
  /** Processes of the app whose pods were taken away by force: whether they still write, nobody knows. */
  readonly #unseen = new Set<string>();
  /** Uids of pods in whose frozen window a process of the app ran. */
  readonly #disturbed = new Set<string>();
  readonly #slots = new Set<string>();
  #broken: string | undefined;
  /** Looks since the story began, at writes and at changes. */
  checks = 0;
  /** Whether a person has asked for the app although an exchange is half done. */
  mayStartHalf = false;
  /** Whether a person deletes a record. */
  mayForget = false;

  constructor(world: World, truth: Truth) {
    this.#world = world;
    this.#truth = truth;
    this.times = new Stopwatch(world, this);
    world.beforeWrite.push((write) => this.#judgeWrite(write));
    world.onChange.add((change) => this.#judgeChange(change));
  }
  /** @throws when a law was broken since the last look. */
  look(): void {
    this.times.look();
    if (this.#broken !== undefined) throw new LawBroken(this.#broken);
  }
  break(law: string, detail: string): void {
    this.#broken ??= `${law}: ${detail}`;
  }
  workload(name: string): Workload | undefined {
    return this.#world.find<Workload>(deployments, name) ?? this.#world.find<Workload>(statefulSets, name);
  }
  record(workload: Workload | undefined): QuiesceRecord | undefined {
    const lease = this.#world.find<Lease>(leases, recordName(workload?.metadata.uid ?? ""));
    return lease === undefined ? undefined : parseRecord(lease);
  }
  hasSpoiledRecord(workload: Workload): boolean {
    return (
      this.record(workload) === undefined && this.#world.find(leases, recordName(workload.metadata.uid)) !== undefined
    );
  }
  /** Whether the app is kept down because it would start on a mixture of old and new. */
  get isHalf(): boolean {
    return this.#truth.live === "half";
  }

  /** Whether an exchange has begun: inside of one no clock counts. */
  get wasExchanged(): boolean {
    return this.#truth.live !== "old";
  }

  #judgeWrite(write: Write): void {
    this.checks++;
    const { verb, plural, name, body } = write;
    if (verb === "scale") this.#judgeScale(name, body as number);
    if (verb === "create" && plural === jobs.plural) this.#judgeJob(body as Job);
    if (verb === "create" && plural === runs.plural) this.#judgeSlot(body as BackupRun);
    if (verb === "create" && plural === runs.plural) this.#judgeAdopted(body as BackupRun);
    const own = [runs, restores, policies].find((resource) => resource.plural === plural);
    const generation = own === undefined ? 1 : this.#world.find(own, name)?.metadata.generation;
    const rule = verb === "status" ? findBrokenRule(body as AnyStatus, generation) : undefined;
    if (rule !== undefined) this.break(`S29 ${rule}`, JSON.stringify(body));
    if (verb === "status" && plural === runs.plural) this.#judgeCopies(body as NonNullable<BackupRun["status"]>);
  }

  #judgeScale(name: string, replicas: number): void {
    const workload = this.workload(name);
    const record = this.record(workload);
    // Somebody has deleted it between the look and the write: giving back is right all the same.
    if (record === undefined && this.mayForget && replicas === this.replicas.get(name)) return;
    if (record === undefined) return this.break("S1 nothing is scaled without a record", name);
    if (replicas === 0 ? record.holders.length === 0 : replicas !== record.original || record.holders.length > 0)
      this.break("S3 zero while held, the original when not", `${name} to ${replicas}`);
    if (replicas !== 0) return;
    const lease = this.#world.find<Lease>(leases, recordName(workload?.metadata.uid ?? ""));
    const armed = this.#world
      .all<Pod>(pods)
      .some((pod) => lease !== undefined && isGuardOf(pod, lease) && isArmed(pod));
    if (!armed) this.break("nothing is stopped before its guard is armed", name);
    if (workload?.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === "Delete")
      this.break("S8 nothing is stopped that would lose its claims", name);
    if (workload?.metadata.ownerReferences?.some(({ controller }) => controller === true) === true)
      this.break("S8 nothing is stopped that another controller owns", name);
    if (workload?.metadata.deletionTimestamp !== undefined) this.break("S8 nothing is stopped that is going", name);
  }

  /** What is done is on record before it is done, and is never done again. */
  #judgeJob(job: Job): void {
    const { name } = job.metadata;
    const breach = breachOf(job);
    if (breach !== undefined) this.break(breach, name);
    const guarded = job.metadata.labels?.[labels.guard];
    if (guarded !== undefined) {
      if (!this.mayForget && !this.#world.all<Lease>(leases).some(({ metadata }) => metadata.uid === guarded))
        this.break("a guard belongs to a record", name);
      return;
    }
    const owners = [...this.#world.all<BackupRun>(runs), ...this.#world.all<RestoreRequest>(restores)];
    const owner = owners.find(({ metadata }) => metadata.uid === ownerOf(job)) as BackupRun | undefined;
    const adopting = this.#world.all<BackupPolicy>(policies).find(({ metadata }) => metadata.uid === ownerOf(job));
    const steps = owner?.status?.steps ?? [adopting?.status?.adoption?.step].filter((one) => one !== undefined);
    const step = steps.find((one) => one.job === name);
    if (step?.state !== "Running")
      this.break("L3 a Job is created only while its attempt is on record", `${name} is ${step?.state}`);
    const kind = stepOf(job);
    const appRuns = this.#world.all<Pod>(pods).some(isAppPod) || this.#unseen.size > 0;
    if (kind === "capture" && this.#frozenJob(job) && appRuns)
      this.break("S9 nothing is captured while a process of the app runs", name);
    if (kind === "seal" && this.#disturbed.has(owner?.status?.capturePodUID ?? ""))
      this.break("S10 what was captured beside the running app is never sealed", name);
    if (kind === "swap" && this.#sharesHold(ownerOf(job)))
      this.break("S26 an exchange shares the app with nobody", name);
    const rival = this.#world
      .all<Pod>(pods)
      .find((pod) => ownerOf(pod) === ownerOf(job) && stepOf(pod) === stepOf(job) && !isTerminated(pod));
    if (rival !== undefined)
      this.break("S13 an attempt starts when the one before has ended", `${name} beside ${rival.metadata.name}`);
  }
  #frozenJob(job: Job): boolean {
    const { template } = job.spec as { readonly template: { readonly spec: Pod["spec"] } };
    return template.spec.containers.some(({ name }) => name === "release");
  }
  #sharesHold(owner: string): boolean {
    return this.#world.all<Lease>(leases).some((lease) => {
      const holders = parseRecord(lease)?.holders ?? [];
      return holders.length > 1 && holders.some(({ uid }) => uid === owner);
    });
  }

  /** A run is made of a generation only while the listing that has it is on record. */
  #judgeAdopted({ metadata, spec }: BackupRun): void {
    const from = metadata.annotations?.[annotations.adopted];
    if (from === undefined) return;
    const adoption = this.#world.find<BackupPolicy>(policies, spec.policyName)?.status?.adoption;
    if (!pageOf(adoption).some(({ id }) => `${adoption?.location}/${id}` === from.split("/").slice(0, 2).join("/")))
      this.break("L3 a run is made of a generation only while its listing is on record", from);
  }

  #judgeSlot({ spec: { policyName, scheduleName, scheduledFor } }: BackupRun): void {
    if (scheduledFor === undefined) return;
    const slot = `${policyName} ${scheduleName} ${scheduledFor}`;
    if (this.#slots.has(slot)) this.break("S32 a slot is one run", slot);
    this.#slots.add(slot);
  }

  #judgeCopies(status: NonNullable<BackupRun["status"]>): void {
    const id = status.generation?.id ?? "";
    const { parent = "" } = status.generation ?? {};
    if (id !== "" && (this.#truth.parents.get(id) ?? "") !== parent)
      this.break("S13 a generation is based on what its run says", `${id} on ${parent}`);
    for (const { location, state } of status.copies ?? []) {
      const known = location === "source" ? this.#truth.sealed : this.#truth.sinks.get(location)?.verified;
      if (state === "Verified" && known?.has(id) !== true) this.break("S16 verified is what was read again", location);
    }
  }

  #judgeChange({ resource, before, after }: Change): void {
    this.checks++;
    if (resource === leases && before !== undefined) this.#judgeRecord(before as Lease, after as Lease | undefined);
    if ((resource === deployments || resource === statefulSets) && after !== undefined) {
      const { name } = after.metadata;
      const zero = (after as Workload).spec.replicas === 0 && this.replicas.get(name) !== 0;
      const original = this.record(after as Workload)?.original;
      if (zero && original !== this.replicas.get(name))
        this.break("S1 at zero only with a record of the right original", `${name}: ${original}`);
    }
    if (resource === pods) {
      const all = this.#world.all<Pod>(pods);
      if (after === undefined && isAppPod(before as Pod)) this.#unseen.add(before!.metadata.uid);
      if (all.some(isAppPod) || this.#unseen.size > 0)
        for (const pod of all.filter(isFrozen)) this.#disturbed.add(pod.metadata.uid);
      if (before === undefined && isAppPod(after as Pod) && this.#truth.live === "half" && !this.mayStartHalf)
        this.break("S23 the app never starts on a mixture of old and new", after?.metadata.name ?? "");
    }
    if (this.#truth.hasty) this.break("S20 nothing is removed whose plan is not on record", "");
    if (this.#truth.lost) this.break("S22 no part of an exchange is removed before the exchange is complete", "");
  }
  #judgeRecord(before: Lease, after: Lease | undefined): void {
    const old = parseRecord(before);
    if (old === undefined) return;
    if (after !== undefined) {
      const changed = parseRecord(after);
      if (changed !== undefined && changed.original !== old.original)
        this.break("S2 the original never changes", `${old.original} to ${changed.original}`);
      return;
    }
    const workload = this.workload(old.target.name);
    if (workload?.metadata.uid === old.target.uid && workload.spec.replicas === 0 && !this.mayForget)
      this.break("S6 a record goes after the replicas are back", old.target.name);
  }
}
