/**
 * One process of the controller in the simulated cluster: the real operator with its watches, queue and passes, in virtual time.
 * When it dies, what it had in memory is gone, and another one starts a moment later, as the kubelet would start it.
 */
import { EventRecorder } from "../../operator/cluster/events.ts";
import type { Log } from "../../operator/log.ts";
import { ApiError } from "../../operator/cluster/errors.ts";
import { Metrics } from "../../operator/runtime/metrics.ts";
import { Operator } from "../../operator/runtime/operator.ts";
import { settings } from "../support/builders.ts";
import { silentLog } from "../support/silent-log.ts";
import { type PortOptions, portOf } from "./port.ts";
import { ProcessClock } from "./timers.ts";
import { type WatchFaults, listWatchOf } from "./watching.ts";
import type { World } from "./world.ts";

export interface ProcessOptions extends Pick<PortOptions, "fault" | "turn"> {
  readonly watch?: WatchFaults;
  /** Milliseconds from a death to the next life; Infinity: it is gone for good. */
  readonly restartsAfter?: number;
  readonly seed?: number;
}

/** None of the simulator's questions is about metrics; making them is dear. */
const metrics = new Metrics({ version: "simulated" });

interface Life {
  alive: boolean;
  clock?: ProcessClock;
  readonly stop: AbortController;
}

export class OperatorProcess {
  readonly #world: World;
  readonly #options: ProcessOptions;
  #life: Life | undefined;
  /** Errors that are no answer of the cluster: a pass that threw, a handler that threw. */
  readonly accidents: unknown[] = [];
  /** Requests that left the namespace. */
  readonly strayed: string[] = [];
  lives = 0;
  /** How far its wall clock is wrong, in milliseconds. */
  #skew = 0;
  /** When it was started last, by the world's clock. */
  startedAt = 0;

  constructor(world: World, options: ProcessOptions = {}) {
    this.#world = world;
    this.#options = options;
    this.start();
  }
  get isAlive(): boolean {
    return this.#life !== undefined;
  }

  start(): void {
    if (this.#life !== undefined) return;
    const world = this.#world;
    const life: Life = { alive: true, stop: new AbortController() };
    this.#life = life;
    this.lives++;
    this.startedAt = world.now;
    const isAlive = (): boolean => life.alive;
    const clock = new ProcessClock(world.timers, isAlive, (this.#options.seed ?? 1) + this.lives);
    clock.skew = this.#skew;
    life.clock = clock;
    const { fault, turn, watch = {} } = this.#options;
    const cluster = portOf(world, {
      ...(fault === undefined ? {} : { fault }),
      ...(turn === undefined ? {} : { turn }),
      isAlive,
      die: () => this.kill(),
      strayed: ({ verb, plural, name }) => this.strayed.push(`${verb} ${plural}/${name}`),
    });
    const operator = new Operator({
      cluster,
      source: (resource, labels) => listWatchOf(world, resource, labels, watch, isAlive),
      events: new EventRecorder({
        cluster: { ...portOf(world), patch: async () => "gone" },
        instance: "simulated",
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        onFailure: (error) => this.accidents.push(error),
      }),
      settings,
      clock,
      log: this.#log(isAlive),
      metrics,
      workers: 4,
    });
    const failed = (error: unknown): void => void this.accidents.push(error);
    operator.watch(life.stop.signal).catch(failed);
    operator.work(life.stop.signal).catch(failed);
  }
  /** As with SIGKILL: what it was about to do is not done. */
  kill(): void {
    const life = this.#life;
    if (life === undefined) return;
    life.alive = false;
    this.#life = undefined;
    life.stop.abort();
    const { restartsAfter = 1_000 } = this.#options;
    if (restartsAfter !== Infinity) this.#world.after(restartsAfter, () => this.start());
  }
  /** Its wall clock is set by somebody. */
  jump(milliseconds: number): void {
    this.#skew += milliseconds;
    if (this.#life?.clock !== undefined) this.#life.clock.skew = this.#skew;
  }
  /** Everything is looked at once more, by a process that remembers nothing. */
  restart(): void {
    this.kill();
    this.start();
  }

  #log(isAlive: () => boolean): Log {
    const listen = ({ err }: Readonly<Record<string, unknown>>): void => {
      if (isAlive() && err !== undefined && !(err instanceof ApiError)) this.accidents.push(err);
    };
    const log: Log = { ...silentLog, warn: listen, error: listen, child: () => log };
    return log;
  }
}
