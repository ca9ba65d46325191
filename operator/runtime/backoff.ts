/** Exponential back-off with jitter. Each instance counts one thing's failures in a row. */

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure; the time to wait after it. Between half and the whole of the step, so that crowds spread out. */
  next(): number {
    const { baseMs, maxMs, random } = this.#options;
    // The exponent is capped: 2 ** 1100 is Infinity, and a key may fail for months.
    const step = Math.min(maxMs, baseMs * 2 ** Math.min(this.#failures, 40));
    this.#failures++;
    return step / 2 + (random() * step) / 2;
  }

  reset(): void {
    this.#failures = 0;
  }
}
