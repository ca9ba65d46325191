/**
 * What can go wrong between us and the API server, as one error class. Expected outcomes (absent, exists, conflict,
 * gone) are values of the client's methods; everything else is an ApiError with the server's own words.
 */
import { field, text } from "./json.ts";

export interface ApiErrorOptions {
  /** HTTP status, 0 when no answer came. */
  readonly status: number;
  /** Reason of the server (`Forbidden`, `Invalid`), or `Timeout`, `Unreachable`, `ConnectionLost`, `Malformed`, `Aborted`, `NotLeader`. */
  readonly reason: string;
  readonly message: string;
  /** `unknown`: a write may have been committed although we hold no answer; only a new read can tell. */
  readonly outcome: "unchanged" | "unknown";
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly outcome: "unchanged" | "unknown";
  readonly retryAfterSeconds: number | undefined;

  constructor(options: ApiErrorOptions) {
    super(options.message, { cause: options.cause });
    this.name = "ApiError";
    this.status = options.status;
    this.reason = options.reason;
    this.outcome = options.outcome;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** What a `metav1.Status` says, undefined for any other body. */
const asStatus = (body: unknown) =>
  field(body, "kind") === "Status"
    ? {
        reason: text(field(body, "reason")),
        message: text(field(body, "message")),
        name: text(field(body, "details", "name")),
        retryAfterSeconds: field(body, "details", "retryAfterSeconds"),
      }
    : undefined;

const seconds = (header: string | undefined): number | undefined => {
  // The API server sends whole seconds; a date is legal HTTP but never comes, and a wrong clock would misread it.
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
};

/** The error for an answer that is not 2xx. `body` is the parsed JSON, or the text where it was none. */
export const answerError = (request: string, status: number, body: unknown, retryAfter?: string): ApiError => {
  const told = asStatus(body);
  const said =
    told?.message ?? (typeof body === "string" && body.trim() !== "" ? body.trim().slice(0, 300) : undefined);
  const wait = seconds(retryAfter) ?? told?.retryAfterSeconds;
  return new ApiError({
    status,
    reason: told?.reason ?? `Status${status}`,
    message: `${request}: ${said ?? `the API server answered ${status}`}`,
    // A 5xx can come from a proxy or from etcd after the write was proposed (`etcdserver: request timed out`).
    outcome: status >= 500 ? "unknown" : "unchanged",
    ...(typeof wait !== "number" ? {} : { retryAfterSeconds: wait }),
  });
};

/**
 * The object is absent, as opposed to: its kind is not served (`404 page not found`), which must never be taken for
 * an absent object, because "absent" leads to deletions and new runs.
 */
export const isAbsent = (status: number, body: unknown): boolean => {
  const told = asStatus(body);
  return status === 404 && told?.reason === "NotFound" && told.name !== undefined;
};
export const isConflict = (status: number, body: unknown): boolean =>
  status === 409 && asStatus(body)?.reason === "Conflict";
export const isExisting = (status: number, body: unknown): boolean =>
  status === 409 && asStatus(body)?.reason === "AlreadyExists";
/** Expired resourceVersion or continue token. */
export const isExpired = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 410 || error.reason === "Expired" || error.reason === "Gone");

const codesBeforeSending = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Without `instanceof`: Node's own errors belong to another realm in some runtimes, and DOMException is none. */
const property = (error: unknown, name: string): unknown =>
  typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined;

const codeOf = (error: unknown): string => {
  const errors = property(error, "errors");
  // Node tries all addresses of a name and reports an AggregateError.
  return text(property(error, "code")) ?? (Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : "");
};

/** The error for a request without an answer. */
export const transportError = (request: string, error: unknown): ApiError => {
  const code = codeOf(error);
  const name = property(error, "name");
  const said = text(property(error, "message")) ?? String(error);
  const reason =
    name === "AbortError"
      ? "Aborted"
      : codesBeforeSending.has(code)
        ? "Unreachable"
        : name === "TimeoutError" || code.endsWith("_TIMEOUT")
          ? "Timeout"
          : "ConnectionLost";
  return new ApiError({
    status: 0,
    reason,
    message: `${request}: ${said}`,
    outcome: reason === "Unreachable" ? "unchanged" : "unknown",
    cause: error,
  });
};
