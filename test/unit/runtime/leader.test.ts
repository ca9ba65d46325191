import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { Clock } from "../../../operator/runtime/clock.ts";
import { LeaderElector, type LeadershipEnd } from "../../../operator/runtime/leader.ts";
import { LeaseServer, type Fault, type Weather } from "./lease-server.ts";
import { ManualClock, settle } from "./manual-clock.ts";
import { recordingLog } from "./recording-log.ts";

const calm: Weather = { fault: undefined, latency: 0 };

/** A contender whose work lasts until it is told to end, or, unless it is stubborn, until its signal is aborted. */
const contend = (
  server: LeaseServer,
  clock: Clock,
  identity: string,
  options: { stubborn?: boolean; weather?: () => Weather } = {},
) => {
  const elector = new LeaderElector({
    cluster: server.client(clock, options.weather ?? (() => calm)),
    namespace: "ns",
    name: "lease",
    identity,
    clock,
    log: recordingLog(),
    onChange: (leading) => changes.push(leading),
  });
  const changes: boolean[] = [];
  const stop = new AbortController();
  const contender = {
    elector,
    changes,
    stop: () => stop.abort(),
    end: (): void => undefined,
    working: false,
    signal: undefined as AbortSignal | undefined,
    result: undefined as LeadershipEnd | undefined,
    run: Promise.resolve(),
  };
  contender.run = elector
    .run(stop.signal, async (signal) => {
      contender.working = true;
      contender.signal = signal;
      await new Promise<void>((resolve) => {
        contender.end = resolve;
        if (options.stubborn !== true) signal.addEventListener("abort", () => resolve());
      });
      contender.working = false;
    })
    .then((result) => void (contender.result = result));
  return contender;
};

