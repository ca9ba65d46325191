/** A clock that moves only when a test moves it. Chance is a seeded sequence. */
import type { Clock } from "../../../operator/runtime/clock.ts";
import { randomOf } from "../../simulator/random.ts";
import { Timers } from "../../simulator/timers.ts";

/** Lets promise chains run that wait for nothing but each other. */
export const settle = async (): Promise<void> => {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
};

/** Waits for something that real input and output bring about; the runner's own limit ends a wait in vain. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

export class ManualClock implements Clock {
  readonly #timers = new Timers(0);
  readonly #startedAt: number;
  readonly #random = randomOf(1);

  /** @param startedAt - wall clock at the start; the monotonic clock starts elsewhere, so that mixing them shows. */
  constructor(startedAt = Date.UTC(2026, 10, 21)) {
    this.#startedAt = startedAt;
  }

  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#startedAt + this.#timers.now;
  }

  monotonic(): number {
    return 1000 + this.#timers.now;
  }

  random(): number {
    return this.#random();
  }

  after(milliseconds: number, call: () => void): () => void {
    return this.#timers.after(milliseconds, call);
  }

  /** Moves on, timer by timer, and lets what each sets off run before the next. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#timers.now + milliseconds;
    await settle();
    while (this.#timers.step(end)) await settle();
    this.stall(end - this.#timers.now);
  }

  /** Time passes and no timer fires: the process was stopped. */
  stall(milliseconds: number): void {
    this.#timers.now += milliseconds;
  }
}
