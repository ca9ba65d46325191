/** What the election writes into its lease, when it asks, and what it makes of the leases of others. */
import { describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { LeaderElector, type LeaderOptions, type LeadershipEnd } from "../../../operator/runtime/leader.ts";
import { LeaseServer, type Weather } from "./lease-server.ts";
import { ManualClock, settle } from "./manual-clock.ts";
import { recordingLog } from "./recording-log.ts";

const calm: Weather = { fault: undefined, latency: 0 };
const refused: Weather = { fault: "refuse", latency: 0 };
const slow = (latency: number): Weather => ({ fault: undefined, latency });

/** One contender, whose work lasts until its signal is aborted, and every moment at which something happened. */
class Contender {
  readonly clock = new ManualClock();
  readonly log = recordingLog();
  /** Monotonic times of its requests. */
  readonly requests: number[] = [];
  readonly changes: { readonly at: number; readonly leading: boolean }[] = [];
  readonly server: LeaseServer;
  readonly elector: LeaderElector;
  weather: readonly Weather[];
  readonly #stop = new AbortController();
  working = false;
  result: LeadershipEnd | undefined;
  ended: Promise<void> = Promise.resolve();

  /** @param weather - of each request in turn; calm when it has run out */
  constructor(server: LeaseServer, weather: readonly Weather[] = [], options: Partial<LeaderOptions> = {}) {
    const { clock } = this;
    this.server = server;
    this.weather = weather;
    this.elector = new LeaderElector({
      cluster: server.client(clock, () => {
        this.requests.push(clock.monotonic());
        const [next = calm, ...rest] = this.weather;
        this.weather = rest;
        return next;
      }),
      namespace: "ns",
      name: "lease",
      identity: "a",
      clock,
      log: this.log,
      onChange: (leading) => this.changes.push({ at: clock.monotonic(), leading }),
      ...options,
    });
  }
  start(work = this.#work): this {
    this.ended = this.elector.run(this.#stop.signal, work).then((result) => void (this.result = result));
    return this;
  }
  stop(): void {
    this.#stop.abort();
  }
  get listeners(): number {
    return getEventListeners(this.#stop.signal, "abort").length;
  }
  get levels(): readonly string[] {
    return this.log.lines.map(({ level }) => level);
  }
  readonly #work = async (signal: AbortSignal): Promise<void> => {
    this.working = true;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    this.working = false;
  };
}

const leader = async (): Promise<Contender> => {
  const contender = new Contender(new LeaseServer()).start();
  await settle();
  return contender;
};

describe("the lease", () => {
  test("is written whole, and renewed without a change of who holds it since when", async () => {
    const { server, clock } = await leader();
    const first = server.lease;
    expect(first).toMatchObject({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { namespace: "ns", name: "lease" },
      spec: { holderIdentity: "a", acquireTime: "2026-11-21T00:00:00.000000Z", leaseTransitions: 0 },
    });
    await clock.advance(2400);
    expect(server.lease?.spec).toMatchObject({ acquireTime: "2026-11-21T00:00:00.000000Z", leaseTransitions: 0 });
    expect(server.lease?.spec.renewTime).not.toBe(first?.spec.renewTime);
  });

  test("tells who holds it once it has been looked at, and when it was looked at last", async () => {
    const contender = new Contender(new LeaseServer(), [refused]);
    const { clock, elector } = contender;
    const began = clock.monotonic();
    expect([elector.holder, elector.lastAttempt]).toEqual([undefined, began]);
    await clock.advance(5);
    contender.start();
    await settle();
    expect([elector.holder, elector.lastAttempt]).toEqual([undefined, began + 5]);
    expect(contender.levels).toEqual(["warn"]);
    await clock.advance(2400);
    expect(elector.holder).toBe("a");
    expect(elector.lastAttempt).toBeGreaterThan(began + 1000);
  });

  test.each([
    { of: "a long duration", spec: { holderIdentity: "b", leaseDurationSeconds: 60 }, until: 60_000 },
    { of: "a short duration", spec: { holderIdentity: "b", leaseDurationSeconds: 1 }, until: 1000 },
    { of: "no duration: ours", spec: { holderIdentity: "b" }, until: 15_000 },
    { of: "nobody", spec: { holderIdentity: "", leaseDurationSeconds: 60 }, until: 0 },
    { of: "a deleted holder", spec: {}, until: 0 },
    { of: "no content", spec: undefined, until: 0 },
  ])("of another with $of is free after $until ms", async ({ spec, until }) => {
    const server = new LeaseServer();
    const metadata = { namespace: "ns", name: "lease", uid: "lease", resourceVersion: "other" };
    server.lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec: spec! };
    const { clock, elector } = new Contender(server).start();
    await clock.advance(Math.max(0, until - 1));
    expect(elector.holds()).toBe(until === 0);
    await clock.advance(2401);
    expect(elector.holds()).toBe(true);
  });

  const place = "pod/uid";
  const whose = (holderIdentity: string): LeaseServer => {
    const server = new LeaseServer();
    const metadata = { namespace: "ns", name: "lease", uid: "lease", resourceVersion: "other" };
    const spec = { holderIdentity, leaseDurationSeconds: 15 };
    server.lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
    return server;
  };

  test.each([
    { holder: "pod/uid/1", takes: true },
    { holder: "pod/uid2/1", takes: false },
    { holder: "pod/uid", takes: false },
  ])("of $holder is taken at once from the place pod/uid: $takes", async ({ holder, takes }) => {
    const { elector } = new Contender(whose(holder), [], { identity: `${place}/2`, place }).start();
    await settle();
    expect(elector.holds()).toBe(takes);
  });

  test("is not taken back from a successor in the same place", async () => {
    const server = new LeaseServer();
    const first = new Contender(server, [], { identity: `${place}/1`, place }).start();
    await settle();
    const second = new Contender(server, [], { identity: `${place}/2`, place }).start();
    await settle();
    await first.clock.advance(2400);
    expect([first.result, second.elector.holds(), server.holder]).toEqual(["lost", true, `${place}/2`]);
  });

  test("that another was faster to make or to change is no trouble worth a line", async () => {
    const server = new LeaseServer();
    const both = [new Contender(server).start(), new Contender(server, [], { identity: "b" }).start()];
    await settle();
    expect(both.flatMap(({ levels }) => levels)).toEqual(["info"]);
  });

  test("that was deleted and cannot be made at once is made later, and the work goes on", async () => {
    const contender = await leader();
    const { server, clock, elector } = contender;
    server.lease = undefined;
    contender.weather = [calm, refused];
    await clock.advance(2400);
    expect([contender.working, elector.holder, server.holder]).toEqual([true, undefined, undefined]);
    await clock.advance(2400);
    expect([contender.working, server.holder]).toEqual([true, "a"]);
  });

  test("that was deleted need not be released", async () => {
    const contender = await leader();
    contender.server.lease = undefined;
    contender.weather = [calm, refused];
    await contender.clock.advance(2400);
    const { length } = contender.requests;
    contender.stop();
    await contender.ended;
    expect([contender.result, contender.requests.length]).toEqual(["released", length]);
  });

  test("that cannot be released is left to expire", async () => {
    const contender = await leader();
    contender.weather = [refused];
    contender.stop();
    await contender.ended;
    expect([contender.result, contender.server.holder]).toEqual(["released", "a"]);
    expect(contender.levels).toEqual(["info", "warn"]);
  });
});

describe("the time", () => {
  test("between two renewals is the period and up to a fifth of it", async () => {
    const { clock, requests } = await leader();
    await clock.advance(60_000);
    const times = [...new Set(requests)];
    const gaps = times.slice(1).map((at, index) => at - times[index]!);
    expect(gaps.length).toBeGreaterThan(20);
    expect(gaps.filter((gap) => gap < 2000 || gap > 2400)).toEqual([]);
    // The next renewal alone: a deadline that was kept is no more.
    expect(clock.timers).toBe(1);
  });

  test("between two attempts counts from beginning to beginning, however long the answers take", async () => {
    const contender = new Contender(
      new LeaseServer(),
      Array.from({ length: 40 }, () => slow(300)),
    ).start();
    await contender.clock.advance(20_000);
    // Each attempt asks first and writes then.
    const begun = contender.requests.filter((_, index) => index % 2 === 0);
    const gaps = begun.slice(1).map((at, index) => at - begun[index]!);
    expect(gaps.length).toBeGreaterThan(5);
    expect(gaps.filter((gap) => gap < 2000 || gap > 2400)).toEqual([]);
  });

  test("after a failure is half as long, and after the next success whole again", async () => {
    const contender = new Contender(
      new LeaseServer(),
      Array.from({ length: 4 }, () => refused),
    ).start();
    await contender.clock.advance(10_000);
    const times = [...new Set(contender.requests)];
    const gaps = times.slice(1).map((at, index) => Math.floor((at - times[index]!) / 500) * 500);
    expect(gaps.slice(0, 5)).toEqual([1000, 1000, 1000, 1000, 2000]);
  });

  test("of the leadership ends with the deadline, not with the next period", async () => {
    const contender = await leader();
    const { clock, requests } = contender;
    await clock.advance(4000);
    const renewed = requests.at(-1)!;
    contender.weather = Array.from({ length: 20 }, () => refused);
    await clock.advance(20_000);
    expect(contender.result).toBe("lost");
    expect(contender.changes.at(-1)).toEqual({ at: renewed + 10_000, leading: false });
  });

  test("of a first answer that comes after the deadline does not count, and the lease is taken once more", async () => {
    const contender = new Contender(new LeaseServer(), [calm, slow(6000)]).start();
    await contender.clock.advance(11_999);
    expect([contender.working, contender.changes]).toEqual([false, []]);
    await contender.clock.advance(1);
    expect([contender.working, contender.changes.length]).toEqual([true, 1]);
  });

  test.each([
    ["renewDeadlineMs", { leaseDurationMs: 10_000, renewDeadlineMs: 10_000 }],
    ["1.2 retryPeriodMs", { renewDeadlineMs: 12_000, retryPeriodMs: 10_000 }],
  ])("limits that leave no room are refused: %s", (text, limits) => {
    expect(() => new Contender(new LeaseServer(), [], limits)).toThrow(`greater than ${text}`);
  });
});

describe("a stop", () => {
  test("while the lease is being taken reaches the work at its start", async () => {
    const contender = new Contender(new LeaseServer(), [slow(1000)]).start();
    await contender.clock.advance(500);
    contender.stop();
    await contender.clock.advance(3000);
    expect([contender.result, contender.server.holder]).toEqual(["released", ""]);
    expect(contender.changes.map(({ leading }) => leading)).toEqual([true, false]);
  });

  test("is not listened for any more when the work is over", async () => {
    const contender = new Contender(new LeaseServer()).start(() => Promise.resolve());
    await contender.ended;
    expect([contender.listeners, contender.clock.timers]).toEqual([0, 0]);
  });

  test("by work that fails is told after the release, however long that takes", async () => {
    const contender = new Contender(new LeaseServer(), [calm, calm, slow(1000)]);
    contender.start(() => Promise.reject(new Error("boom")));
    const told = contender.ended.catch((error: unknown) => error);
    await contender.clock.advance(2000);
    expect(await told).toEqual(new Error("boom"));
    expect(contender.server.holder).toBe("");
  });
});
