import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { WorkQueue, type Outcome } from "../../../operator/runtime/queue.ts";
import { sleep } from "../../../operator/runtime/clock.ts";
import { ManualClock, settle } from "./manual-clock.ts";

/** A queue with workers whose runs end when the test says so. */
const held = (workers: number) => {
  const clock = new ManualClock();
  const queue = new WorkQueue({ clock, baseMs: 1000, maxMs: 60_000 });
  const runs: { readonly key: string; readonly end: (outcome: Outcome | Error) => void }[] = [];
  const errors: { readonly key: string; readonly delay: number }[] = [];
  const finished = queue.run(
    workers,
    (key) =>
      new Promise((resolve, reject) => {
        runs.push({ key, end: (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)) });
      }),
    (key, _, delay) => errors.push({ key, delay }),
  );
  return { clock, queue, runs, errors, finished, started: () => runs.map(({ key }) => key) };
};

describe("WorkQueue", () => {
  test("a waiting key is there once, in the order of its first add", async () => {
    const { queue, runs, started } = held(1);
    for (const key of ["busy", "a", "b", "a", "c", "b"]) queue.add(key);
    await settle();
    expect(queue.depth).toBe(3);
    for (let at = 0; at < 4; at++) {
      runs[at]!.end("done");
      await settle();
    }
    expect(started()).toEqual(["busy", "a", "b", "c"]);
  });

  test("a key added during its run runs once more afterwards, and never beside itself", async () => {
    const { queue, runs, started } = held(3);
    queue.add("a");
    await settle();
    queue.add("a");
    queue.add("a");
    await settle();
    expect(started()).toEqual(["a"]);
    runs[0]!.end("done");
    await settle();
    expect(started()).toEqual(["a", "a"]);
    runs[1]!.end("done");
    await settle();
    expect(started()).toEqual(["a", "a"]);
  });

  test("of several times the earliest wins, whatever the order they come in", async () => {
    for (const times of [
      [5000, 1000],
      [1000, 5000],
    ]) {
      const { clock, queue, started } = held(1);
      for (const time of times) queue.addAfter("a", time);
      expect(clock.timers).toBe(1);
      await clock.advance(999);
      expect(started()).toEqual([]);
      await clock.advance(1);
      expect(started()).toEqual(["a"]);
      expect(clock.timers).toBe(0);
    }
  });

  test.each([0, -5, Number.NaN])("a time of %p is now", async (time) => {
    const { queue, started, clock } = held(1);
    queue.addAfter("a", time);
    await settle();
    expect(started()).toEqual(["a"]);
    expect(clock.timers).toBe(0);
  });

  test("failures double the wait up to the limit, success forgets them", async () => {
    const { clock, queue, runs, errors } = held(1);
    queue.add("a");
    for (let failure = 0; failure < 9; failure++) {
      await settle();
      runs.at(-1)!.end(new Error("no"));
      await settle();
      expect(queue.failures("a")).toBe(failure + 1);
      await clock.advance(60_000);
    }
    for (const [failure, { delay }] of errors.entries()) {
      const step = Math.min(60_000, 1000 * 2 ** failure);
      expect(delay).toBeGreaterThanOrEqual(step / 2);
      expect(delay).toBeLessThanOrEqual(step);
    }
    runs.at(-1)!.end("done");
    await settle();
    expect(queue.failures("a")).toBe(0);
  });

  test("a run that asks for a retry waits like one that failed, without being reported", async () => {
    const { clock, queue, runs, errors, started } = held(1);
    queue.add("a");
    await settle();
    runs[0]!.end("retry");
    await settle();
    expect(started()).toEqual(["a"]);
    await clock.advance(1000);
    expect(started()).toEqual(["a", "a"]);
    expect(errors).toEqual([]);
  });

  test("shutdown waits for the runs under way, drops the rest and leaves no timer", async () => {
    const { clock, queue, runs, started, finished } = held(1);
    queue.add("a");
    queue.add("b");
    queue.addAfter("c", 5000);
    await settle();
    let down = false;
    const shutDown = queue.shutDown().then(() => (down = true));
    queue.add("d");
    queue.addAfter("e", 1);
    await settle();
    expect(down).toBe(false);
    expect(clock.timers).toBe(0);
    expect(queue.depth).toBe(0);
    runs[0]!.end("retry");
    await shutDown;
    await finished;
    expect(started()).toEqual(["a"]);
    expect(clock.timers).toBe(0);
  });

  test("shutdown waits for the last of several runs", async () => {
    const { queue, runs, finished } = held(2);
    queue.add("a");
    queue.add("b");
    await settle();
    let down = false;
    const shutDown = queue.shutDown().then(() => (down = true));
    runs[0]!.end("done");
    await settle();
    expect(down).toBe(false);
    runs[1]!.end("done");
    await shutDown;
    await finished;
  });

  test("whatever happens: no key beside itself, no more runs than workers, each add is followed by a run", async () => {
    const key = fc.constantFrom("a", "b", "c");
    const act = fc.oneof(
      fc.record({ do: fc.constant("add" as const), key }),
      fc.record({ do: fc.constant("after" as const), key, ms: fc.nat({ max: 400 }) }),
      fc.record({ do: fc.constant("limited" as const), key }),
      fc.record({ do: fc.constant("advance" as const), ms: fc.nat({ max: 300 }) }),
    );
    const run = fc.record({ ms: fc.nat({ max: 200 }), ends: fc.constantFrom("done", "retry", "throw") });
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { maxLength: 25 }),
        fc.array(run, { minLength: 1 }),
        fc.integer({ min: 1, max: 3 }),
        async (acts, plan, workers) => {
          const clock = new ManualClock();
          const queue = new WorkQueue({ clock, baseMs: 50, maxMs: 500 });
          const active = new Set<string>();
          const lastStart = new Map<string, number>();
          const wanted = new Map<string, number>();
          let starts = 0;
          const handle = async (name: string): Promise<Outcome> => {
            expect(active).not.toContain(name);
            active.add(name);
            expect(active.size).toBeLessThanOrEqual(workers);
            lastStart.set(name, ++starts);
            const { ms, ends } = plan[starts % plan.length]!;
            await sleep(clock, ms);
            active.delete(name);
            // Failures end at some time, or the queue would rightly never rest.
            if (starts > 60 || ends === "done") return "done";
            if (ends === "retry") return "retry";
            throw new Error("no");
          };
          const working = queue.run(workers, handle, () => undefined);
          for (const step of acts) {
            if (step.do === "advance") await clock.advance(step.ms);
            else {
              wanted.set(step.key, starts);
              if (step.do === "add") queue.add(step.key);
              else if (step.do === "after") queue.addAfter(step.key, step.ms);
              else queue.addRateLimited(step.key);
            }
          }
          while (clock.timers > 0 || queue.depth > 0 || queue.active > 0) await clock.advance(1000);
          for (const [name, before] of wanted) expect(lastStart.get(name) ?? 0).toBeGreaterThan(before);
          await queue.shutDown();
          await working;
          expect(clock.timers).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});
