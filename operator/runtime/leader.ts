/**
 * Leader election on a Lease, by client-go's algorithm. Expiry is judged by when *we* saw the lease change, on our
 * monotonic clock; the times in the lease are for people. Whoever cannot renew within `renewDeadlineMs` stops being
 * leader before anyone else can have become it. No lease fences the API server: every write of ours is safe under
 * two leaders, and the election only keeps them from getting in each other's way.
 */
import { leases, type KubeObject } from "../api/kinds.ts";
import type { Cluster } from "../cluster/client.ts";
import type { Log } from "../log.ts";
import { sleep, type Clock } from "./clock.ts";

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}
type LeaderLease = KubeObject<LeaseSpec | undefined>;

export interface LeaderOptions {
  /**
   * With a request timeout below half of `leaseDurationMs - renewDeadlineMs` and without retries or fence: a slow
   * request must not outlive the deadline it is to meet.
   */
  readonly cluster: Pick<Cluster, "get" | "create" | "update">;
  readonly namespace: string;
  readonly name: string;
  /** Different for each process, also for a restarted one. */
  readonly identity: string;
  /**
   * What its identity begins with, if no two processes that run can share it, such as the uid of a pod: who held the lease under
   * it before has ended, and an app may be waiting.
   */
  readonly place?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  readonly onChange?: (leading: boolean) => void;
}

/** `released`: stopped as asked, the work has ended, a successor can start at once. `lost`: exit now, without draining. */
export type LeadershipEnd = "released" | "lost";

export class LeaderElector {
  readonly #options: LeaderOptions;
  readonly #clock: Clock;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  #observed: { readonly lease: LeaderLease; readonly at: number } | undefined;
  /** Monotonic time before the request of the last successful renewal was sent; undefined while not leading. */
  #renewedAt: number | undefined;
  /** Set for good: an answer that arrives after the end must not make us leader again. */
  #ended = false;
  /** Monotonic time when the last attempt began, and whether it got no answer that tells who holds the lease. */
  #attemptedAt: number;
  #failed = false;
  #lastAttempt: number;

  constructor(options: LeaderOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
    // client-go's own preconditions; the jitter stretches a period by up to a fifth.
    if (leaseDurationMs <= renewDeadlineMs) throw new Error("leaseDurationMs must be greater than renewDeadlineMs");
    if (renewDeadlineMs <= retryPeriodMs * 1.2)
      throw new Error("renewDeadlineMs must be greater than 1.2 retryPeriodMs");
    this.#options = options;
    this.#clock = options.clock;
    this.#leaseDurationMs = leaseDurationMs;
    this.#renewDeadlineMs = renewDeadlineMs;
    this.#retryPeriodMs = retryPeriodMs;
    this.#attemptedAt = this.#clock.monotonic();
    this.#lastAttempt = this.#attemptedAt;
  }

