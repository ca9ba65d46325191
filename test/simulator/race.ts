/**
 * Two controllers at once, as while a lease changes hands: each of their calls waits for its turn, and a seed says whose it is.
 * A call may take a while, but no longer than a process that has lost its lease may go on writing.
 */
import { Crash, type PortOptions, type World } from "./world.ts";
import { Controller } from "./controller.ts";

const longestCall = 200;
const patience = 100_000;

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class Race {
  readonly #world: World;
  readonly #random: () => number;
  readonly #crashes: number;
  readonly controllers: readonly Controller[];
  #gates: { readonly since: number; readonly open: () => void }[] = [];
  readonly #busy = new Set<Controller>();
  #failure: unknown;

  /** @param crashes how many of a thousand writes are the last of their process */
  constructor(world: World, seed: number, crashes = 0) {
    this.#world = world;
    this.#random = randomOf(seed);
    this.#crashes = crashes;
    this.controllers = [this.#controller(), this.#controller()];
  }
  #controller(): Controller {
    const port: PortOptions = {
      turn: () => new Promise((open) => this.#gates.push({ since: this.#world.now, open })),
      atWrite: () => {
        if (this.#random() * 1_000 < this.#crashes) throw new Crash("now");
      },
    };
    return new Controller(this.#world, port);
  }
  #pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)];
  }

  #start(controller: Controller, key: string): void {
    this.#busy.add(controller);
    controller
      .pass(key)
      .catch((error: unknown) => {
        if (error instanceof Crash) controller.restart();
        else this.#failure ??= error;
      })
      .finally(() => this.#busy.delete(controller));
  }

  /** Moves the clock to the next thing that happens, unless a call under way would take too long. */
  #pass(horizon: number): boolean {
    const next = Math.min(
      this.#world.nextTimer ?? Infinity,
      ...this.controllers.map((one) => one.nextTimer ?? Infinity),
    );
    if (next > Math.min(horizon, ...this.#gates.map(({ since }) => since + longestCall))) return false;
    this.#world.advance(next);
    for (const controller of this.controllers) controller.ring();
    return true;
  }

  /** Until nothing moves any more, for a day at most. */
  async settle(): Promise<void> {
    const horizon = this.#world.now + 86_400_000;
    for (let moves = 0; moves < patience; moves++) {
      await new Promise((done) => setImmediate(done));
      if (this.#failure !== undefined) throw this.#failure;
      const idle = this.controllers.filter((one) => !this.#busy.has(one) && one.dirty.size > 0);
      const starter = this.#pick(idle);
      if (starter !== undefined) this.#start(starter, this.#pick([...starter.dirty]) ?? "");
      else if (this.#gates.length > 0 && (this.#random() < 0.9 || !this.#pass(horizon))) {
        const gate = this.#pick(this.#gates);
        this.#gates = this.#gates.filter((other) => other !== gate);
        gate?.open();
      } else if (this.#gates.length === 0 && this.#busy.size === 0 && !this.#pass(horizon)) return;
    }
    throw new Error("it never comes to rest");
  }
}
