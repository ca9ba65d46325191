/**
 * Lists by page and watches, as the reflector needs them. A watch is one request: it ends with a typed outcome and
 * never reconnects, which is the reflector's business. A line that cannot be understood ends the watch, because the
 * events after it would move the resourceVersion past the lost one.
 */
import type { KubeObject, Resource } from "../api/kinds.ts";
import type { Connection } from "./connection.ts";
import { answerError, ApiError, isExpired, transportError } from "./errors.ts";
import { field, parseJson, text } from "./json.ts";
import { asObject, continueOf, exchange, itemsOf, pathOf, type RequestRecord } from "./request.ts";

export interface ListPage<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Token of the next page; absent on the last. */
  readonly continue?: string;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: "added" | "modified" | "deleted"; readonly object: T }
  | { readonly type: "bookmark"; readonly resourceVersion: string };

export type WatchOutcome =
  /** Ended by the server's timeout, by the peer or by our signal. */
  | { readonly type: "closed" }
  /** The resourceVersion is too old: list again. */
  | { readonly type: "expired" }
  /** A line was not an event: list again. */
  | { readonly type: "malformed"; readonly message: string }
  | { readonly type: "failed"; readonly error: ApiError };

export interface WatchOptions<T extends KubeObject> {
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
  /** The server has accepted the watch. */
  readonly onOpen: () => void;
  /** Called in order, synchronously; must not throw. */
  readonly onEvent: (event: WatchEvent<T>) => void;
}

/** One collection, listed and watched. */
export interface ListWatch<T extends KubeObject> {
  /** Throws ApiError. */
  listPage(options: { readonly continue?: string; readonly signal: AbortSignal }): Promise<ListPage<T>>;
  watch(options: WatchOptions<T>): Promise<WatchOutcome>;
}

export interface ListWatchOptions {
  readonly namespace?: string;
  readonly labels?: string;
  readonly pageSize?: number;
  readonly timeoutMs?: number;
  readonly onRequest?: (record: RequestRecord) => void;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/** Shorter than the five minutes an API server keeps history for, spread so that not all watches end together. */
const watchSeconds = 290;
const watchJitterSeconds = 60;
/** etcd refuses objects over 1.5 MiB; a line beyond this is not one of ours. */
const longestLineBytes = 16 * 1024 * 1024;

export const createListWatch = <T extends KubeObject>(
  connection: Connection,
  resource: Resource,
  options: ListWatchOptions = {},
): ListWatch<T> => {
  const path = pathOf(resource, options.namespace ?? "");
  const selector: Record<string, string> = options.labels === undefined ? {} : { labelSelector: options.labels };
  const limit = String(options.pageSize ?? 500);
  const timeoutMs = options.timeoutMs ?? 15_000;
  const random = options.random ?? Math.random;
  const record = (verb: "list" | "watch", code: number): void =>
    options.onRequest?.({ verb, resource: resource.plural, code });

  return {
    async listPage({ continue: token, signal }) {
      const query = { ...selector, limit, ...(token === undefined ? {} : { continue: token }) };
      const answer = await exchange(connection, { method: "GET", path, query }, timeoutMs, signal).catch(
        (error: unknown) => {
          record("list", 0);
          throw error;
        },
      );
      record("list", answer.status);
      if (answer.status !== 200) throw answerError(`list ${path}`, answer.status, answer.body, answer.retryAfter);
      const items = itemsOf<T>(resource, `list ${path}`, answer.body);
      const next = continueOf(answer.body);
      const resourceVersion = text(field(answer.body, "metadata", "resourceVersion")) ?? "";
      return { items, resourceVersion, ...(next === undefined ? {} : { continue: next }) };
    },

    async watch({ resourceVersion, signal, onOpen, onEvent }) {
      const title = `watch ${path}`;
      const timeoutSeconds = String(Math.round(watchSeconds - random() * watchJitterSeconds));
      const query = { ...selector, watch: "true", allowWatchBookmarks: "true", timeoutSeconds, resourceVersion };
      try {
        const answer = await connection.send({ method: "GET", path, query, signal });
        record("watch", answer.statusCode);
        if (answer.statusCode !== 200) {
          const content = await answer.body.text();
          const retryAfter = text(answer.headers["retry-after"]);
          return failed(answerError(title, answer.statusCode, parseJson(content) ?? content, retryAfter));
        }
        onOpen();
        for await (const line of lines(answer.body)) {
          const outcome = judge(resource, title, line, onEvent);
          // Leaving the loop destroys the body, and with it the connection.
          if (outcome !== undefined) return outcome;
        }
        return { type: "closed" };
      } catch (error) {
        if (signal.aborted) return { type: "closed" };
        if (error instanceof LineTooLong) return { type: "malformed", message: `${title}: ${error.message}` };
        const known = error instanceof ApiError ? error : transportError(title, error);
        if (known.status === 0) record("watch", 0);
        return failed(known);
      }
    },
  };
};

const failed = (error: ApiError): WatchOutcome => (isExpired(error) ? { type: "expired" } : { type: "failed", error });

class LineTooLong extends Error {}

/** Splits at newlines; a last line without one was cut off and is dropped with the connection that cut it. */
async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length > longestLineBytes) throw new LineTooLong(`a line longer than ${longestLineBytes} bytes`);
    yield* parts.filter((part) => part !== "");
  }
}

const types: ReadonlyMap<unknown, "added" | "modified" | "deleted"> = new Map([
  ["ADDED", "added"],
  ["MODIFIED", "modified"],
  ["DELETED", "deleted"],
]);

/** Delivers the line's event; the outcome when the watch has to end with it. */
const judge = <T extends KubeObject>(
  resource: Resource,
  title: string,
  line: string,
  onEvent: (event: WatchEvent<T>) => void,
): WatchOutcome | undefined => {
  const event = parseJson(line);
  const object = field(event, "object");
  if (field(event, "type") === "ERROR") {
    const code = field(object, "code");
    return failed(answerError(title, typeof code === "number" ? code : 500, object));
  }
  const resourceVersion = text(field(object, "metadata", "resourceVersion"));
  if (field(event, "type") === "BOOKMARK" && resourceVersion !== undefined) {
    onEvent({ type: "bookmark", resourceVersion });
    return undefined;
  }
  const type = types.get(field(event, "type"));
  const identified = text(field(object, "metadata", "name")) && text(field(object, "metadata", "uid"));
  if (type === undefined || resourceVersion === undefined || identified === undefined) {
    return { type: "malformed", message: `${title}: not an event: ${line.slice(0, 200)}` };
  }
  onEvent({ type, object: asObject<T>(resource, object) });
  return undefined;
};
