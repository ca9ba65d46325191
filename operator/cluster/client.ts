/**
 * The port to Kubernetes for everything but watches: raw JSON in and out, so that fields we do not know survive and
 * dates stay strings. Expected outcomes are values, the rest are ApiErrors. Reads are linearisable (no
 * resourceVersion is sent) and are retried; a write is repeated only when it is certain that nothing was written.
 * Must not hold state about objects.
 */
import * as z from "zod";
import { apiVersion, type KubeObject, type Resource } from "../api/kinds.ts";
import type { Connection, RawRequest } from "./connection.ts";
import { answerError, ApiError, isAbsent, isConflict, isExisting, isExpired } from "./errors.ts";
import { field, text } from "./json.ts";
import {
  asObject,
  continueOf,
  deletedIn,
  exchange,
  itemsOf,
  pathOf,
  type Answer,
  type RequestRecord,
  type Verb,
} from "./request.ts";

export interface Cluster {
  /** Undefined when the object does not exist; an unserved kind throws. */
  get<T extends KubeObject>(resource: Resource, namespace: string, name: string): Promise<T | undefined>;
  /** All pages of one consistent snapshot. */
  list<T extends KubeObject>(
    resource: Resource,
    options: { readonly namespace?: string; readonly labels?: string },
  ): Promise<readonly T[]>;
  /**
   * The last state of an object that is gone, as far as the API server still knows what has happened since a version of another
   * object of its kind; else undefined. Takes a second.
   */
  lastState<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    of: { readonly name: string; readonly uid: string },
    since: string,
  ): Promise<T | undefined>;
  create<T extends KubeObject>(resource: Resource, namespace: string, body: unknown): Promise<T | "exists">;
  /** PUT; the body carries `metadata.resourceVersion`. */
  update<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    name: string,
    body: unknown,
  ): Promise<T | "conflict" | "gone">;
  /** The status is afterwards equal to the argument: what it does not contain is removed. */
  updateStatus<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    name: string,
    resourceVersion: string,
    status: unknown,
  ): Promise<T | "conflict" | "gone">;
  /** JSON merge patch; the patch carries `metadata.resourceVersion`. */
  patch<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    name: string,
    mergePatch: unknown,
  ): Promise<T | "conflict" | "gone">;
  /** The scale of a workload: its replicas, with the workload's own uid and resourceVersion. */
  getScale(resource: Resource, namespace: string, name: string): Promise<Scale | undefined>;
  scale(
    resource: Resource,
    namespace: string,
    name: string,
    replicas: number,
    resourceVersion: string,
  ): Promise<"done" | "conflict" | "gone">;
  /** Background propagation. `conflict`: the object under this name is not the one meant, or has changed. */
  remove(
    resource: Resource,
    namespace: string,
    name: string,
    preconditions: { readonly uid: string; readonly resourceVersion?: string },
  ): Promise<"done" | "gone" | "conflict">;
  createEvent(namespace: string, body: unknown): Promise<void>;
}

const scaleSchema = z.object({
  metadata: z.object({ uid: z.string(), resourceVersion: z.string() }),
  /** Zero is left out. */
  spec: z.object({ replicas: z.number().int().default(0) }),
});
export type Scale = z.infer<typeof scaleSchema>;

