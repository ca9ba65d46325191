/**
 * The order of the requests of processes that work at the same time, as while a lease changes hands: each request waits for its
 * turn, and a seed says whose it is. A request may take a while, but no longer than a process that has lost its lease may go on.
 */
import { randomOf } from "./random.ts";
import { type Scenario, turnOfLoop } from "./scenario.ts";
import type { World } from "./world.ts";

const longestCall = 200;
const patience = 200_000;

export class Alternation {
  readonly #random: () => number;
  #gates: { readonly since: number; readonly open: () => void }[] = [];
  #world: World | undefined;

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }
  attend(world: World): void {
    this.#world = world;
  }
  turn(): Promise<void> {
    return new Promise((open) => this.#gates.push({ since: this.#world?.now ?? 0, open }));
  }

  /** Until nobody has anything to do for a long time. */
  async settle(scenario: Scenario): Promise<void> {
    const { world } = scenario;
    for (let moves = 0; moves < patience; moves++) {
      await turnOfLoop();
      const gate = this.#gates[Math.floor(this.#random() * this.#gates.length)];
      const oldest = Math.min(...this.#gates.map(({ since }) => since)) + longestCall;
      const mayPass = (world.nextTimer ?? Infinity) <= oldest;
      if (gate !== undefined && (!mayPass || this.#random() < 0.9)) {
        this.#gates = this.#gates.filter((other) => other !== gate);
        gate.open();
      } else if (!(await scenario.move(scenario.horizon))) return;
    }
    throw new Error("it never comes to rest");
  }
}
