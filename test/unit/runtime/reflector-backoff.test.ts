/** How often the reflector asks when asking does not help. */
import { describe, expect, test } from "@jest/globals";
import { settle } from "./manual-clock.ts";
import { apiError, begin, expectEqual, type Fault } from "./scripted-source.ts";

describe("Reflector's back-off", () => {
  test("a watch that is refused again and again is tried ever more rarely, until one delivers", async () => {
    const run = begin();
    run.source.faults.push(...Array<Fault>(1).fill("closed"), ...Array<Fault>(60).fill("500"));
    void run.start();
    await run.reflector.synced;
    await run.clock.advance(120_000);
    const attempts = run.source.requests.length;
    expect(attempts).toBeGreaterThan(8);
    expect(attempts).toBeLessThan(25);
    run.source.faults.length = 0;
    await run.clock.advance(30_000);
    run.collection.put("a", 1);
    await settle();
    expectEqual(run);
    // The back-off starts afresh after the event.
    run.source.end("500");
    await run.clock.advance(250);
    run.collection.put("a", 2);
    await settle();
    expectEqual(run);
    run.stop.abort();
  });

  test("a watch that opens and closes at once does not become a storm", async () => {
    const run = begin();
    run.source.faults.push(...Array<Fault>(1000).fill("closed"));
    void run.start();
    await run.clock.advance(60_000);
    expect(run.source.requests.length).toBeLessThan(25);
    run.stop.abort();
  });

  test("a watch that delivers one line and closes, again and again, does not become a storm either", async () => {
    const run = begin();
    let watches = 0;
    run.source.watch = async ({ onEvent, signal }) => {
      // A reflector that does not wait would never let the clock go on.
      if (++watches > 500) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      onEvent({ type: "bookmark", resourceVersion: "100" });
      return { type: "closed" };
    };
    void run.start();
    await run.clock.advance(60_000);
    expect(watches).toBeGreaterThan(5);
    expect(watches).toBeLessThan(25);
    run.stop.abort();
  });

  test("a watch that delivered and lived for a second begins its back-off afresh", async () => {
    const run = begin();
    run.source.faults.push("closed", ...Array<Fault>(8).fill("500"));
    void run.start();
    await run.clock.advance(60_000);
    run.collection.put("a", 1);
    await run.clock.advance(1_000);
    expect(run.replay.log).toEqual(["added a 1"]);
    run.source.end("500");
    await settle();
    run.collection.put("a", 2);
    await run.clock.advance(250);
    expectEqual(run);
    run.stop.abort();
  });

  test("a Retry-After of a day does not blind for a day", async () => {
    const run = begin();
    const { source } = run;
    const watch = source.watch.bind(source);
    source.watch = async () => {
      source.watch = watch;
      return { type: "failed", error: apiError(429, 86_400) };
    };
    void run.start();
    await run.reflector.synced;
    run.collection.put("a", 1);
    await run.clock.advance(60_000);
    expect(run.replay.log).toEqual(["added a 1"]);
    run.stop.abort();
  });

  test("Retry-After is obeyed", async () => {
    const run = begin();
    run.source.faults.push("closed", "429");
    void run.start();
    await run.reflector.synced;
    await run.clock.advance(19_900);
    expect(run.source.requests).toEqual(["list", "watch 100"]);
    await run.clock.advance(100);
    expect(run.source.requests).toEqual(["list", "watch 100", "watch 100"]);
    run.stop.abort();
  });
});
