/** A source of lists and watches over a collection, with faults on demand, and a reflector that follows it. */
import { expect } from "@jest/globals";
import { ApiError } from "../../../operator/cluster/errors.ts";
import type { ListWatch, WatchOptions, WatchOutcome } from "../../../operator/cluster/watch.ts";
import { Reflector } from "../../../operator/runtime/reflector.ts";
import { Collection, Replay, type Item } from "../cluster/collection.ts";
import { ManualClock } from "./manual-clock.ts";
import { recordingLog } from "./recording-log.ts";

export type Fault = "500" | "429" | "expired" | "malformed" | "closed";

export const apiError = (status: number, retryAfterSeconds?: number): ApiError =>
  new ApiError({
    status,
    reason: status === 410 ? "Expired" : "InternalError",
    message: "no",
    outcome: "unknown",
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });

const outcomes: Readonly<Record<Fault, WatchOutcome>> = {
  "500": { type: "failed", error: apiError(500) },
  "429": { type: "failed", error: apiError(429, 20) },
  expired: { type: "expired" },
  malformed: { type: "malformed", message: "x" },
  closed: { type: "closed" },
};

/** A source over a collection, with faults on demand. */
class ScriptedSource implements ListWatch<Item> {
  readonly collection = new Collection();
  readonly requests: string[] = [];
  readonly faults: Fault[] = [];
  pageSize = 2;
  /** Keeps connections open and says nothing more. */
  frozen = false;
  #end: ((outcome: WatchOutcome) => void) | undefined;

  async listPage({ continue: token }: { readonly continue?: string }) {
    this.requests.push(token === undefined ? "list" : "page");
    await Promise.resolve();
    const fault = this.faults.shift();
    if (fault !== undefined && fault !== "closed") throw apiError(fault === "expired" ? 410 : 500);
    const all = this.collection.items();
    const from = Number(token ?? 0);
    const items = all.slice(from, from + this.pageSize);
    const next = from + this.pageSize < all.length ? { continue: String(from + this.pageSize) } : {};
    return { items, resourceVersion: String(this.collection.version), ...next };
  }

  async watch({ resourceVersion, signal, onOpen, onEvent }: WatchOptions<Item>): Promise<WatchOutcome> {
    this.requests.push(`watch ${resourceVersion}`);
    const fault = this.faults.shift();
    if (fault !== undefined) return outcomes[fault];
    let sent = Number(resourceVersion);
    if (this.collection.since(sent) === "expired") return { type: "expired" };
    onOpen();
    const deliver = (): void => {
      if (this.frozen) return;
      const entries = this.collection.since(sent);
      if (entries === "expired") return;
      for (const entry of entries) {
        sent = entry.version;
        const type = ({ ADDED: "added", MODIFIED: "modified", DELETED: "deleted" } as const)[entry.type];
        onEvent({ type, object: entry.object });
      }
    };
    const { promise, resolve } = Promise.withResolvers<WatchOutcome>();
    this.#end = resolve;
    const stopListening = this.collection.onChange(deliver);
    signal.addEventListener("abort", () => resolve({ type: "closed" }));
    deliver();
    return promise.finally(stopListening);
  }

  /** Ends the watch under way, if any. */
  end(fault: Fault): void {
    this.#end?.(outcomes[fault]);
  }
}

export const begin = () => {
  const clock = new ManualClock();
  const source = new ScriptedSource();
  const replay = new Replay();
  const log = recordingLog();
  const stop = new AbortController();
  const restarts: string[] = [];
  const reflector = new Reflector<Item>({
    name: "items",
    source,
    onChange: replay.onChange,
    clock,
    log,
    onRestart: (reason) => restarts.push(reason),
  });
  const start = () => reflector.start(stop.signal);
  return { clock, source, replay, log, stop, restarts, reflector, start, collection: source.collection };
};

export const expectEqual = ({ reflector, replay, collection }: ReturnType<typeof begin>): void => {
  expect(Replay.picture(reflector.values())).toEqual(Replay.picture(collection.items()));
  expect(Replay.picture(replay.objects.values())).toEqual(Replay.picture(collection.items()));
  expect(replay.faults).toEqual([]);
};
