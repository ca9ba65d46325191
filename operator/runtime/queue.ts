/**
 * The keyed work queue, with the semantics of client-go's: a key waiting is there once, a key is never worked on twice
 * at a time, and a key added while it is worked on runs once more afterwards. Every add before shutdown is followed
 * by a run that starts after it. Must not know what the keys mean.
 */
import { Backoff } from "./backoff.ts";
import type { Clock } from "./clock.ts";

export interface QueueOptions {
  readonly clock: Clock;
  /** Back-off per key. */
  readonly baseMs?: number;
  readonly maxMs?: number;
}

/** `retry`: run again after the key's back-off. `done` forgets its failures. */
export type Outcome = "done" | "retry";

export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoff: { readonly baseMs: number; readonly maxMs: number; readonly random: () => number };
  /** Ready to run, in order; a Set keeps insertion order. */
  readonly #waiting = new Set<string>();
  /** Being run, and whether it was added again meanwhile. */
  readonly #processing = new Map<string, { dirty: boolean }>();
  readonly #delayed = new Map<string, { readonly due: number; readonly cancel: () => void }>();
  readonly #failures = new Map<string, Backoff>();
  readonly #idle: (() => void)[] = [];
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #closed = false;

  constructor({ clock, baseMs = 500, maxMs = 30_000 }: QueueOptions) {
    this.#clock = clock;
    this.#backoff = { baseMs, maxMs, random: () => clock.random() };
  }

  /** Keys ready to run; those that wait for a time or are being run do not count. */
  get depth(): number {
    return this.#waiting.size;
  }

  get active(): number {
    return this.#processing.size;
  }

  /** Runs the key as soon as a worker is free. */
  add(key: string): void {
    if (this.#closed) return;
    const running = this.#processing.get(key);
    if (running !== undefined) {
      running.dirty = true;
      return;
    }
    this.#waiting.add(key);
    this.#serve();
  }

  /** Runs the key after the time; of several times the earliest wins. A run in between does not cancel it. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#closed) return;
    if (!(milliseconds > 0)) {
      this.add(key);
      return;
    }
    const due = this.#clock.monotonic() + milliseconds;
    const pending = this.#delayed.get(key);
    if (pending !== undefined) {
      if (pending.due <= due) return;
      pending.cancel();
    }
    const cancel = this.#clock.after(milliseconds, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { due, cancel });
  }

  /** Counts a failure of the key and runs it after its back-off; returns the time in milliseconds. */
  addRateLimited(key: string): number {
    const backoff = this.#failures.get(key) ?? new Backoff(this.#backoff);
    this.#failures.set(key, backoff);
    const delay = backoff.next();
    this.addAfter(key, delay);
    return delay;
  }

  /** The key is healthy again; its next failure starts at the shortest delay. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  failures(key: string): number {
    return this.#failures.get(key)?.failures ?? 0;
  }

  /**
   * Works the queue with so many workers until it is shut down; resolves when the last run has ended. A run that
   * throws is reported and repeated after the key's back-off; it never ends a worker. `onError` must not throw.
   */
  async run(
    workers: number,
    handle: (key: string) => Promise<Outcome>,
    onError: (key: string, error: unknown, retryAfterMs: number) => void,
  ): Promise<void> {
    const work = async (): Promise<void> => {
      for (let key = await this.#take(); key !== undefined; key = await this.#take()) {
        try {
          if ((await handle(key)) === "done") this.forget(key);
          else this.addRateLimited(key);
        } catch (error) {
          onError(key, error, this.addRateLimited(key));
        } finally {
          this.#finish(key);
        }
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
  }

  /** Takes nothing more, drops what waits, cancels all timers; resolves when no key is being run. */
  async shutDown(): Promise<void> {
    this.#closed = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#waiting.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
    if (this.#processing.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #take(): Promise<string | undefined> {
    return new Promise((resolve) => {
      if (this.#closed) {
        resolve(undefined);
        return;
      }
      this.#takers.push(resolve);
      this.#serve();
    });
  }

  /** Hands waiting keys to waiting workers. A key is in processing before its worker wakes, so nobody else gets it. */
  #serve(): void {
    for (const key of this.#waiting) {
      const taker = this.#takers.shift();
      if (taker === undefined) return;
      this.#waiting.delete(key);
      this.#processing.set(key, { dirty: false });
      taker(key);
    }
  }

  #finish(key: string): void {
    const dirty = this.#processing.get(key)?.dirty ?? false;
    this.#processing.delete(key);
    if (dirty) this.add(key);
    if (this.#processing.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
