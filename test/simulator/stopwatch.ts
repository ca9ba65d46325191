/** How long apps are down, and how soon what is due is begun: the laws in which time counts. */
import {
  type BackupPolicy,
  type Lease,
  type Pod,
  type PolicySpec,
  deployments,
  leases,
  pods,
  policies,
  statefulSets,
} from "../../operator/api/kinds.ts";
import { labels } from "../../operator/api/names.ts";
import { isExchanging, parseRecord } from "../../operator/decide/record.ts";
import type { Instant } from "../../operator/domain/instant.ts";
import { parseDuration } from "../../operator/domain/quantities.ts";
import type { Laws } from "./laws.ts";
import type { World } from "./world.ts";

/** L1: within the budget and two minutes, whoever is dead. */
const beyondBudget = 120_000;

export class Stopwatch {
  readonly #world: World;
  readonly #laws: Laws;
  /** Workloads that we have brought to zero, since when. */
  readonly #downSince = new Map<string, Instant>();
  /** Uids of all that have held the workload since then. */
  readonly #holders = new Map<string, Set<string>>();
  /** Since when the owner has what it wanted of the frozen app. */
  readonly #releasedAt = new Map<string, Instant>();
  /** The longest of any policy that there ever was: a run goes on with the policy that it has accepted. */
  #budget = 0;
  /** The longest from the moment in which the last holder had what it wanted to the write that gives back; milliseconds. */
  slowestGiveBack = 0;

  constructor(world: World, laws: Laws) {
    this.#world = world;
    this.#laws = laws;
    world.onChange.add(({ resource, after }) => {
      if (resource === deployments || resource === statefulSets) this.#workloadChanged(after?.metadata.name ?? "");
      if (resource === pods && after !== undefined) this.#podChanged(after as Pod);
      if (resource === policies && after !== undefined)
        this.#budget = Math.max(this.#budget, budgetOf((after as BackupPolicy).spec));
      if (resource === leases && after !== undefined) this.#recordChanged(after as Lease);
    });
  }
  #workloadChanged(name: string): void {
    const workload = this.#laws.workload(name);
    const down = workload?.spec.replicas === 0 && this.#laws.replicas.get(name) !== 0;
    const since = this.#downSince.get(name);
    if (down && since === undefined) this.#downSince.set(name, this.#world.now);
    if (down || since === undefined) return;
    this.#judge(name, since);
    const released = [...(this.#holders.get(name) ?? [])].map((holder) => this.#releasedAt.get(holder) ?? Infinity);
    if (released.length > 0)
      this.slowestGiveBack = Math.max(this.slowestGiveBack, this.#world.now - Math.max(since, ...released));
    this.#downSince.delete(name);
    this.#holders.delete(name);
  }
  #podChanged(pod: Pod): void {
    const owner = pod.metadata.labels?.[labels.owner];
    const release = pod.status?.containerStatuses?.find(({ name }) => name === "release");
    if (owner !== undefined && release?.state?.terminated?.exitCode === 0 && !this.#releasedAt.has(owner))
      this.#releasedAt.set(owner, this.#world.now);
  }
  #recordChanged(lease: Lease): void {
    const record = parseRecord(lease);
    if (record === undefined) return;
    const known = this.#holders.get(record.target.name) ?? new Set();
    for (const { uid } of record.holders) known.add(uid);
    this.#holders.set(record.target.name, known);
  }

  look(): void {
    if (this.#laws.isHalf || this.#downSince.size === 0) return;
    for (const [name, since] of this.#downSince) {
      const workload = this.#laws.workload(name);
      // A record that nobody can read is a matter for people.
      if (workload === undefined || this.#laws.hasSpoiledRecord(workload)) continue;
      const record = this.#laws.record(workload);
      if (record === undefined || !isExchanging(record)) this.#judge(name, since);
    }
  }
  #judge(name: string, since: Instant): void {
    // Each holder has a budget of its own.
    const allowed = this.#budget * Math.max(1, this.#holders.get(name)?.size ?? 1) + beyondBudget;
    const down = this.#world.now - since;
    if (down > allowed && !this.#laws.wasExchanged)
      this.#laws.break("L1 every app is back within its budget and two minutes", `${name} was down for ${down} ms`);
  }
}

const budgetOf = ({ app }: PolicySpec): number => parseDuration(app.maxDowntime) ?? 0;
