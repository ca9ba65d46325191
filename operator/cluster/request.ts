/** One exchange with the API server: paths, one attempt, lists. Must not retry. */
import { apiVersion, type KubeObject, type Resource } from "../api/kinds.ts";
import type { Connection, RawRequest } from "./connection.ts";
import { ApiError, transportError } from "./errors.ts";
import { field, parseJson, text } from "./json.ts";

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";

/** One request and what came of it; `code` is 0 when no answer came. */
export interface RequestRecord {
  readonly verb: Verb;
  readonly resource: string;
  readonly code: number;
}

/** Path of an object, a collection or a subresource; an empty namespace means cluster-scoped or all namespaces. */
export const pathOf = (resource: Resource, namespace: string, name?: string, subresource?: string): string => {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = namespace === "" ? "" : `/namespaces/${segment(namespace)}`;
  const object = name === undefined ? "" : `/${segment(name)}`;
  return `${root}${scope}/${resource.plural}${object}${subresource === undefined ? "" : `/${subresource}`}`;
};

/** The server's own rule for path segments; names come from users' specs. */
const segment = (value: string): string => {
  if (!/^[^/%\s]{1,253}$/.test(value) || value === "." || value === "..") {
    const message = `"${value}" cannot be the name of an object`;
    throw new ApiError({ status: 0, reason: "Invalid", message, outcome: "unchanged" });
  }
  return encodeURIComponent(value);
};

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfter: string | undefined;
}

/** One attempt: sends, reads the whole answer, parses. */
export const exchange = async (
  connection: Connection,
  request: Omit<RawRequest, "signal">,
  timeoutMs: number,
  stop?: AbortSignal,
): Promise<Answer> => {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = stop === undefined ? timeout : AbortSignal.any([stop, timeout]);
  const answer = await connection.send({ ...request, signal });
  let content: string;
  try {
    content = await answer.body.text();
  } catch (error) {
    throw transportError(`${request.method} ${request.path}`, error);
  }
  const header = answer.headers["retry-after"];
  const body = parseJson(content);
  // Cut off by something in between that ended it properly, or not from the API server. A write may have been carried out.
  // A watch is lines of JSON.
  const lines = request.query?.["watch"] !== undefined;
  if (body === undefined && !lines && answer.statusCode >= 200 && answer.statusCode < 300) {
    const message = `${request.method} ${request.path}: the answer is not JSON`;
    throw new ApiError({ status: 0, reason: "Malformed", message, outcome: "unknown" });
  }
  return {
    status: answer.statusCode,
    body: body ?? content,
    retryAfter: typeof header === "string" ? header : undefined,
  };
};

/**
 * The object as its kind's type: the API server has validated it against that kind's schema, and fields of newer
 * versions are kept. Items of a list come without `apiVersion` and `kind`; with them they look like those of a get.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- where JSON becomes a type
export const asObject = <T extends KubeObject>(resource: Resource, value: unknown): T =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema is enforced by the server
  ({ apiVersion: apiVersion(resource), kind: resource.kind, ...(value as object) }) as T;

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- where JSON becomes a type
export const itemsOf = <T extends KubeObject>(resource: Resource, request: string, body: unknown): readonly T[] => {
  const items = field(body, "items");
  if (!Array.isArray(items)) {
    const message = `${request}: the answer is not a list`;
    throw new ApiError({ status: 200, reason: "Malformed", message, outcome: "unchanged" });
  }
  return items.map((item: unknown) => asObject<T>(resource, item));
};

/** The token of the next page, if there is one. */
export const continueOf = (body: unknown): string | undefined => text(field(body, "metadata", "continue"));

/** Of the events of a watch, read as a whole: the object as it was when the one with this uid was deleted. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- where JSON becomes a type
export const deletedIn = <T extends KubeObject>(resource: Resource, body: unknown, uid: string): T | undefined => {
  // A single event has been parsed already.
  const events = typeof body === "string" ? body.split("\n").map((line) => parseJson(line)) : [body];
  const last = events.find(
    (event) => text(field(event, "type")) === "DELETED" && text(field(event, "object", "metadata", "uid")) === uid,
  );
  return last === undefined ? undefined : asObject<T>(resource, field(last, "object"));
};