  /** True while our own clock says that nobody else can hold the lease. Ask before every write. */
  holds(): boolean {
    if (this.#ended || this.#renewedAt === undefined) return false;
    return this.#clock.monotonic() - this.#renewedAt < this.#renewDeadlineMs;
  }

  /** Who holds the lease, as last seen. */
  get holder(): string | undefined {
    return this.#observed?.lease.spec?.holderIdentity || undefined;
  }

  /** Monotonic time of the last finished attempt, successful or not: liveness of the loop. */
  get lastAttempt(): number {
    return this.#lastAttempt;
  }

  /**
   * Waits for the lease, then does the work until it ends, the signal is aborted or the lease is lost. The work's own
   * signal is aborted in the latter two cases; when stopping, the lease is renewed until the work has settled, so that
   * no successor starts beside it, and is then released. Work that rejects counts as ended; the error is passed on.
   */
  async run(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<LeadershipEnd> {
    while (!signal.aborted && !(await this.#acquire())) await this.#pause(signal);
    if (!this.holds()) return "released";
    const { log, onChange, identity } = this.#options;
    log.info({ identity }, "became leader");
    onChange?.(true);
    const lead = new AbortController();
    const stop = (): void => lead.abort();
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    const settled = new AbortController();
    const done = work(lead.signal).finally(() => settled.abort());
    // A rejection is handled below; until then it must not count as unhandled.
    done.catch(() => undefined);
    try {
      const kept = await this.#renewUntil(settled.signal);
      this.#ended = true;
      onChange?.(false);
      if (!kept) {
        log.error({ identity, holder: this.holder }, "lost the lease");
        return "lost";
      }
      await this.#release();
      await done;
      return "released";
    } finally {
      signal.removeEventListener("abort", stop);
      lead.abort();
    }
  }

  /** A lease got by an answer that took longer than the deadline is not ours yet, and is taken once more. */
  async #acquire(): Promise<boolean> {
    await this.#attempt();
    if (this.holds()) return true;
    this.#renewedAt = undefined;
    return false;
  }

  /** Renews until the work has settled; false when the lease could not be renewed in time or is another's. */
  async #renewUntil(settled: AbortSignal): Promise<boolean> {
    for (;;) {
      await this.#pause(settled);
      // After a stall of the process too: what happened meanwhile is unknown, and a new process knows it soonest.
      if (settled.aborted || !this.holds()) return this.holds();
      const deadline = new AbortController();
      const cancel = this.#clock.after(this.#deadline() - this.#clock.monotonic(), () => deadline.abort());
      // A request that hangs must not keep us leader: whichever comes first, its answer or the deadline.
      await Promise.race([this.#attempt(), aborted(deadline.signal)]);
      cancel();
      if (!this.holds() || this.#isAnothers()) return false;
    }
  }

  #deadline(): number {
    return (this.#renewedAt ?? 0) + this.#renewDeadlineMs;
  }

  #isAnothers(): boolean {
    const { holder } = this;
    return holder !== undefined && holder !== this.#options.identity;
  }

  /**
   * Never past the deadline. A period lies between the beginnings of two attempts: were the time of an attempt that hung added
   * to it, a freeze of less than half the deadline would leave no other attempt before the end. After a failure it is half as
   * long, so that a server that is back is not found a moment too late.
   */
  async #pause(signal: AbortSignal): Promise<void> {
    const now = this.#clock.monotonic();
    const period = this.#retryPeriodMs * (1 + 0.2 * this.#clock.random()) * (this.#failed ? 0.5 : 1);
    const due = this.#attemptedAt + period;
    const end = this.#renewedAt === undefined ? due : Math.min(due, this.#deadline());
    await sleep(this.#clock, Math.max(0, end - now), signal);
  }

  /** Takes or renews the lease for another `leaseDurationMs`, if it can. Never throws. */
  async #attempt(): Promise<void> {
    const { cluster, namespace, name, log } = this.#options;
    const startedAt = this.#clock.monotonic();
    this.#attemptedAt = startedAt;
    this.#failed = false;
    try {
      const lease = await cluster.get<LeaderLease>(leases, namespace, name);
      this.#observe(lease);
      if (lease !== undefined && !this.#mayTake(lease)) return;
      const metadata = lease?.metadata ?? { name, namespace };
      const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec: this.#claim(lease?.spec) };
      const written =
        lease === undefined
          ? await cluster.create<LeaderLease>(leases, namespace, body)
          : await cluster.update<LeaderLease>(leases, namespace, name, body);
      // Another was faster; the next attempt sees whom.
      if (typeof written === "string") return;
      this.#observe(written);
      this.#renewedAt = startedAt;
    } catch (error) {
      this.#failed = true;
      log.warn({ err: error, lease: name }, "could not reach the lease");
    } finally {
      this.#lastAttempt = this.#clock.monotonic();
    }
  }

  #observe(lease: LeaderLease | undefined): void {
    if (lease === undefined) this.#observed = undefined;
    else if (this.#observed?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) {
      // After the answer, not before the request: a later observation only makes us wait longer.
      this.#observed = { lease, at: this.#clock.monotonic() };
    }
  }

  #mayTake(lease: LeaderLease): boolean {
    const { holderIdentity, leaseDurationSeconds } = lease.spec ?? {};
    if (!holderIdentity || holderIdentity === this.#options.identity || this.#isPredecessor(holderIdentity))
      return true;
    // The holder's own duration counts, it may be configured differently; a lease without one gets ours.
    const durationMs = leaseDurationSeconds === undefined ? this.#leaseDurationMs : leaseDurationSeconds * 1000;
    return this.#observed !== undefined && this.#clock.monotonic() - this.#observed.at >= durationMs;
  }

  /** Only to begin with: one who leads and finds another in its place has been taken for dead, and ends. */
  #isPredecessor(holder: string): boolean {
    const { place } = this.#options;
    return place !== undefined && this.#renewedAt === undefined && holder.startsWith(`${place}/`);
  }

  #claim(spec: LeaseSpec | undefined): LeaseSpec {
    const { identity } = this.#options;
    const now = microTime(this.#clock.now());
    const mine = spec?.holderIdentity === identity;
    return {
      ...spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#leaseDurationMs / 1000),
      acquireTime: mine ? (spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (spec?.leaseTransitions ?? 0) + (mine || spec === undefined ? 0 : 1),
    };
  }

  /** Best effort: when it fails, the successor waits for the expiry. */
  async #release(): Promise<void> {
    const { cluster, namespace, name, log } = this.#options;
    const lease = this.#observed?.lease;
    if (lease === undefined) return;
    const spec = {
      ...lease.spec,
      holderIdentity: "",
      leaseDurationSeconds: 1,
      renewTime: microTime(this.#clock.now()),
    };
    try {
      await cluster.update(leases, namespace, name, { ...lease, spec });
      log.info({ lease: name }, "released the lease");
    } catch (error) {
      log.warn({ err: error, lease: name }, "could not release the lease");
    }
  }
}

/** Resolves when a signal that is not aborted yet is. */
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve());
  });

/** `metav1.MicroTime`: six digits of a second. */
const microTime = (epochMs: number): string => new Date(epochMs).toISOString().replace("Z", "000Z");
