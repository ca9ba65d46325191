/**
 * A cluster in memory, as far as anybody can tell it from a real one: objects with resourceVersion and generation, finalizers,
 * owners, a history for watches. Time stands still until `advance`. What kubelet and controllers of Kubernetes do in it is in
 * kubelet.ts; the ways of our own processes into it are port.ts and watching.ts.
 */
import type { Job, KubeObject, Lease, Metadata, Resource, Workload } from "../../operator/api/kinds.ts";
import {
  autoscalers,
  claims,
  deployments,
  jobs,
  leases,
  pods,
  policies,
  restores,
  runs,
  statefulSets,
} from "../../operator/api/kinds.ts";
import { labels } from "../../operator/api/names.ts";
import type { Instant } from "../../operator/domain/instant.ts";
import { at, namespace } from "../support/builders.ts";
import { Timers } from "./timers.ts";

/** What a write of one of our processes was, for messages and for the oracles. */
export interface Write {
  readonly verb: "create" | "update" | "status" | "patch" | "scale" | "remove";
  readonly plural: string;
  readonly name: string;
  readonly body?: unknown;
}
export interface Change {
  readonly resource: Resource;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
  readonly version: number;
}

const known: readonly Resource[] = [
  policies,
  runs,
  restores,
  jobs,
  pods,
  claims,
  leases,
  deployments,
  statefulSets,
  autoscalers,
];
/** So many changes are kept for watches that continue; older ones have been compacted away. */
const historyLength = 1_000;

export interface WorldOptions {
  /** Milliseconds from the end of an owner to that of what it owns. */
  readonly collectsAfter?: number;
  /** Equal objects have equal versions, whatever has happened before: for searches that come to the same state on many ways. */
  readonly versionOf?: (object: KubeObject) => string;
}
/** All objects as they were at a moment. */
export interface Snapshot {
  readonly now: Instant;
  readonly objects: ReadonlyMap<string, ReadonlyMap<string, KubeObject>>;
  readonly incarnations: ReadonlyMap<string, number>;
}

