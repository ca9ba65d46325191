import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { Reflector } from "../../../operator/runtime/reflector.ts";
import type { Item } from "../cluster/collection.ts";
import { settle } from "./manual-clock.ts";
import { begin, expectEqual, type Fault } from "./scripted-source.ts";

describe("Reflector", () => {
  test("lists all pages, tells them when complete, then follows the watch", async () => {
    const run = begin();
    for (const name of ["a", "b", "c", "d", "e"]) run.collection.put(name, 1);
    const done = run.start();
    expect(run.reflector.hasSynced).toBe(false);
    expect(await run.reflector.synced).toBe(true);
    await settle();
    expect(run.source.requests).toEqual(["list", "page", "page", "watch 105"]);
    run.collection.put("b", 2);
    run.collection.remove("c");
    run.collection.put("f", 1);
    await settle();
    expectEqual(run);
    expect(run.replay.log.slice(5)).toEqual(["modified b 2", "deleted c 1", "added f 1"]);
    expect(run.reflector.get("ns", "b")?.spec.value).toBe(2);
    expect(run.reflector.get("ns", "c")).toBeUndefined();
    run.stop.abort();
    await done;
    expect(run.clock.timers).toBe(0);
  });

  test("keeps no managedFields", async () => {
    const run = begin();
    run.collection.put("a", 1);
    void run.start();
    await run.reflector.synced;
    run.collection.put("b", 1);
    await settle();
    for (const item of run.reflector.values()) expect(item.metadata).not.toHaveProperty("managedFields");
    expect([...run.reflector.values()]).toHaveLength(2);
    run.stop.abort();
  });

  test("continues from the last version after a cut, without a list", async () => {
    const run = begin();
    void run.start();
    await run.reflector.synced;
    run.collection.put("a", 1);
    await settle();
    run.source.end("500");
    await settle();
    run.collection.recreate("a", 2);
    await run.clock.advance(250);
    expectEqual(run);
    expect(run.source.requests).toEqual(["list", "watch 100", "watch 101"]);
    expect(run.replay.log).toEqual(["added a 1", "deleted a 1", "added a 2"]);
    run.stop.abort();
  });

  test("lists again when history is lost, and sees that an object is another one", async () => {
    const run = begin();
    run.collection.put("a", 1);
    run.collection.put("b", 1);
    void run.start();
    await run.reflector.synced;
    await settle();
    run.source.end("500");
    await settle();
    run.collection.recreate("a", 2);
    run.collection.remove("b");
    run.collection.compact();
    await run.clock.advance(2000);
    expectEqual(run);
    expect(run.replay.log.slice(2)).toEqual(["deleted b 1", "deleted a 1", "added a 2"]);
    expect(run.restarts).toEqual(["failed", "expired"]);
    run.stop.abort();
  });

  test("lists again after a line that was no event", async () => {
    const run = begin();
    void run.start();
    await run.reflector.synced;
    await settle();
    run.source.end("malformed");
    await run.clock.advance(300);
    expect(run.source.requests).toEqual(["list", "watch 100", "list", "watch 100"]);
    run.stop.abort();
  });

  test("starts over when the continue token expires", async () => {
    const run = begin();
    for (const name of ["a", "b", "c"]) run.collection.put(name, 1);
    run.source.faults.push("closed", "expired");
    void run.start();
    await run.clock.advance(300);
    expect(run.source.requests).toEqual(["list", "page", "list", "page", "watch 103"]);
    expectEqual(run);
    run.stop.abort();
  });

  test("connects again after silence, from where it was, and is not fooled by a frozen connection", async () => {
    const run = begin();
    void run.start();
    await run.reflector.synced;
    run.collection.put("a", 1);
    await settle();
    run.source.frozen = true;
    run.collection.put("a", 2);
    await run.clock.advance(119_000);
    expect(run.replay.log).toEqual(["added a 1"]);
    run.source.frozen = false;
    await run.clock.advance(1000);
    expectEqual(run);
    expect(run.restarts).toEqual(["idle"]);
    expect(run.source.requests).toEqual(["list", "watch 100", "watch 101"]);
    run.stop.abort();
  });

  test("an event keeps a connection from counting as silent", async () => {
    const run = begin();
    void run.start();
    await run.reflector.synced;
    for (let minute = 0; minute < 8; minute++) {
      await run.clock.advance(60_000);
      run.collection.put("a", minute);
    }
    expect(run.source.requests).toEqual(["list", "watch 100"]);
    run.stop.abort();
  });

  test("lists afresh now and then, when a watch ends anyway", async () => {
    const run = begin();
    void run.start();
    await run.reflector.synced;
    for (let watch = 0; watch < 3; watch++) {
      run.collection.put("a", watch);
      await run.clock.advance(100_000);
      run.collection.put("a", 10 + watch);
      await run.clock.advance(110_000);
      run.source.end("closed");
      await settle();
    }
    expect(run.source.requests.filter((request) => request === "list")).toHaveLength(2);
    expectEqual(run);
    run.stop.abort();
  });

  test("a handler that throws or rejects is reported and changes nothing", async () => {
    const run = begin();
    const reflector = new Reflector<Item>({
      name: "items",
      source: run.source,
      // oxlint-disable-next-line typescript/no-misused-promises -- the mistake under test
      onChange: ({ object }) => {
        if (object.metadata.name === "a") throw new Error("boom");
        return Promise.reject(new Error("bang"));
      },
      clock: run.clock,
      log: run.log,
    });
    void reflector.start(run.stop.signal);
    await reflector.synced;
    run.collection.put("a", 1);
    run.collection.put("b", 1);
    await settle();
    expect([...reflector.values()]).toHaveLength(2);
    expect(run.log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual(
      Array(2).fill("error change handler failed"),
    );
    run.stop.abort();
  });

  test("what a connection still says after it was given up is not told", async () => {
    const run = begin();
    let late: () => void = () => undefined;
    const { source } = run;
    const watch = source.watch.bind(source);
    source.watch = async (options) => {
      late = () => options.onEvent({ type: "added", object: run.collection.put("late", 1) });
      return watch(options);
    };
    const done = run.start();
    await run.reflector.synced;
    await settle();
    source.frozen = true;
    run.stop.abort();
    late();
    await done;
    expect(run.replay.log).toEqual([]);
  });

  test.each(["before the first list", "during back-off", "during the watch"])(
    "stops %s without leaks",
    async (when) => {
      const run = begin();
      if (when === "during back-off") run.source.faults.push("500");
      const done = run.start();
      if (when !== "before the first list") await settle();
      if (when === "during the watch") await run.reflector.synced;
      run.stop.abort();
      await done;
      expect(await run.reflector.synced).toBe(when === "during the watch");
      expect(run.clock.timers).toBe(0);
      run.collection.put("late", 1);
      await settle();
      expect(run.replay.log).toEqual([]);
    },
  );

  test("whatever happens to object and network, the copy and its changes lead to the truth", async () => {
    const name = fc.constantFrom("a", "b", "c");
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constantFrom("put" as const, "remove" as const, "recreate" as const), name }),
      },
      fc.record({
        do: fc.constant("end" as const),
        fault: fc.constantFrom<Fault>("500", "429", "expired", "malformed", "closed"),
      }),
      fc.record({
        do: fc.constant("next" as const),
        fault: fc.constantFrom<Fault>("500", "expired", "malformed", "closed"),
      }),
      fc.record({ do: fc.constant("compact" as const) }),
      fc.record({ do: fc.constant("freeze" as const) }),
      fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(0, 200, 5000, 130_000, 700_000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const run = begin();
        run.collection.put("a", 0);
        const done = run.start();
        for (const [value, act] of steps.entries()) {
          if (act.do === "advance") await run.clock.advance(act.ms);
          else if (act.do === "compact") run.collection.compact();
          else if (act.do === "freeze") run.source.frozen = !run.source.frozen;
          else if (act.do === "end") run.source.end(act.fault);
          else if (act.do === "next") run.source.faults.push(act.fault);
          else if (act.do === "put") run.collection.put(act.name, value);
          else if (act.do === "remove") run.collection.remove(act.name);
          else run.collection.recreate(act.name, value);
        }
        run.source.frozen = false;
        run.source.faults.length = 0;
        await run.clock.advance(200_000);
        expectEqual(run);
        run.stop.abort();
        await done;
        expect(run.clock.timers).toBe(0);
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});