describe("LeaderElector", () => {
  test("one of two works, and goes on working", async () => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    const [a, b] = [contend(server, clock, "a"), contend(server, clock, "b")];
    await clock.advance(60_000);
    expect([a, b].filter(({ working }) => working)).toHaveLength(1);
    expect([a, b].filter(({ elector }) => elector.holds())).toHaveLength(1);
    expect(a.elector.holder).toBe(b.elector.holder);
    expect(server.lease?.spec).toMatchObject({ leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(server.lease?.spec.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test("a successor waits for the expiry by its own clock, whatever the times in the lease say", async () => {
    const server = new LeaseServer();
    const dead = new ManualClock(Date.UTC(2050, 0, 1));
    contend(server, dead, "dead");
    await settle();
    expect(server.holder).toBe("dead");
    const clock = new ManualClock(Date.UTC(2020, 0, 1));
    const next = contend(server, clock, "next");
    await clock.advance(14_900);
    expect(next.working).toBe(false);
    await clock.advance(2600);
    expect(next.working).toBe(true);
    expect(server.lease?.spec.leaseTransitions).toBe(1);
  });

  test("a successor starts within one retry of a graceful stop", async () => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    const a = contend(server, clock, "a");
    await settle();
    const b = contend(server, clock, "b");
    await clock.advance(5000);
    a.stop();
    await settle();
    expect(a.result).toBe("released");
    expect(server.holder).toBe("");
    await clock.advance(2400);
    expect(b.working).toBe(true);
    expect(a.changes).toEqual([true, false]);
  });

  test("the lease is kept until the work has ended, however long it drains", async () => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    const a = contend(server, clock, "a", { stubborn: true });
    await settle();
    const b = contend(server, clock, "b");
    a.stop();
    await clock.advance(60_000);
    expect(a.signal?.aborted).toBe(true);
    expect([a.working, a.elector.holds(), b.working]).toEqual([true, true, false]);
    a.end();
    await clock.advance(2400);
    expect([a.result, b.working]).toEqual(["released", true]);
  });

  test.each<[string, Fault]>([
    ["are refused", "refuse"],
    ["hang", "hang"],
  ])("renewals that %s end the leadership before anyone else can begin his", async (_, fault) => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    let weather = calm;
    const a = contend(server, clock, "a", { weather: () => weather });
    await settle();
    const b = contend(server, clock, "b");
    await clock.advance(4000);
    weather = { fault, latency: 0 };
    await clock.advance(10_000);
    expect([a.result, a.working, a.elector.holds()]).toEqual(["lost", false, false]);
    expect(b.working).toBe(false);
    await clock.advance(10_000);
    expect(b.working).toBe(true);
  });

  // The client gives a request of the election two seconds.
  test.each([
    ["end in their timeout", 2_000, 5_000],
    ["are refused", 0, 6_300],
  ])("requests that %s cost no lease for a while, whenever it begins", async (_, latency, storm) => {
    for (let begin = 0; begin <= 2_400; begin += 100) {
      const [clock, server] = [new ManualClock(), new LeaseServer()];
      let [weather, asked] = [calm, 0];
      const a = contend(server, clock, "a", { weather: () => ((asked += 1), weather) });
      await clock.advance(10_000 + begin);
      [weather, asked] = [{ fault: "refuse", latency }, 0];
      await clock.advance(storm);
      expect(asked).toBeLessThanOrEqual(7);
      weather = calm;
      await clock.advance(10_000);
      expect([begin, a.result, a.working]).toEqual([begin, undefined, true]);
      a.stop();
      await clock.advance(1);
    }
  });

  test("a process that was stopped knows on waking that it is no longer leader", async () => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    const a = contend(server, clock, "a");
    await clock.advance(4000);
    expect(a.elector.holds()).toBe(true);
    clock.stall(11_000);
    expect(a.elector.holds()).toBe(false);
    await clock.advance(1);
    expect(a.result).toBe("lost");
  });

  test("a late answer does not make a leader of one who has given up", async () => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    let weather = calm;
    const a = contend(server, clock, "a", { weather: () => weather });
    await settle();
    weather = { fault: "refuse", latency: 0 };
    await clock.advance(7000);
    // The attempt that begins now needs six seconds, and the deadline is three away.
    weather = { fault: undefined, latency: 1500 };
    await clock.advance(3000);
    expect(a.result).toBe("lost");
    const before = server.lease?.metadata.resourceVersion;
    await clock.advance(5500);
    expect(server.lease?.metadata.resourceVersion).not.toBe(before);
    expect(a.elector.holds()).toBe(false);
  });

  test("a lease counts from the sending of the request, not from its late answer", async () => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    const storm: Weather[] = [calm, { fault: undefined, latency: 6000 }];
    const a = contend(server, clock, "a", { weather: () => storm.shift() ?? { fault: "refuse", latency: 0 } });
    await clock.advance(12_000);
    expect(server.holder).toBe("a");
    expect([a.elector.holds(), a.working]).toEqual([false, false]);
    a.stop();
    await a.run;
  });

  test("a lease taken away by hand ends the leadership at the next renewal", async () => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    const a = contend(server, clock, "a");
    await settle();
    const { lease } = server;
    server.lease = {
      ...lease!,
      metadata: { ...lease!.metadata, resourceVersion: "x" },
      spec: { holderIdentity: "someone" },
    };
    await clock.advance(2400);
    expect(a.result).toBe("lost");
    expect(server.holder).toBe("someone");
  });

  test("a deleted lease is made again", async () => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    const a = contend(server, clock, "a");
    await settle();
    server.lease = undefined;
    await clock.advance(2400);
    expect([a.working, server.holder]).toEqual([true, "a"]);
  });

  test("work that ends or fails releases the lease, and the failure is passed on", async () => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    const a = contend(server, clock, "a", { stubborn: true });
    await settle();
    a.end();
    await settle();
    expect([a.result, server.holder]).toEqual(["released", ""]);
    const elector = new LeaderElector({
      cluster: server.client(clock),
      namespace: "ns",
      name: "lease",
      identity: "b",
      clock,
      log: recordingLog(),
    });
    await expect(elector.run(new AbortController().signal, () => Promise.reject(new Error("boom")))).rejects.toThrow(
      "boom",
    );
    expect(server.holder).toBe("");
    expect(clock.timers).toBe(0);
  });

  test("stopping a contender that waits ends it and leaves no timer", async () => {
    const [clock, server] = [new ManualClock(), new LeaseServer()];
    contend(server, new ManualClock(), "a");
    await settle();
    const b = contend(server, clock, "b");
    await clock.advance(3000);
    b.stop();
    await b.run;
    expect(b.result).toBe("released");
    expect(clock.timers).toBe(0);
    expect(server.holder).toBe("a");
  });

  test("periods that cannot be safe are refused", () => {
    const options = {
      cluster: new LeaseServer().client(new ManualClock()),
      namespace: "ns",
      name: "x",
      identity: "a",
      clock: new ManualClock(),
      log: recordingLog(),
    };
    expect(() => new LeaderElector({ ...options, renewDeadlineMs: 15_000 })).toThrow("leaseDurationMs");
    expect(() => new LeaderElector({ ...options, retryPeriodMs: 9000 })).toThrow("renewDeadlineMs");
  });

  test("whatever the network does: never two who believe to hold the lease, and one again in calm weather", async () => {
    const weather = fc.record({
      fault: fc.constantFrom<Fault>(undefined, undefined, undefined, "refuse", "lost"),
      latency: fc.constantFrom(0, 0, 10, 700, 3000, 9000),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(weather, { minLength: 5, maxLength: 60 }),
        fc.array(fc.constantFrom(200, 1000, 3000), { minLength: 10, maxLength: 40 }),
        async (storm, steps) => {
          const [clock, server] = [new ManualClock(), new LeaseServer()];
          let at = 0;
          const next = (): Weather => storm[at++] ?? calm;
          const contenders = ["a", "b", "c"].map((name) => contend(server, clock, name, { weather: next }));
          const check = (): void => {
            expect(contenders.filter(({ elector }) => elector.holds()).length).toBeLessThanOrEqual(1);
            expect(contenders.filter(({ result, working }) => result === "lost" && working)).toEqual([]);
          };
          for (const step of steps) {
            for (let part = 0; part < step; part += 200) {
              await clock.advance(200);
              check();
            }
          }
          at = storm.length;
          contenders.push(contend(server, clock, "d"));
          await clock.advance(60_000);
          check();
          expect(contenders.filter(({ working }) => working)).toHaveLength(1);
          for (const { stop } of contenders) stop();
          await clock.advance(1);
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);
});