export class World {
  readonly timers = new Timers(at("01:00"));
  /** Grows with every write that changes something. */
  version = 0;
  /** Writes of our processes, oldest first. */
  readonly writes: Write[] = [];
  readonly onChange = new Set<(change: Change) => void>();
  /** Called with a write of one of our processes that is going to change something. */
  readonly beforeWrite: ((write: Write) => void)[] = [];
  readonly events: { readonly type: string; readonly reason: string; readonly message: string }[] = [];
  #history: Change[] = [];
  #objects = new Map<string, Map<string, KubeObject>>();
  #incarnations = new Map<string, number>();
  readonly #options: WorldOptions;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
  }
  snapshot(): Snapshot {
    const objects = new Map([...this.#objects].map(([plural, of]) => [plural, new Map(of)]));
    return { now: this.now, objects, incarnations: new Map(this.#incarnations) };
  }
  /** Nobody is told: who looks at the world next looks at another one. */
  reset({ now, objects, incarnations }: Snapshot): void {
    this.timers.now = now;
    this.#objects = new Map([...objects].map(([plural, of]) => [plural, new Map(of)]));
    this.#incarnations = new Map(incarnations);
  }

  get now(): Instant {
    return this.timers.now;
  }
  /** Whole seconds, as the API server writes them. */
  stamp(): string {
    return `${new Date(this.now).toISOString().slice(0, 19)}Z`;
  }
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- where JSON becomes a type
  find<T extends KubeObject>(resource: Resource, name: string): T | undefined {
    return this.findBy(resource.plural, name) as T | undefined;
  }
  findBy(plural: string, name: string): KubeObject | undefined {
    return this.#of(plural).get(name);
  }
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- where JSON becomes a type
  all<T extends KubeObject>(resource: Resource): readonly T[] {
    const list = [...this.#of(resource.plural).values()] as T[];
    return list.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }
  #of(plural: string): Map<string, KubeObject> {
    const found = this.#objects.get(plural) ?? new Map<string, KubeObject>();
    this.#objects.set(plural, found);
    return found;
  }
  /** Changes after the version, oldest first; undefined when they are no longer known. */
  since(version: number): readonly Change[] | undefined {
    const oldest = this.#history[0]?.version ?? this.version + 1;
    return version < oldest - 1 ? undefined : this.#history.filter((change) => change.version > version);
  }
  /** As etcd does: watches that were not quick enough have to list again. */
  compact(): void {
    this.#history = [];
  }

  after(milliseconds: number, run: () => void): void {
    this.timers.after(milliseconds, run);
  }
  get nextTimer(): Instant | undefined {
    return this.timers.next;
  }
  /** Moves the clock, and lets everything happen that is due until then. */
  advance(to: Instant): void {
    this.timers.advance(to);
  }

  /** Puts an object as anybody but a process of ours does. @returns it as stored */
  put<T extends KubeObject>(resource: Resource, object: T): T {
    const { name } = object.metadata;
    const before = this.find<T>(resource, name);
    const changed = before?.spec !== object.spec && JSON.stringify(before?.spec) !== JSON.stringify(object.spec);
    const old = before?.metadata;
    const metadata: Metadata = {
      ...object.metadata,
      namespace,
      uid: old?.uid ?? object.metadata.uid ?? this.#newUID(resource, name),
      generation: (old?.generation ?? 0) + (changed ? 1 : 0),
      creationTimestamp: old?.creationTimestamp ?? this.stamp(),
      resourceVersion: String(this.version + 1),
    };
    const after = { ...object, metadata };
    const { versionOf } = this.#options;
    if (versionOf !== undefined) after.metadata = { ...metadata, resourceVersion: versionOf(after) };
    this.#of(resource.plural).set(name, after);
    this.#tell({ resource, before, after, version: ++this.version });
    return after;
  }
  /** The same for the same history of this one name, whatever else has happened in between. */
  #newUID({ plural }: Resource, name: string): string {
    const key = `${plural}-${name}`;
    const count = (this.#incarnations.get(key) ?? 0) + 1;
    this.#incarnations.set(key, count);
    return `${key}-${count}`;
  }
  change<T extends KubeObject>(resource: Resource, name: string, edit: (object: T) => Partial<T>): void {
    const object = this.find<T>(resource, name);
    if (object !== undefined) this.put(resource, { ...object, ...edit(object) });
  }
  meta(resource: Resource, name: string, change: Partial<Metadata>): void {
    this.change(resource, name, ({ metadata }) => ({ metadata: { ...metadata, ...change } }));
  }
  scale(name: string, replicas: number, resource: Resource = deployments): void {
    this.change<Workload>(resource, name, ({ spec }) => ({ spec: { ...spec, replicas } }));
  }
  /** As with `kubectl delete`: an object with finalizers stays until they are gone. */
  delete(resource: Resource, name: string): void {
    const object = this.find(resource, name);
    if (object === undefined) return;
    if ((object.metadata.finalizers ?? []).length > 0) {
      if (object.metadata.deletionTimestamp === undefined)
        this.meta(resource, name, { deletionTimestamp: this.stamp() });
      return;
    }
    this.#of(resource.plural).delete(name);
    this.#tell({ resource, before: object, after: undefined, version: ++this.version });
    // Owned objects follow a moment later.
    this.after(this.#options.collectsAfter ?? 50, () => this.#collect(object.metadata.uid));
  }
  #collect(uid: string): void {
    for (const other of known)
      for (const owned of this.all(other))
        // The pods of a Job are the kubelet's to end.
        if (owned.metadata.ownerReferences?.some((reference) => reference.uid === uid && reference.kind !== "Job"))
          this.delete(other, owned.metadata.name);
  }
  #tell(change: Change): void {
    this.#history.push(change);
    if (this.#history.length > 2 * historyLength) this.#history = this.#history.slice(-historyLength);
    for (const listener of this.onChange) listener(change);
  }
}

export const isFinishedJob = (job: Job): boolean =>
  job.status?.conditions?.some(({ status }) => status === "True") === true;
export const recordsOf = (world: World): readonly Lease[] =>
  world.all<Lease>(leases).filter((lease) => lease.metadata.labels?.[labels.record] === "true");
/** @param selector as in a query: `a=b,c` */
export const matchesLabels = (object: KubeObject, selector: string | undefined): boolean =>
  (selector ?? "")
    .split(",")
    .filter((part) => part !== "")
    .map((part) => part.split("="))
    .every(([key = "", value]) => {
      const own = object.metadata.labels?.[key];
      return value === undefined ? own !== undefined : own === value;
    });
