/** One operator behind a proxy of its own, in a namespace of its own, and what it is judged by: it lives, it sees, it does not hammer. */
import type { ControlPlane } from "./control-plane.ts";
import { type Fault, FaultProxy, type Target } from "./fault-proxy.ts";
import { type OperatorOptions, OperatorProcess, makeHome } from "./operator-process.ts";
import { type Task, isFinished, pathOf, waitUntil } from "./bed.ts";

export interface Case {
  readonly kind: string;
  /** Whose requests are meant. */
  readonly target: Target | "wire";
  readonly begin: (proxy: FaultProxy) => void | Promise<void>;
  /** After the faults were lifted. */
  readonly end?: (proxy: FaultProxy) => void | Promise<void>;
  /** How long the fault lasts. */
  readonly seconds: number;
  /** The most requests for one path while it lasts, as the back-off allows them; connections for a fault of the wire. */
  readonly atMost: number;
  /** Seconds until what came during the fault has to be seen. */
  readonly patience?: number;
}

/** What all lanes have done, for the suite's figures. */
export const ran = new Map<string, number>();
export const violations: string[] = [];

const pause = (seconds: number): Promise<void> => new Promise((wake) => setTimeout(wake, seconds * 1000));

export class Lane {
  readonly namespace: string;
  readonly proxy: FaultProxy;
  readonly operator: OperatorProcess;
  readonly #plane: ControlPlane;
  #probes = 0;

  private constructor(plane: ControlPlane, proxy: FaultProxy, options: Omit<OperatorOptions, "plane" | "server">) {
    this.#plane = plane;
    this.proxy = proxy;
    this.namespace = options.namespace;
    this.operator = new OperatorProcess({ plane, server: proxy.server, ...options });
  }

