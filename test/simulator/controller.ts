/**
 * The controller in the made-up world: the real observations, decisions and passes, with a queue that is as simple as can be. It
 * wakes for what the operator watches and for the timers that passes ask for, so a pass that nobody wakes is found out here.
 */
import { isTrue } from "../../operator/api/conditions.ts";
import {
  type BackupPolicy,
  type BackupRun,
  type KubeObject,
  type Lease,
  type RestoreRequest,
  jobs,
  leases,
  pods,
  policies,
  restores,
  runs,
} from "../../operator/api/kinds.ts";
import { labels } from "../../operator/api/names.ts";
import type { Cluster } from "../../operator/cluster/client.ts";
import { EventRecorder } from "../../operator/cluster/events.ts";
import { observePolicy, observeRecord, observeRestore, observeRun } from "../../operator/cluster/observe.ts";
import { decidePolicy } from "../../operator/decide/policy.ts";
import { parseRecord } from "../../operator/decide/record.ts";
import { decideRecord } from "../../operator/decide/record-step.ts";
import { decideRestore } from "../../operator/decide/restore.ts";
import { decideRun } from "../../operator/decide/run.ts";
import type { Instant } from "../../operator/domain/instant.ts";
import type { Log } from "../../operator/log.ts";
import { type PassOutcome, carryOut } from "../../operator/runtime/reconcile.ts";
import { namespace, settings } from "../support/builders.ts";
import type { Change, PortOptions, World } from "./world.ts";

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };

export class Controller {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #events: EventRecorder;
  /** Keys with something to do, in the order of the events. */
  readonly dirty = new Set<string>();
  readonly timers = new Map<string, Instant>();

  constructor(world: World, options: PortOptions = {}, listens = true) {
    this.#world = world;
    this.#cluster = world.port(options);
    this.#events = new EventRecorder({
      cluster: { ...world.port(), patch: async () => "gone" },
      instance: "test",
      now: () => world.now,
      monotonic: () => world.now,
      onFailure: silent,
    });
    if (listens) world.onChange.push((change) => this.#woken(change));
    this.restart();
  }

  /** As after a crash: nothing is remembered, everything is listed anew. */
  restart(): void {
    this.timers.clear();
    this.dirty.clear();
    for (const key of this.keys()) this.dirty.add(key);
  }
  keys(): readonly string[] {
    const of = (kind: string, list: readonly KubeObject[]): readonly string[] =>
      list.map(({ metadata }) => `${kind}/${metadata.name}`);
    return [
      ...of("policy", this.#world.all(policies)),
      ...of("run", this.#world.all(runs)),
      ...of("restore", this.#world.all(restores)),
      ...of(
        "record",
        this.#world.all<Lease>(leases).filter(({ metadata }) => metadata.labels?.[labels.record] === "true"),
      ),
    ];
  }

  #woken({ resource, before, after }: Change): void {
    const object = after ?? before;
    if (object === undefined) return;
    const { name } = object.metadata;
    const over = after === undefined || isTrue((object as BackupRun).status?.conditions, "Finished");
    if (resource === policies) this.dirty.add(`policy/${name}`);
    if (resource === runs || resource === restores) {
      this.dirty.add(`${resource === runs ? "run" : "restore"}/${name}`);
      this.dirty.add(`policy/${(object as BackupRun).spec.policyName}`);
      if (over)
        for (const lease of this.#world.all<Lease>(leases))
          if (parseRecord(lease)?.holders.some(({ uid }) => uid === object.metadata.uid))
            this.dirty.add(`record/${lease.metadata.name}`);
      if (over && resource === runs)
        for (const other of this.#world.all(runs)) this.dirty.add(`run/${other.metadata.name}`);
    }
    if (resource === leases) {
      this.dirty.add(`record/${name}`);
      for (const { uid } of parseRecord(object as Lease)?.holders ?? []) this.#wakeOwner(uid);
    }
    if (resource === jobs || resource === pods) this.#wakeOwner(object.metadata.labels?.[labels.owner] ?? "");
  }
  #wakeOwner(uid: string): void {
    for (const run of this.#world.all(runs)) if (run.metadata.uid === uid) this.dirty.add(`run/${run.metadata.name}`);
    for (const restore of this.#world.all(restores))
      if (restore.metadata.uid === uid) this.dirty.add(`restore/${restore.metadata.name}`);
  }

  /** Timers that are due become work. */
  ring(): void {
    for (const [key, when] of this.timers) {
      if (when > this.#world.now) continue;
      this.timers.delete(key);
      this.dirty.add(key);
    }
  }
  get nextTimer(): Instant | undefined {
    return this.timers.size === 0 ? undefined : Math.min(...this.timers.values());
  }

  async pass(key: string): Promise<void> {
    this.dirty.delete(key);
    const { version, writes, events } = this.#world;
    const [tried, told] = [writes.length, events.length];
    const outcome = await this.#reconcile(key);
    // A record that nobody can read is told of at each look; of nothing else is anything said twice.
    const unchanged = this.#world.version === version && writes.length === tried;
    if (unchanged && events.length > told && !key.startsWith("record/"))
      throw new Error(`silence: ${key} says ${events.at(-1)?.reason} although nothing has changed`);
    if (outcome?.wakeAfter === undefined) return;
    const when = this.#world.now + outcome.wakeAfter;
    this.timers.set(key, Math.min(this.timers.get(key) ?? when, when));
  }

  async #reconcile(key: string): Promise<PassOutcome | undefined> {
    const [kind = "", name = ""] = key.split("/");
    const cluster = this.#cluster;
    const context = { cluster, events: this.#events, log };
    const now = (): Instant => this.#world.now;
    if (kind === "policy") {
      const policy = await cluster.get<BackupPolicy>(policies, namespace, name);
      if (policy === undefined) return undefined;
      const seen = await observePolicy(cluster, policy);
      return carryOut(context, policies, policy, decidePolicy(seen, now()));
    }
    if (kind === "run") {
      const run = await cluster.get<BackupRun>(runs, namespace, name);
      if (run === undefined) return undefined;
      const seen = await observeRun(cluster, run, this.#world.all<BackupRun>(runs), settings);
      return carryOut(context, runs, run, decideRun(seen, now()));
    }
    if (kind === "restore") {
      const request = await cluster.get<RestoreRequest>(restores, namespace, name);
      if (request === undefined) return undefined;
      const seen = await observeRestore(cluster, request, settings);
      return carryOut(context, restores, request, decideRestore(seen, now()));
    }
    const lease = await cluster.get<Lease>(leases, namespace, name);
    if (lease === undefined) return undefined;
    const seen = await observeRecord(cluster, lease);
    return carryOut(context, leases, lease, decideRecord(seen, settings, now()));
  }
}
