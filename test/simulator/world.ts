/**
 * A cluster in memory, as far as the controller can tell it from a real one: objects with resourceVersion and generation,
 * conditional writes, finalizers, owners. Time stands still until `advance`. What kubelet and controllers of Kubernetes do
 * in it is in test/simulator/kubelet.ts.
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
} from "../../operator/api/kinds.ts";
import { labels } from "../../operator/api/names.ts";
import type { Cluster } from "../../operator/cluster/client.ts";
import type { Instant } from "../../operator/domain/instant.ts";
import { at, namespace } from "../support/builders.ts";

/** What a write of a controller was, for messages and for the oracles. */
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
}

/** The controller is gone at this moment; whoever comes next knows only what was written. */
export class Crash extends Error {}

export interface PortOptions {
  /** Asked at each write, before it is sent and after it was committed; throws to crash. */
  readonly atWrite?: (when: "before" | "after", write: Write) => void;
  /** Awaited at each call, so that calls of several controllers can be interleaved. */
  readonly turn?: () => Promise<void>;
}

const known: readonly Resource[] = [policies, runs, restores, jobs, pods, claims, leases, deployments, autoscalers];

export class World {
  now: Instant = at("01:00");
  /** Grows with every write that changes something. */
  version = 0;
  /** Writes of controllers, oldest first. */
  readonly writes: Write[] = [];
  readonly onChange: ((change: Change) => void)[] = [];
  /** Called with a write of a controller that is going to change something; throws when it breaks a law. */
  readonly beforeWrite: ((write: Write) => void)[] = [];
  readonly events: { readonly type: string; readonly reason: string; readonly message: string }[] = [];
  readonly #objects = new Map<string, { readonly resource: Resource; readonly object: KubeObject }>();
  #timers: { readonly at: Instant; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;
  #uids = 0;