export interface ClientOptions {
  /** Per attempt, in milliseconds. */
  readonly timeoutMs?: number;
  /** Attempts of a read; writes that were not accepted at all count likewise. */
  readonly attempts?: number;
  /** Asked before every write; false refuses it. Self-fencing of a leader that lost its lease. */
  readonly mayWrite?: () => boolean;
  readonly onRequest?: (record: RequestRecord) => void;
  readonly sleep?: (milliseconds: number) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

const pageSize = 500;
const firstDelayMs = 200;
/** A longer Retry-After is left to the caller's queue, which has better things to do than hold a worker. */
const longestDelayMs = 10_000;

const succeeded = (answer: Answer): boolean => answer.status >= 200 && answer.status < 300;

const mayRepeat = (read: boolean, error: ApiError): boolean => {
  if (error.status === 429) return read || error.retryAfterSeconds !== undefined;
  if (read)
    return error.status >= 500 || (error.status === 0 && error.reason !== "Aborted" && error.reason !== "Invalid");
  return error.reason === "Unreachable";
};

/** What it means that a write to an existing object was not accepted; throws when it means neither. */
const refusalOf = (title: string, answer: Answer): "conflict" | "gone" => {
  if (isAbsent(answer.status, answer.body)) return "gone";
  if (isConflict(answer.status, answer.body)) return "conflict";
  throw answerError(title, answer.status, answer.body, answer.retryAfter);
};

export const createClient = (connection: Connection, options: ClientOptions = {}): Cluster => {
  const timeoutMs = options.timeoutMs ?? 15_000;
  const attempts = options.attempts ?? 4;
  const random = options.random ?? Math.random;
  const sleep =
    options.sleep ?? ((milliseconds: number) => new Promise<void>((done) => setTimeout(done, milliseconds)));

  /** Resolves with any answer the callers may have a meaning for (2xx, 404, 409); throws for the others. */
  const call = async (verb: Verb, resource: Resource, request: Omit<RawRequest, "signal">): Promise<Answer> => {
    const read = request.method === "GET";
    const title = `${verb} ${request.path}`;
    for (let attempt = 1; ; attempt++) {
      // Asked again before each attempt: the lease can be lost while we wait.
      if (!read && options.mayWrite?.() === false) {
        const message = `${title}: not sent, because this controller does not hold the lease`;
        throw new ApiError({ status: 0, reason: "NotLeader", message, outcome: "unchanged" });
      }
      let error: ApiError;
      try {
        const answer = await exchange(connection, request, timeoutMs);
        options.onRequest?.({ verb, resource: resource.plural, code: answer.status });
        if (succeeded(answer) || answer.status === 404 || answer.status === 409) return answer;
        error = answerError(title, answer.status, answer.body, answer.retryAfter);
      } catch (thrown) {
        if (!(thrown instanceof ApiError)) throw thrown;
        options.onRequest?.({ verb, resource: resource.plural, code: 0 });
        error = thrown;
      }
      const ceiling = firstDelayMs * 2 ** (attempt - 1);
      const delay = Math.max((error.retryAfterSeconds ?? 0) * 1000, ceiling / 2) + (random() * ceiling) / 2;
      if (attempt >= attempts || delay > longestDelayMs || !mayRepeat(read, error)) throw error;
      await sleep(delay);
    }
  };

  // Without `Strict` the server drops fields its schema does not know, and what was "recorded" would not be.
  const strict = { fieldValidation: "Strict" };
  const put = async (resource: Resource, path: string, body: unknown): Promise<Answer> => {
    requireVersion(path, body);
    return call("update", resource, { method: "PUT", path, query: strict, body });
  };
  const post = async (resource: Resource, namespace: string, body: unknown): Promise<Answer> =>
    call("create", resource, { method: "POST", path: pathOf(resource, namespace), query: strict, body });

  const listOnce = async <T extends KubeObject>(
    resource: Resource,
    path: string,
    query: Record<string, string>,
  ): Promise<readonly T[]> => {
    const all: T[] = [];
    let next: string | undefined;
    do {
      const page: Record<string, string> = next === undefined ? query : { ...query, continue: next };
      const answer = await call("list", resource, { method: "GET", path, query: page });
      if (!succeeded(answer)) throw answerError(`list ${path}`, answer.status, answer.body);
      all.push(...itemsOf<T>(resource, `list ${path}`, answer.body));
      next = continueOf(answer.body);
    } while (next !== undefined);
    return all;
  };

  return {
    async get<T extends KubeObject>(resource: Resource, namespace: string, name: string) {
      const path = pathOf(resource, namespace, name);
      const answer = await call("get", resource, { method: "GET", path });
      if (succeeded(answer)) return asObject<T>(resource, answer.body);
      if (isAbsent(answer.status, answer.body)) return undefined;
      throw answerError(`get ${path}`, answer.status, answer.body);
    },
    async list<T extends KubeObject>(
      resource: Resource,
      { namespace, labels }: { namespace?: string; labels?: string },
    ) {
      const path = pathOf(resource, namespace ?? "");
      const query: Record<string, string> = labels === undefined ? {} : { labelSelector: labels };
      try {
        return await listOnce<T>(resource, path, { ...query, limit: String(pageSize) });
      } catch (error) {
        // The snapshot was compacted between two pages; like client-go, take the whole list in one answer.
        if (!isExpired(error)) throw error;
        return listOnce<T>(resource, path, query);
      }
    },
    async lastState<T extends KubeObject>(
      resource: Resource,
      namespace: string,
      { name, uid }: { readonly name: string; readonly uid: string },
      since: string,
    ) {
      // A watch that ends at once tells what has been, down to the deletion, or that it is too long ago.
      const query = {
        watch: "true",
        resourceVersion: since,
        timeoutSeconds: "1",
        fieldSelector: `metadata.name=${name}`,
      };
      try {
        const answer = await call("watch", resource, { method: "GET", path: pathOf(resource, namespace), query });
        return succeeded(answer) ? deletedIn<T>(resource, answer.body, uid) : undefined;
      } catch (error) {
        if (isExpired(error)) return undefined;
        throw error;
      }
    },
    async create<T extends KubeObject>(resource: Resource, namespace: string, body: unknown) {
      const answer = await post(resource, namespace, body);
      if (succeeded(answer)) return asObject<T>(resource, answer.body);
      if (isExisting(answer.status, answer.body)) return "exists";
      throw answerError(`create ${pathOf(resource, namespace)}`, answer.status, answer.body);
    },
    async update<T extends KubeObject>(resource: Resource, namespace: string, name: string, body: unknown) {
      const path = pathOf(resource, namespace, name);
      const answer = await put(resource, path, body);
      return succeeded(answer) ? asObject<T>(resource, answer.body) : refusalOf(`update ${path}`, answer);
    },
    async updateStatus<T extends KubeObject>(
      resource: Resource,
      namespace: string,
      name: string,
      resourceVersion: string,
      status: unknown,
    ) {
      // On /status the server keeps spec and metadata and replaces the status as a whole: no field can stay behind.
      const metadata = { name, ...(namespace === "" ? {} : { namespace }), resourceVersion };
      const body = { apiVersion: apiVersion(resource), kind: resource.kind, metadata, status };
      const path = pathOf(resource, namespace, name, "status");
      const answer = await put(resource, path, body);
      return succeeded(answer) ? asObject<T>(resource, answer.body) : refusalOf(`update ${path}`, answer);
    },
    async patch<T extends KubeObject>(resource: Resource, namespace: string, name: string, mergePatch: unknown) {
      const path = pathOf(resource, namespace, name);
      requireVersion(path, mergePatch);
      const contentType = "application/merge-patch+json";
      const request = { method: "PATCH", path, query: strict, body: mergePatch, contentType } as const;
      const answer = await call("patch", resource, request);
      return succeeded(answer) ? asObject<T>(resource, answer.body) : refusalOf(`patch ${path}`, answer);
    },
    async getScale(resource, namespace, name) {
      const path = pathOf(resource, namespace, name, "scale");
      const answer = await call("get", resource, { method: "GET", path });
      if (succeeded(answer)) return scaleSchema.parse(answer.body);
      if (isAbsent(answer.status, answer.body)) return undefined;
      throw answerError(`get ${path}`, answer.status, answer.body);
    },
    async scale(resource, namespace, name, replicas, resourceVersion) {
      const metadata = { name, namespace, resourceVersion };
      const body = { apiVersion: "autoscaling/v1", kind: "Scale", metadata, spec: { replicas } };
      const path = pathOf(resource, namespace, name, "scale");
      const answer = await put(resource, path, body);
      return succeeded(answer) ? "done" : refusalOf(`update ${path}`, answer);
    },
    async remove(resource, namespace, name, preconditions) {
      const path = pathOf(resource, namespace, name);
      const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", preconditions };
      const answer = await call("delete", resource, { method: "DELETE", path, body });
      return succeeded(answer) ? "done" : refusalOf(`delete ${path}`, answer);
    },
    async createEvent(namespace, body) {
      const events: Resource = { group: "", version: "v1", plural: "events", kind: "Event" };
      const answer = await post(events, namespace, body);
      if (!succeeded(answer)) throw answerError(`create ${pathOf(events, namespace)}`, answer.status, answer.body);
    },
  };
};

/** An unconditional write is last-writer-wins; none of ours may be. */
const requireVersion = (path: string, body: unknown): void => {
  if (text(field(body, "metadata", "resourceVersion")) !== undefined) return;
  const message = `${path}: a write without resourceVersion`;
  throw new ApiError({ status: 0, reason: "Invalid", message, outcome: "unchanged" });
};
