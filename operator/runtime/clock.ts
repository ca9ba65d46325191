/** Time and chance as an argument, so that tests and the simulator own them. */

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump: for records, never for durations. */
  now(): number;
  /** Milliseconds that never run backwards, from an arbitrary origin: for durations, deadlines and expiry. */
  monotonic(): number;
  /** Calls once after the time; returns the cancellation. Any finite time is allowed. */
  after(milliseconds: number, call: () => void): () => void;
  /** Uniform in [0, 1). */
  random(): number;
}

/** setTimeout fires at once for more than this, 24.8 days. */
const longestTimerMs = 2 ** 31 - 1;

const after = (milliseconds: number, call: () => void): (() => void) => {
  const due = performance.now() + milliseconds;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const left = due - performance.now();
    timer = left > longestTimerMs ? setTimeout(arm, longestTimerMs) : setTimeout(call, Math.max(0, left));
  };
  arm();
  return () => clearTimeout(timer);
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after,
  random: () => Math.random(),
};

/** Resolves after the time, or at once when the signal is or gets aborted; never rejects and leaves no timer. */
export const sleep = (clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const wake = (): void => {
      cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(milliseconds, wake);
    signal?.addEventListener("abort", wake, { once: true });
  });