  /** Two in one namespace stand for the same lease. */
  static async open(
    plane: ControlPlane,
    namespace: string,
    options: { readonly name?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Lane> {
    const proxy = await FaultProxy.open(plane.server, plane.pki);
    await makeHome(plane.api, namespace);
    const lane = new Lane(plane, proxy, { namespace, name: namespace, ...options });
    await lane.operator.start();
    return lane;
  }

  /** Works, and watches everything. */
  async ready(): Promise<void> {
    // Many start at once.
    await this.seen(await this.probe(), 180);
    await waitUntil(
      "it watches six collections",
      async () => this.proxy.watching,
      (watches) => watches >= 6,
    );
  }

  async close(): Promise<void> {
    await this.operator.stop();
    this.proxy.close();
  }

  /** Creates a run that has to be refused: the cheapest thing an operator can only do when it sees, reads and writes. */
  async probe(): Promise<string> {
    const name = `probe-${(this.#probes += 1)}`;
    const { status, body } = await this.#plane.api.call("POST", pathOf("BackupRun", this.namespace), {
      apiVersion: "backup.handover.dev/v1alpha1",
      kind: "BackupRun",
      metadata: { name },
      spec: { policyName: "nobody", type: "Full" },
    });
    if (status !== 201) throw new Error(`the probe is refused: ${body.message}`);
    return name;
  }
  /** The run has been refused. Twice the longest back-off, or longer than a dead watch may stay undetected. */
  async seen(name: string, seconds = 60): Promise<void> {
    const path = pathOf("BackupRun", this.namespace, name);
    const look = async (): Promise<Task> => (await this.#plane.api.call("GET", path)).body as unknown as Task;
    await waitUntil(`${name} is refused`, look, isFinished, seconds);
  }
  async sees(): Promise<void> {
    await this.seen(await this.probe());
  }

  async lease(): Promise<{ readonly holderIdentity?: string; readonly leaseTransitions?: number }> {
    const { body } = await this.#plane.api.call("GET", pathOf("Lease", this.namespace, "handover-controller"));
    return body.spec ?? {};
  }

  /** Goes through one fault; @returns what was wrong, which is noted for the figures as well. */
  async bear({ kind, target, begin, end, seconds, atMost, patience }: Case): Promise<readonly string[]> {
    const { proxy, operator } = this;
    const found: string[] = [];
    const wrong = (what: string): void => void found.push(`${target}, ${kind}: ${what}`);
    const { holderIdentity } = await this.lease();
    proxy.forget();
    await begin(proxy);
    const during = await this.probe();
    await pause(seconds);
    const [asked, met] =
      target === "wire" ? [proxy.connections, 1] : [proxy.most(target), proxy.sum(target) + proxy.watching];
    if (asked > atMost) wrong(`hammered: ${asked} requests in ${seconds} s, ${JSON.stringify([...proxy.counts])}`);
    if (met === 0) wrong("met no request");
    proxy.set({});
    await end?.(proxy);
    // The first was missed while the fault lasted; the second shows that the watch is alive.
    await this.seen(during, patience).catch(() => wrong("blind for what came during the fault"));
    await this.sees().catch(() => wrong("blind after the fault"));
    const after = await this.lease();
    if (operator.end !== undefined) {
      const last = operator.lines.slice(-8).map(({ time, msg }) => `${String(time)} ${msg}`);
      wrong(`exited with ${operator.end} after ${last.join(", ")}`);
      await operator.start();
      await this.sees();
    }
    if (operator.errors !== "") wrong(`on the standard error: ${operator.errors.slice(0, 500)}`);
    if (after.holderIdentity !== holderIdentity) wrong(`${holderIdentity} lost its lease to ${after.holderIdentity}`);
    // A watch that lived for a second begins its back-off afresh: each case finds the operator as it is in calm times.
    await pause(1.2);
    ran.set(kind, (ran.get(kind) ?? 0) + 1);
    violations.push(...found);
    return found;
  }
}

const answer = (status: number, reason: string, headers: Readonly<Record<string, string>> = {}): Fault => ({
  do: "answer",
  status,
  reason,
  headers,
});

const faults: Readonly<Record<string, Fault>> = {
  cut: { do: "cut" },
  "lost answer": { do: "lose" },
  freeze: { do: "freeze" },
  delay: { do: "delay", ms: 1_500 },
  truncate: { do: "truncate" },
  garble: { do: "garble" },
  "401": answer(401, "Unauthorized"),
  "410": answer(410, "Expired"),
  "429": answer(429, "TooManyRequests", { "retry-after": "2" }),
  "500": answer(500, "InternalError"),
  "503": answer(503, "ServiceUnavailable"),
};

/**
 * Each fault for the requests of one target. How many requests are no hammering follows from the back-off: an election that
 * fails tries every second, with two requests; a watch after 0.125, 0.25, 0.5, 1 s at the soonest; a pass the same from 0.25 s on, each with
 * up to four attempts of a list, besides the watch's own.
 */
export function cases(target: Exclude<Target, "gets">): readonly Case[] {
  const [seconds, most] = { leases: [4, 12], lists: [3, 20], watches: [3, 8], writes: [3, 8] }[target] as [
    number,
    number,
  ];
  const of = (kind: string, fault: Fault): Case => ({
    kind,
    target,
    seconds,
    // Who is told to wait 2 s comes back once.
    atMost: kind === "429" && target !== "leases" ? 4 : most,
    begin: (proxy) => {
      proxy.set({ [target]: fault });
      // Without a reason there would be no list and no new watch.
      if (target === "lists") proxy.expire();
      if (target === "watches") proxy.cutWatches();
    },
  });
  const common = Object.entries(faults).map(([kind, fault]) => of(kind, fault));
  if (target !== "watches") return common;
  return [
    ...common.filter(({ kind }) => kind !== "freeze"),
    of("flap", { do: "flap" }),
    { kind: "malformed line", target, seconds: 1, atMost: most, begin: (proxy) => proxy.inject("{oops") },
    { kind: "410 in the watch", target, seconds: 1, atMost: most, begin: (proxy) => proxy.expire() },
    {
      kind: "dropped lines",
      target,
      seconds,
      atMost: most,
      begin: (proxy) => proxy.muteWatches(),
      end: (proxy) => proxy.cutWatches(),
    },
  ];
}

/** Only the idle time, two minutes, tells that a watch is dead: each has an operator of its own, so that they wait together. */
export const silent: Readonly<Record<string, Case>> = {
  "never-answered": {
    kind: "freeze",
    target: "watches",
    seconds: 3,
    atMost: 2,
    patience: 180,
    begin: (proxy) => {
      proxy.set({ watches: { do: "freeze" } });
      proxy.cutWatches();
    },
  },
  "half-open": {
    kind: "half-open",
    target: "watches",
    seconds: 3,
    atMost: 2,
    patience: 180,
    begin: (proxy) => proxy.muteWatches(),
  },
};

/** A connection costs the operator nothing to make but is dear to the API server: a dozen each second would be hammering. */
export const wire: readonly Case[] = [
  { kind: "cut", target: "wire", seconds: 1, atMost: 20, begin: (proxy) => proxy.cutAll() },
  {
    kind: "refused",
    target: "wire",
    seconds: 5,
    atMost: 0,
    begin: (proxy) => proxy.refuse(),
    end: (proxy) => proxy.listen(),
  },
  {
    kind: "deaf",
    target: "wire",
    seconds: 5,
    atMost: 40,
    begin: (proxy) => {
      proxy.deaf = true;
      proxy.cutAll();
    },
    end: (proxy) => {
      proxy.deaf = false;
    },
  },
];
