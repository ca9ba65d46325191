/**
 * Keeps a copy of one collection in memory and tells what changes, whatever the network does: paged lists, a watch
 * that continues from the last resourceVersion, relists where history is lost, back-off, and a cure for connections
 * that died without a word. Its copy is a hint for what to work on; decisions that destroy something read again.
 */
import type { KubeObject } from "../api/kinds.ts";
import { ApiError, isExpired } from "../cluster/errors.ts";
import type { ListWatch, WatchEvent, WatchOutcome } from "../cluster/watch.ts";
import type { Log } from "../log.ts";
import { Backoff } from "./backoff.ts";
import { sleep, type Clock } from "./clock.ts";
import { ObjectStore, type Change } from "./store.ts";

export interface ReflectorOptions<T extends KubeObject> {
  /** For logs and metrics: the resource. */
  readonly name: string;
  readonly source: ListWatch<T>;
  /** Should only enqueue keys. What it throws is logged and changes nothing. */
  readonly onChange: (change: Change<T>) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** A watch was started again; the reason is one of a few words. */
  readonly onRestart?: (reason: WatchOutcome["type"] | "idle" | "list") => void;
  /** Silence after which a connection counts as dead. Longer than the minute between two bookmarks. */
  readonly idleMs?: number;
  /** The age at which a copy is listed afresh when its watch ends anyway: a net under everything nobody thought of. */
  readonly relistMs?: number;
}

/** A quiet watch that lived this long ended by its own timeout, and is no failure. */
const healthyMs = 5_000;
/**
 * The same for one that delivered. Shorter lives are failures whatever they delivered: a server or load balancer that ends each
 * watch after its first line would else be asked as fast as it answers.
 */
const usefulMs = 1_000;
/** The longest that an answer may send us away: one that says "tomorrow" must not blind us until then. */
const longestRetryAfterMs = 60_000;

export class Reflector<T extends KubeObject> {
  /** Resolves true after the first complete list has been told, false when stopped before. */
  readonly synced: Promise<boolean>;
  readonly name: string;
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #relistMs: number;
  readonly #store = new ObjectStore<T>();
  readonly #backoff: Backoff;
  readonly #resolveSynced: (synced: boolean) => void;
  #resourceVersion = "";
  #listedAt: number | undefined;
  #lastActivity: number;
  #lastTurn: number;
  #started = false;

  constructor(options: ReflectorOptions<T>) {
    const { clock, idleMs = 120_000, relistMs = 600_000 } = options;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.name = options.name;
    this.#options = options;
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#relistMs = relistMs;
    this.#backoff = new Backoff({ baseMs: 250, maxMs: 10_000, random: () => clock.random() });
    this.#lastActivity = clock.monotonic();
    this.#lastTurn = this.#lastActivity;
    this.synced = promise;
    this.#resolveSynced = resolve;
  }

  get hasSynced(): boolean {
    return this.#listedAt !== undefined;
  }

  /** Monotonic time of the last sign of life: a list, an accepted watch, a line. */
  get lastActivity(): number {
    return this.#lastActivity;
  }

  /**
   * Monotonic time when the loop last began a request, whether or not anyone answers: liveness. At most idle time,
   * longest back-off and one list apart; a restart would not help against an API server that is down.
   */
  get lastTurn(): number {
    return this.#lastTurn;
  }

  get(namespace: string, name: string): T | undefined {
    return this.#store.get(namespace, name);
  }

  values(): IterableIterator<T> {
    return this.#store.values();
  }

