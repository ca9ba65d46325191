/**
 * Mover pods of the simulated cluster that really do their work: the tasks of a Job are carried out by the real steps in the directories
 * of the shop. Notes what each generation has to bring back, and tells the laws of the simulator what lies where.
 */
import { jest } from "@jest/globals";
import type { MoverResult, MoverSuccess } from "../../../operator/contract/result.ts";
import type { MoverTask } from "../../../operator/contract/task.ts";
import { parseGenerationId } from "../../../operator/domain/generation.ts";
import type { Instant } from "../../../operator/domain/instant.ts";
import { hasSequence, type Sequences } from "../../../operator/domain/sequences.ts";
import type { MoverContext } from "../../../operator/mover/context.ts";
import { MoverError } from "../../../operator/mover/errors.ts";
import { runStep } from "../../../operator/mover/main.ts";
import type { Truth } from "../../simulator/movers.ts";
import { type Shop, type State, removeTree } from "./shop.ts";

export class Movers {
  readonly #shop: Shop;
  readonly #now: () => Instant;
  /** By uid of a pod that has captured. */
  readonly #captured = new Map<string, State>();
  /** By id, of every generation that was ever made. */
  readonly made = new Map<string, State>();
  truth: Truth | undefined;
  /** Steps that were carried out. */
  steps = 0;

  constructor(shop: Shop, now: () => Instant) {
    this.#shop = shop;
    this.#now = now;
  }

  /** All containers of a pod, side by side. */
  async carryOut(tasks: readonly MoverTask[], podUID: string): Promise<readonly MoverResult[]> {
    // The clock of the node: what is on disk is from the past, as seen from the simulated days.
    jest.setSystemTime(this.#now());
    await this.#note(tasks, podUID);
    const signal = this.#shop.newDirectory("signal");
    const scratch = this.#shop.newDirectory("scratch");
    const { roots, ...context } = this.#shop.bed.context(podUID);
    const results = await Promise.all(
      tasks.map((task) => this.#attempt(task, { ...context, roots: { ...roots, signal, scratch } })),
    );
    for (const directory of [signal, scratch]) removeTree(directory);
    this.steps += tasks.length;
    tasks.forEach((task, index) => {
      const result = results[index];
      if (result?.ok === true) this.#tell(task, result);
    });
    return results;
  }
  async #attempt(task: MoverTask, context: MoverContext): Promise<MoverResult> {
    try {
      return await runStep(task, context);
    } catch (error) {
      if (!(error instanceof MoverError)) throw error;
      const { code, message, retry } = error;
      return { version: 1, step: task.step, ok: false, code, message: message.slice(0, 1_000), retry };
    }
  }

  /** Nothing changes while time stands still: this is what will be captured. */
  async #note(tasks: readonly MoverTask[], podUID: string): Promise<void> {
    for (const task of tasks) {
      const known = this.#captured.get(podUID) ?? { volumes: {} };
      if (task.step === "dump") this.#captured.set(podUID, { ...known, orders: await this.#shop.orders() });
      if (task.step === "archive" || task.step === "collect") {
        const volumes = Object.fromEntries(task.volumes.map(({ name }) => [name, this.#shop.filesOf(name)]));
        this.#captured.set(podUID, { ...known, volumes });
      }
    }
  }
  #tell(task: MoverTask, result: MoverSuccess): void {
    const { truth } = this;
    if (task.step === "seal") {
      this.made.set(task.id, this.#captured.get(task.stagingPodUID) ?? { volumes: {} });
      truth?.sealed.add(task.id);
      if (task.base !== undefined) truth?.parents.set(task.id, task.base.id);
    }
    if (task.step === "verify" && result.step === "verify") {
      const ids = [...this.made.keys()].filter((id) => isAmong(result.sequences, id));
      truth?.sinks.set(task.sink.name, { stored: new Set(ids), verified: new Set(ids) });
    }
  }
}

const isAmong = (sequences: Sequences | undefined, id: string): boolean =>
  sequences !== undefined && hasSequence(sequences, parseGenerationId(id)?.seq ?? 0);
