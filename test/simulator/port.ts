/**
 * The way of one process into the cluster in memory: conditional writes, and everything that can befall a request. What the
 * process sees of a fault is what the real client makes of it (cluster/client.ts).
 */
import type { KubeObject, Metadata, Resource, Workload } from "../../operator/api/kinds.ts";
import type { Cluster } from "../../operator/cluster/client.ts";
import { ApiError } from "../../operator/cluster/errors.ts";
import { namespace as ours } from "../support/builders.ts";
import { type World, type Write, matchesLabels } from "./world.ts";

export interface Call {
  readonly verb: "get" | "list" | Write["verb"];
  readonly plural: string;
  readonly name: string;
  readonly body?: unknown;
}
/** The process dies: nothing was sent; it was committed and no answer came; the answer came and nothing was done with it. */
export type Death = "unsent" | "unanswered" | "answered";
/** The request fails: refused by a number; refused as if somebody had been faster; committed, but the answer is lost; never sent. */
export type Failing = 403 | 429 | 500 | 503 | "conflict" | "lost" | "cut";
export type CallFault = { readonly die: Death } | { readonly fail: Failing };

export interface PortOptions {
  /** Asked at each request. */
  readonly fault?: (call: Call) => CallFault | undefined;
  /** Awaited at each request, so that those of several processes can be interleaved. */
  readonly turn?: () => Promise<void>;
  /** Called when a fault is the death of the process; no request after that is carried out or answered. */
  readonly die?: () => void;
  readonly isAlive?: () => boolean;
  /** A request outside of the namespace that the world consists of. */
  readonly strayed?: (call: Call) => void;
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
const isWrite = (verb: Call["verb"]): verb is Write["verb"] => verb !== "get" && verb !== "list";

function errorOf(call: Call, fault: Exclude<Failing, "conflict">): ApiError {
  const message = `${call.verb} ${call.plural}/${call.name}: a fault of the simulator`;
  if (fault === "lost")
    return new ApiError({
      status: 0,
      reason: "ConnectionLost",
      message,
      outcome: isWrite(call.verb) ? "unknown" : "unchanged",
    });
  if (fault === "cut") return new ApiError({ status: 0, reason: "Unreachable", message, outcome: "unchanged" });
  const wait = fault === 429 ? { retryAfterSeconds: 1 } : {};
  return new ApiError({ status: fault, reason: `Status${fault}`, message, outcome: "unchanged", ...wait });
}

const versionOf = (body: unknown): string =>
  (body as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion ?? "none";

export function portOf(world: World, options: PortOptions = {}): Cluster {
  const isAlive = options.isAlive ?? (() => true);
  let dying = false;

  const request = async <T>(call: Call, carryOut: () => T, conflict?: T): Promise<T> => {
    if (options.turn !== undefined) await options.turn();
    if (dying) {
      dying = false;
      options.die?.();
    }
    if (!isAlive()) return never<T>();
    const fault = options.fault?.(call);
    if (fault === undefined) return carryOut();
    if ("die" in fault) {
      if (fault.die === "answered") {
        dying = true;
        world.after(0, () => dying && options.die?.());
        return carryOut();
      }
      if (fault.die === "unanswered") carryOut();
      options.die?.();
      return never<T>();
    }
    if (fault.fail === "conflict") return conflict === undefined ? carryOut() : conflict;
    if (fault.fail === "lost") carryOut();
    throw errorOf(call, fault.fail);
  };
  const read = <T>(
    verb: "get" | "list",
    { plural }: Resource,
    of: string,
    name: string,
    answer: () => T,
  ): Promise<T> => {
    if (of !== ours) options.strayed?.({ verb, plural, name });
    return request({ verb, plural, name }, answer);
  };
  const write = <T>(what: Write, of: string, carryOut: () => T, conflict?: T): Promise<T> => {
    if (of !== ours) options.strayed?.(what);
    return request(
      what,
      () => {
        world.writes.push(what);
        return carryOut();
      },
      conflict,
    );
  };
  const judge = (what: Write): void => {
    for (const law of world.beforeWrite) law(what);
  };
  /** Carries an edit out when the object is still the one that was observed. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- where JSON becomes a type
  const edit = <T extends KubeObject, R>(
    resource: Resource,
    of: string,
    what: Omit<Write, "plural">,
    expected: { readonly uid?: string; readonly resourceVersion?: string | undefined },
    carryOut: (object: T) => R,
  ): Promise<R | "conflict" | "gone"> => {
    const full = { ...what, plural: resource.plural };
    const answer = (): R | "conflict" | "gone" => {
      const object = world.find<T>(resource, what.name);
      if (object === undefined) return "gone";
      const { uid, resourceVersion } = object.metadata;
      if ((expected.resourceVersion ?? resourceVersion) !== resourceVersion || (expected.uid ?? uid) !== uid)
        return "conflict";
      judge(full);
      return carryOut(object);
    };
    return write<R | "conflict" | "gone">(full, of, answer, "conflict");
  };

  return {
    get: async <T extends KubeObject>(resource: Resource, of: string, name: string) =>
      read("get", resource, of, name, () => world.find<T>(resource, name)),
    list: async <T extends KubeObject>(resource: Resource, query: { namespace?: string; labels?: string }) =>
      read("list", resource, query.namespace ?? "", "", () =>
        world.all<T>(resource).filter((object) => matchesLabels(object, query.labels)),
      ),
    lastState: async <T extends KubeObject>(
      resource: Resource,
      of: string,
      { name, uid }: { readonly name: string; readonly uid: string },
      since: string,
    ) =>
      read("get", resource, of, name, () => {
        const deletion = world
          .since(Number(since))
          ?.find(({ before, after }) => after === undefined && before?.metadata.uid === uid);
        return deletion?.before as T | undefined;
      }),
    create: async <T extends KubeObject>(resource: Resource, of: string, body: unknown) => {
      if (resource.kind === "Event") {
        world.events.push(body as World["events"][number]);
        return body as T;
      }
      const { name } = (body as T).metadata;
      const what: Write = { verb: "create", plural: resource.plural, name, body };
      return write<T | "exists">(what, of, () => {
        if (world.find(resource, name) !== undefined) return "exists" as const;
        judge(what);
        const { uid: _uid, ...metadata } = (body as T).metadata;
        return world.put<T>(resource, { ...(body as T), metadata: metadata as Metadata });
      });
    },
    update: async <T extends KubeObject>(resource: Resource, of: string, name: string, body: unknown) =>
      edit(resource, of, { verb: "update", name, body }, { resourceVersion: versionOf(body) }, () =>
        world.put<T>(resource, body as T),
      ),
    updateStatus: async <T extends KubeObject>(
      resource: Resource,
      of: string,
      name: string,
      resourceVersion: string,
      status: unknown,
    ) =>
      edit<T, T>(resource, of, { verb: "status", name, body: status }, { resourceVersion }, (object) =>
        // As it goes over the wire: without what is undefined.
        world.put<T>(resource, { ...object, status: JSON.parse(JSON.stringify(status)) }),
      ),
    patch: async <T extends KubeObject>(resource: Resource, of: string, name: string, body: unknown) =>
      edit<T, T>(resource, of, { verb: "patch", name, body }, { resourceVersion: versionOf(body) }, (object) => {
        const { finalizers } = (body as { metadata: Metadata }).metadata;
        const metadata: Metadata = { ...object.metadata, ...(finalizers === undefined ? {} : { finalizers }) };
        const after = world.put<T>(resource, { ...object, metadata });
        if (after.metadata.deletionTimestamp !== undefined) world.delete(resource, name);
        return after;
      }),
    getScale: async (resource, of, name) =>
      read("get", resource, of, name, () => {
        const workload = world.find<Workload>(resource, name);
        if (workload === undefined) return undefined;
        const { uid, resourceVersion } = workload.metadata;
        return { metadata: { uid, resourceVersion }, spec: { replicas: workload.spec.replicas ?? 1 } };
      }),
    scale: async (resource, of, name, replicas, resourceVersion) =>
      edit(resource, of, { verb: "scale", name, body: replicas }, { resourceVersion }, () => {
        world.scale(name, replicas, resource);
        return "done" as const;
      }),
    remove: async (resource, of, name, preconditions) =>
      edit(resource, of, { verb: "remove", name }, preconditions, () => {
        world.delete(resource, name);
        return "done" as const;
      }),
    createEvent: async () => undefined,
  };
}