  /** Runs until the signal is aborted; never rejects. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#started) throw new Error(`the reflector of ${this.name} has been started before`);
    this.#started = true;
    let relist = true;
    while (!signal.aborted) {
      this.#lastTurn = this.#clock.monotonic();
      relist = relist ? !(await this.#list(signal)) : await this.#watch(signal);
    }
    this.#resolveSynced(false);
  }

  /** Lists everything; false after a failure and the wait it is worth. */
  async #list(signal: AbortSignal): Promise<boolean> {
    try {
      const items: T[] = [];
      let token: string | undefined;
      let resourceVersion: string;
      do {
        this.#lastTurn = this.#clock.monotonic();
        const page = await this.#options.source.listPage({
          signal,
          ...(token === undefined ? {} : { continue: token }),
        });
        if (signal.aborted) return false;
        this.#touch();
        items.push(...page.items);
        ({ continue: token, resourceVersion } = page);
      } while (token !== undefined);
      this.#resourceVersion = resourceVersion;
      for (const change of this.#store.replace(items)) this.#tell(change);
      this.#listedAt = this.#clock.monotonic();
      this.#resolveSynced(true);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      // An expired continue token is normal in a busy cluster: start over with the first page, after the same wait.
      this.#options.log.warn({ resource: this.name, expired: isExpired(error), err: error }, "listing failed");
      this.#options.onRestart?.("list");
      await this.#wait(signal, retryAfterMs(error));
      return false;
    }
  }

  /** Watches once from the last known version, and waits before the next attempt where that is due; true to list again. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const startedAt = this.#clock.monotonic();
    const idle = new AbortController();
    let lines = 0;
    const guard = this.#guardIdle(idle);
    const outcome = await this.#options.source
      .watch({
        resourceVersion: this.#resourceVersion,
        signal: AbortSignal.any([signal, idle.signal]),
        onOpen: () => this.#touch(),
        onEvent: (event) => {
          // Lines that were already read when we gave the connection up would be told twice.
          if (signal.aborted || idle.signal.aborted) return;
          this.#touch();
          lines++;
          this.#apply(event);
        },
      })
      .finally(guard);
    if (signal.aborted) return false;
    const healthy = this.#clock.monotonic() - startedAt >= (lines > 0 ? usefulMs : healthyMs);
    if (healthy) this.#backoff.reset();
    this.#options.onRestart?.(idle.signal.aborted ? "idle" : outcome.type);
    if (idle.signal.aborted) {
      // Silence is no news: continue from where we were. A copy that is never listed afresh would be cheaper still.
      this.#options.log.info({ resource: this.name, idleMs: this.#idleMs }, "watch was silent, connecting again");
      return this.#isOld();
    }
    if (outcome.type === "closed" && healthy) return this.#isOld();
    if (outcome.type === "malformed")
      this.#options.log.error({ resource: this.name, line: outcome.message }, "watch sent nonsense, listing again");
    if (outcome.type === "failed") this.#options.log.warn({ resource: this.name, err: outcome.error }, "watch failed");
    await this.#wait(signal, outcome.type === "failed" ? retryAfterMs(outcome.error) : 0);
    return outcome.type === "expired" || outcome.type === "malformed" || this.#isOld();
  }

  /** Aborts when nothing has been heard for the idle time; returns its own end. */
  #guardIdle(idle: AbortController): () => void {
    const startedAt = this.#clock.monotonic();
    let cancel: () => void;
    const arm = (): void => {
      const heardAt = Math.max(startedAt, this.#lastActivity);
      const left = heardAt + this.#idleMs - this.#clock.monotonic();
      if (left <= 0) idle.abort();
      else cancel = this.#clock.after(left, arm);
    };
    cancel = () => undefined;
    arm();
    return () => cancel();
  }

  #isOld(): boolean {
    return this.#listedAt === undefined || this.#clock.monotonic() - this.#listedAt >= this.#relistMs;
  }

  async #wait(signal: AbortSignal, atLeastMs: number): Promise<void> {
    await sleep(this.#clock, Math.max(this.#backoff.next(), atLeastMs), signal);
  }

  #touch(): void {
    this.#lastActivity = this.#clock.monotonic();
  }

  #apply(event: WatchEvent<T>): void {
    if (event.type === "bookmark") {
      this.#resourceVersion = event.resourceVersion;
      return;
    }
    this.#resourceVersion = event.object.metadata.resourceVersion;
    const changes = event.type === "deleted" ? this.#store.remove(event.object) : this.#store.put(event.object);
    for (const change of changes) this.#tell(change);
  }

  #tell(change: Change<T>): void {
    const report = (error: unknown): void =>
      this.#options.log.error(
        { resource: this.name, object: change.object.metadata.name, err: error },
        "change handler failed",
      );
    try {
      const returned: unknown = this.#options.onChange(change);
      // The type forbids promises, but one that slips through must not become an unhandled rejection.
      if (returned instanceof Promise) returned.catch(report);
    } catch (error) {
      report(error);
    }
  }
}

const retryAfterMs = (error: unknown): number =>
  error instanceof ApiError ? Math.min((error.retryAfterSeconds ?? 0) * 1000, longestRetryAfterMs) : 0;
