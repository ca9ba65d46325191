/** A clock that moves only when a test moves it. Chance is a seeded sequence. */
import type { Clock } from "../../../operator/runtime/clock.ts";

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly call: () => void;
}

/** Lets promise chains run that wait for nothing but each other. */
export const settle = async (): Promise<void> => {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
};

/** Waits for something that real input and output bring about; the runner's own limit ends a wait in vain. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>();
  readonly #startedAt: number;
  #elapsed = 0;
  #order = 0;
  #seed = 1;

  /** @param startedAt - wall clock at the start; the monotonic clock starts elsewhere, so that mixing them shows. */
  constructor(startedAt = Date.UTC(2026, 10, 21)) {
    this.#startedAt = startedAt;
  }

  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#startedAt + this.#elapsed;
  }

  monotonic(): number {
    return 1000 + this.#elapsed;
  }

  random(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }

  after(milliseconds: number, call: () => void): () => void {
    const timer = { due: this.#elapsed + Math.max(0, milliseconds), order: this.#order++, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on, timer by timer, and lets what each sets off run before the next. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#elapsed + milliseconds;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.due);
      next.call();
      await settle();
    }
    this.#elapsed = end;
  }

  /** Time passes and no timer fires: the process was stopped. */
  stall(milliseconds: number): void {
    this.#elapsed += milliseconds;
  }

  #next(end: number): Timer | undefined {
    const due = [...this.#timers].filter((timer) => timer.due <= end);
    const [first] = due.toSorted((a, b) => a.due - b.due || a.order - b.order);
    return first;
  }
}
