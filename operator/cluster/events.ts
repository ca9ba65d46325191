/**
 * Events for people, with the manners of client-go's recorder: the same event again raises its count instead of
 * adding one, and an object that has much to say is cut short. Events are never load-bearing: nothing here fails a
 * pass, and whatever has to be known is in a status as well.
 */
import { createHash } from "node:crypto";
import { apiVersion, type KubeObject, type Resource } from "../api/kinds.ts";
import type { Cluster } from "./client.ts";

export interface EventNote {
  readonly type: "Normal" | "Warning";
  /** CamelCase, from the catalogue. */
  readonly reason: string;
  readonly message: string;
}

export interface RecorderOptions {
  readonly cluster: Pick<Cluster, "create" | "patch">;
  /** Name of the controller's pod. */
  readonly instance: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that never run backwards. */
  readonly monotonic: () => number;
  readonly onFailure: (error: unknown) => void;
}

interface Series {
  readonly name: string;
  readonly resourceVersion: string;
  readonly count: number;
}
interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

const events: Resource = { group: "", version: "v1", plural: "events", kind: "Event" };
const component = "handover";
/** client-go's spam filter: so many at once per object, and one more every five minutes. */
const burst = 25;
const refillMs = 300_000;
/** Oldest entries go first: forgetting costs an additional event, not a wrong one. */
const remembered = 4096;
const longestMessage = 1024;

export class EventRecorder {
  readonly #options: RecorderOptions;
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Resolves when the event is written, dropped or has failed; never rejects. */
  async record(resource: Resource, object: KubeObject, note: EventNote): Promise<void> {
    try {
      if (!this.#allow(object.metadata.uid)) return;
      const message = shorten(note.message);
      const key = JSON.stringify([object.metadata.uid, note.type, note.reason, message]);
      const known = this.#series.get(key);
      const next =
        (known && (await this.#repeat(object, known))) ??
        (await this.#begin(resource, object, { ...note, message }, key));
      if (next === undefined) this.#series.delete(key);
      else remember(this.#series, key, next);
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  /** Raises the count; undefined when the event is gone (they live for an hour) or was changed by another. */
  async #repeat(object: KubeObject, { name, resourceVersion, count }: Series): Promise<Series | undefined> {
    const patch = { metadata: { resourceVersion }, count: count + 1, lastTimestamp: this.#time() };
    const written = await this.#options.cluster.patch(events, object.metadata.namespace, name, patch);
    if (typeof written === "string") return undefined;
    return { name, resourceVersion: written.metadata.resourceVersion, count: count + 1 };
  }

  async #begin(resource: Resource, object: KubeObject, note: EventNote, key: string): Promise<Series | undefined> {
    const { namespace, uid, resourceVersion } = object.metadata;
    const time = this.#time();
    const suffix = createHash("sha256").update(`${key}${this.#options.now()}`).digest("hex").slice(0, 16);
    const name = `${object.metadata.name.slice(0, 200)}.${suffix}`;
    const involvedObject = {
      apiVersion: apiVersion(resource),
      kind: resource.kind,
      namespace,
      name: object.metadata.name,
      uid,
      resourceVersion,
    };
    const written = await this.#options.cluster.create(events, namespace, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject,
      ...note,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component },
      reportingComponent: component,
      reportingInstance: this.#options.instance,
    });
    return written === "exists" ? undefined : { name, resourceVersion: written.metadata.resourceVersion, count: 1 };
  }

  #allow(uid: string): boolean {
    const at = this.#options.monotonic();
    const bucket = this.#buckets.get(uid) ?? { tokens: burst, at };
    const tokens = Math.min(burst, bucket.tokens + (at - bucket.at) / refillMs);
    const allowed = tokens >= 1;
    remember(this.#buckets, uid, { tokens: allowed ? tokens - 1 : tokens, at });
    return allowed;
  }

  /** `metav1.Time`: whole seconds. */
  #time(): string {
    return new Date(this.#options.now()).toISOString().replace(/\.\d+Z$/, "Z");
  }
}

const remember = <V>(map: Map<string, V>, key: string, value: V): void => {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > remembered && oldest !== undefined) map.delete(oldest);
};

const shorten = (message: string): string =>
  // `toWellFormed` replaces half a character at the cut.
  message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 1).toWellFormed()}…`;
