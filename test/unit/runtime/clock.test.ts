import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { Backoff } from "../../../operator/runtime/backoff.ts";
import { sleep, systemClock } from "../../../operator/runtime/clock.ts";
import { ManualClock } from "./manual-clock.ts";

beforeEach(() => void jest.useFakeTimers({ doNotFake: ["setImmediate"] }));
afterEach(() => void jest.useRealTimers());

test("a timer longer than setTimeout can hold fires at its time, not at once", async () => {
  const days = 24 * 3_600_000;
  let fired = false;
  systemClock.after(40 * days, () => (fired = true));
  await jest.advanceTimersByTimeAsync(39 * days);
  expect(fired).toBe(false);
  await jest.advanceTimersByTimeAsync(days + 1);
  expect(fired).toBe(true);
});

test("a cancelled timer of any length does not fire", async () => {
  let fired = 0;
  const cancels = [1000, 3e9].map((ms) => systemClock.after(ms, () => fired++));
  await jest.advanceTimersByTimeAsync(500);
  for (const cancel of cancels) cancel();
  expect(jest.getTimerCount()).toBe(0);
  await jest.advanceTimersByTimeAsync(4e9);
  expect(fired).toBe(0);
});

test("sleep ends with the time or the signal, and leaves nothing behind", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  let woken = 0;
  const [timed, stopped] = [sleep(clock, 100, stop.signal), sleep(clock, 5000, stop.signal)];
  void timed.then(() => woken++);
  void stopped.then(() => woken++);
  await clock.advance(100);
  expect(woken).toBe(1);
  stop.abort();
  await stopped;
  expect(clock.timers).toBe(0);
  await sleep(clock, 5000, stop.signal);
  expect(clock.timers).toBe(0);
});

test("back-off grows to its limit and stays finite", () => {
  const backoff = new Backoff({ baseMs: 100, maxMs: 1000, random: () => 1 });
  expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
  for (let failure = 0; failure < 2000; failure++) backoff.next();
  expect(backoff.next()).toBe(1000);
  backoff.reset();
  expect(backoff.next()).toBe(100);
});