  /** Whole seconds, as the API server writes them. */
  stamp(): string {
    return `${new Date(this.now).toISOString().slice(0, 19)}Z`;
  }
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- where JSON becomes a type
  find<T extends KubeObject>(resource: Resource, name: string): T | undefined {
    return this.#objects.get(`${resource.plural}/${name}`)?.object as T | undefined;
  }
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- where JSON becomes a type
  all<T extends KubeObject>(resource: Resource): readonly T[] {
    const found: T[] = [];
    for (const entry of this.#objects.values()) if (entry.resource === resource) found.push(entry.object as T);
    return found.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  after(milliseconds: number, run: () => void): void {
    this.#timers.push({ at: this.now + milliseconds, order: this.#order++, run });
  }
  get nextTimer(): Instant | undefined {
    return this.#timers.reduce<Instant | undefined>((least, { at: when }) => Math.min(least ?? when, when), undefined);
  }
  /** Moves the clock, and lets everything happen that is due until then. */
  advance(to: Instant): void {
    for (;;) {
      const [next] = this.#timers
        .filter((timer) => timer.at <= to)
        .toSorted((a, b) => a.at - b.at || a.order - b.order);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = Math.max(this.now, to);
  }

  /** Puts an object as anybody but a controller of ours does. @returns it as stored */
  put<T extends KubeObject>(resource: Resource, object: T): T {
    const before = this.find<T>(resource, object.metadata.name);
    const changed = before?.spec !== object.spec && JSON.stringify(before?.spec) !== JSON.stringify(object.spec);
    const old = before?.metadata;
    const metadata: Metadata = {
      ...object.metadata,
      namespace,
      uid: old?.uid ?? object.metadata.uid ?? `uid-${++this.#uids}`,
      generation: (old?.generation ?? 0) + (changed ? 1 : 0),
      creationTimestamp: old?.creationTimestamp ?? this.stamp(),
      resourceVersion: String(++this.version),
    };
    const after = { ...object, metadata };
    this.#objects.set(`${resource.plural}/${metadata.name}`, { resource, object: after });
    this.#tell({ resource, before, after });
    return after;
  }
  change<T extends KubeObject>(resource: Resource, name: string, edit: (object: T) => Partial<T>): void {
    const object = this.find<T>(resource, name);
    if (object !== undefined) this.put(resource, { ...object, ...edit(object) });
  }
  meta(resource: Resource, name: string, change: Partial<Metadata>): void {
    this.change(resource, name, ({ metadata }) => ({ metadata: { ...metadata, ...change } }));
  }
  scale(name: string, replicas: number): void {
    this.change<Workload>(deployments, name, ({ spec }) => ({ spec: { ...spec, replicas } }));
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
    this.#objects.delete(`${resource.plural}/${name}`);
    this.version++;
    this.#tell({ resource, before: object, after: undefined });
    // Owned objects follow a moment later.
    this.after(50, () => {
      for (const other of known)
        for (const owned of this.all(other))
          if (owned.metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid))
            this.delete(other, owned.metadata.name);
    });
  }
  #tell(change: Change): void {
    for (const listener of this.onChange) listener(change);
  }

  /** The way of one controller into this cluster. */
  port(options: PortOptions = {}): Cluster {
    const turn = options.turn ?? (() => Promise.resolve());
    const read = async <T>(answer: () => T): Promise<T> => {
      await turn();
      return answer();
    };
    const write = async <T>(what: Write, answer: () => T): Promise<T> => {
      await turn();
      options.atWrite?.("before", what);
      this.writes.push(what);
      const result = answer();
      options.atWrite?.("after", what);
      return result;
    };
    const judge = (what: Write): void => {
      for (const law of this.beforeWrite) law(what);
    };
    /** Carries an edit out when the object is still the one that was observed. */
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- where JSON becomes a type
    const edit = async <T extends KubeObject, R>(
      resource: Resource,
      what: Omit<Write, "plural">,
      expected: { readonly uid?: string; readonly resourceVersion?: string | undefined },
      carryOut: (object: T) => R,
    ): Promise<R | "conflict" | "gone"> => {
      const full = { ...what, plural: resource.plural };
      return write(full, () => {
        const object = this.find<T>(resource, what.name);
        if (object === undefined) return "gone";
        const { uid, resourceVersion } = object.metadata;
        if ((expected.resourceVersion ?? resourceVersion) !== resourceVersion || (expected.uid ?? uid) !== uid)
          return "conflict";
        judge(full);
        return carryOut(object);
      });
    };
    const versionOf = (body: unknown): string =>
      (body as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion ?? "none";

    return {
      get: async <T extends KubeObject>(resource: Resource, _: string, name: string) =>
        read(() => this.find<T>(resource, name)),
      list: async <T extends KubeObject>(resource: Resource, { labels: selector }: { labels?: string }) =>
        read(() => this.all<T>(resource).filter((object) => matches(object, selector))),
      create: async <T extends KubeObject>(resource: Resource, _: string, body: unknown) => {
        if (resource.kind === "Event") {
          this.events.push(body as World["events"][number]);
          return body as T;
        }
        const { name } = (body as T).metadata;
        const what: Write = { verb: "create", plural: resource.plural, name, body };
        return write(what, () => {
          if (this.find(resource, name) !== undefined) return "exists" as const;
          judge(what);
          const { uid: _uid, ...metadata } = (body as T).metadata;
          return this.put<T>(resource, { ...(body as T), metadata: metadata as Metadata });
        });
      },
      update: async <T extends KubeObject>(resource: Resource, _: string, name: string, body: unknown) =>
        edit(resource, { verb: "update", name, body }, { resourceVersion: versionOf(body) }, () =>
          this.put<T>(resource, body as T),
        ),
      updateStatus: async <T extends KubeObject>(
        resource: Resource,
        _: string,
        name: string,
        resourceVersion: string,
        status: unknown,
      ) =>
        edit<T, T>(resource, { verb: "status", name, body: status }, { resourceVersion }, (object) =>
          this.put<T>(resource, { ...object, status }),
        ),
      patch: async <T extends KubeObject>(resource: Resource, _: string, name: string, body: unknown) =>
        edit<T, T>(resource, { verb: "patch", name, body }, { resourceVersion: versionOf(body) }, (object) => {
          const { finalizers } = (body as { metadata: Metadata }).metadata;
          const metadata: Metadata = { ...object.metadata, ...(finalizers === undefined ? {} : { finalizers }) };
          const after = this.put<T>(resource, { ...object, metadata });
          if (after.metadata.deletionTimestamp !== undefined) this.delete(resource, name);
          return after;
        }),
      getScale: async (resource, _, name) =>
        read(() => {
          const workload = this.find<Workload>(resource, name);
          if (workload === undefined) return undefined;
          const { uid, resourceVersion } = workload.metadata;
          return { metadata: { uid, resourceVersion }, spec: { replicas: workload.spec.replicas ?? 1 } };
        }),
      scale: async (resource, _, name, replicas, resourceVersion) =>
        edit(resource, { verb: "scale", name, body: replicas }, { resourceVersion }, () => {
          this.scale(name, replicas);
          return "done" as const;
        }),
      remove: async (resource, _, name, preconditions) =>
        edit(resource, { verb: "remove", name }, preconditions, () => {
          this.delete(resource, name);
          return "done" as const;
        }),
      createEvent: async () => undefined,
    };
  }
}

const matches = (object: KubeObject, selector: string | undefined): boolean =>
  (selector ?? "")
    .split(",")
    .filter((part) => part !== "")
    .map((part) => part.split("="))
    .every(([key = "", value]) => object.metadata.labels?.[key] === value);

export const isFinishedJob = (job: Job): boolean =>
  job.status?.conditions?.some(({ status }) => status === "True") === true;
export const recordsOf = (world: World): readonly Lease[] =>
  world.all<Lease>(leases).filter((lease) => lease.metadata.labels?.[labels.record] === "true");
