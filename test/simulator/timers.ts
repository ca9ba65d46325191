/** Virtual time: what is due happens in its order when the clock is moved, and the clock moves by itself never. */
import type { Instant } from "../../operator/domain/instant.ts";
import type { Clock } from "../../operator/runtime/clock.ts";
import { randomOf } from "./random.ts";

interface Timer {
  readonly due: Instant;
  readonly order: number;
  readonly run: () => void;
}

export class Timers {
  now: Instant;
  /** Sorted: the next one last. */
  readonly #timers: Timer[] = [];
  #order = 0;

  constructor(now: Instant) {
    this.now = now;
  }
  get size(): number {
    return this.#timers.length;
  }
  get next(): Instant | undefined {
    return this.#timers.at(-1)?.due;
  }
  /** @returns the cancellation */
  after(milliseconds: number, run: () => void): () => void {
    const timer = { due: this.now + Math.max(0, milliseconds), order: this.#order++, run };
    let [low, high] = [0, this.#timers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#timers[middle] as Timer).due > timer.due) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }
  /** Runs the next timer, if it is due until then. @returns whether there was one */
  step(to: Instant): boolean {
    const timer = this.#timers.at(-1);
    if (timer === undefined || timer.due > to) return false;
    this.#timers.pop();
    this.now = Math.max(this.now, timer.due);
    timer.run();
    return true;
  }
  advance(to: Instant): void {
    while (this.step(to));
    this.now = Math.max(this.now, to);
  }
}

/** The clock of one process. Its timers end with it. */
export class ProcessClock implements Clock {
  readonly #timers: Timers;
  readonly #isAlive: () => boolean;
  readonly #random: () => number;
  readonly #startedAt: Instant;
  /** How far its wall clock is wrong, in milliseconds. */
  skew = 0;

  constructor(timers: Timers, isAlive: () => boolean, seed = 1) {
    this.#timers = timers;
    this.#isAlive = isAlive;
    this.#random = randomOf(seed);
    this.#startedAt = timers.now;
  }
  now(): number {
    return this.#timers.now + this.skew;
  }
  /** From another origin than the wall clock, so that mixing them shows. */
  monotonic(): number {
    return 1_000 + this.#timers.now - this.#startedAt;
  }
  after(milliseconds: number, call: () => void): () => void {
    return this.#timers.after(milliseconds, () => {
      if (this.#isAlive()) call();
    });
  }
  random(): number {
    return this.#random();
  }
}
