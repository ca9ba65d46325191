/**
 * Plays a step again and again, each time with one fault at one of its system calls, and asks the oracle each time: after the
 * fault, and after what the controller does next. A case is three words, `transport 17 kill`; HANDOVER_FIRE plays one alone.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MoverTask } from "../../../operator/contract/task.ts";
import { faultModes, GatedMover, removeGate, type FaultMode, type GateReport, type Outcome } from "./gate.ts";
import { differencesFrom, liesAt, lookAt, wrongInView, type Sight } from "./oracle.ts";
import { reset, type World } from "./world.ts";

export interface Scenario {
  readonly name: string;
  /** Template of the disk. */
  readonly from: string;
  readonly task: MoverTask;
  /** What follows when the step has succeeded, and is part of its end. */
  readonly followedBy?: readonly MoverTask[];
  /** What follows in the next run when the step has failed for good. Without it, every failure has to be worth another try. */
  readonly next?: readonly MoverTask[];
  /** It exchanges what the app has for what is staged. */
  readonly exchanges?: true;
  /** Takes back what the step has done; afterwards the disk is as before. */
  readonly back?: MoverTask;
  /** Directories that are empty when the step has failed for want of space, at once and without another step. */
  readonly givenBack?: readonly string[];
  /** It is not tried again in the same run: that would stop the app once more. Whoever waits is told when it may go on. */
  readonly once?: "dump";
  /** What the app does before the next run. */
  readonly meanwhile?: () => Promise<void>;
  /** How a restore of the generation in this directory, the last one, differs from what the app has. */
  readonly restored?: (generation: string) => Promise<readonly string[]>;
}

export interface Case {
  readonly scenario: string;
  readonly call: number;
  readonly mode: FaultMode;
}

export interface Verdict {
  /** Name and path of the call that was hit; undefined when there was no fault after all. */
  readonly hit?: string | undefined;
  /** What is half, changed or gone in view. */
  readonly half: readonly string[];
  /** Anything else that is not as promised. */
  readonly wrong: readonly string[];
}

/** The steps of a run are tried this often and more. */
const attempts = 3;

interface Ends {
  readonly before: Sight;
  /** After the step, and after what follows it. */
  readonly after: Sight;
  readonly end: Sight;
  /** After `next`, when nothing was sealed, and when it was. */
  readonly abandoned?: readonly [Sight, Sight];
  readonly calls: readonly string[];
}

export class Campaign {
  readonly #world: World;
  #mover: GatedMover;
  readonly #ends = new Map<string, Ends>();

  constructor(world: World) {
    this.#world = world;
    this.#mover = new GatedMover(world.base);
  }

  async close(): Promise<void> {
    await this.#mover.close();
    removeGate();
  }

  async #succeed(task: MoverTask, podUID: string): Promise<void> {
    const outcome = await this.#mover.run(task, podUID);
    if (outcome.end !== "ok") throw new Error(`without a fault, ${task.step} ends so: ${JSON.stringify(outcome)}`);
  }

  /** Plays the step without a fault. @returns its system calls, in their order */
  async rehearse(scenario: Scenario): Promise<GateReport> {
    reset(this.#world, scenario.from);
    const before = lookAt(this.#world);
    await this.#mover.arm(0, "none");
    await this.#succeed(scenario.task, "pod-first");
    const report = await this.#mover.report();
    await this.#mover.arm(0, "none");
    const after = lookAt(this.#world);
    for (const task of scenario.followedBy ?? []) await this.#succeed(task, "pod-then");
    const end = lookAt(this.#world);
    const { next } = scenario;
    const followed = async (): Promise<Sight> => {
      for (const task of next ?? []) await this.#succeed(task, "pod-next");
      return lookAt(this.#world);
    };
    let abandoned: [Sight, Sight] | undefined;
    if (next !== undefined) {
      const sealed = await followed();
      reset(this.#world, scenario.from);
      abandoned = [await followed(), sealed];
    }
    this.#ends.set(scenario.name, { before, after, end, calls: report.calls, ...(abandoned && { abandoned }) });
    return report;
  }

  /** A fault at one call. The scenario was rehearsed. */
  async play(scenario: Scenario, { call, mode }: Case): Promise<Verdict> {
    const { calls } = this.#ends.get(scenario.name)!;
    reset(this.#world, scenario.from);
    await this.#mover.arm(call, mode);
    const outcome = await this.#mover.run(scenario.task, "pod-first");
    const report = await this.#reportAfter(outcome);
    const known = outcome.end === "dead" ? (calls[call - 1] ?? "?") : report?.calls[call - 1];
    const hit = outcome.end === "dead" || (report?.hits ?? 0) > 0 ? known : undefined;
    return { hit, ...(await this.#conclude(scenario, outcome, mode === "full" || mode === "torn")) };
  }

  /** A disk that is really full: `fill` makes it so and returns how it gets room again. The scenario was rehearsed. */
  async playFull(scenario: Scenario, fill: () => () => void): Promise<Verdict> {
    reset(this.#world, scenario.from);
    const empty = fill();
    const outcome = await this.#mover.run(scenario.task, "pod-first");
    empty();
    return {
      hit: outcome.end === "error" ? outcome.code : undefined,
      ...(await this.#conclude(scenario, outcome, true)),
    };
  }

  /** The oracle, twice. */
  async #conclude(scenario: Scenario, outcome: Outcome, isFull: boolean): Promise<Omit<Verdict, "hit">> {
    const ends = this.#ends.get(scenario.name)!;
    const half = wrongInView(this.#world, ends.before, ends.after, scenario.exchanges);
    const wrong = [...liesAt(this.#world.source), ...liesAt(this.#world.sink)];
    if (outcome.end === "error") wrong.push(...judgeFailure(scenario, isFull, outcome));
    if (outcome.end === "error" && outcome.code === "HO-R807" && lookAt(this.#world).volume !== ends.before.volume)
      wrong.push("it says that nothing was exchanged, and it was");
    if (scenario.once !== undefined) wrong.push(...this.#untold(scenario.once, outcome));
    await this.#goOn(scenario, ends, outcome, wrong);
    wrong.push(...(await this.#restored(scenario)));
    return { half, wrong };
  }

  /** Who waits with the app learns that it may go on, or why not. */
  #untold(part: string, outcome: Outcome): readonly string[] {
    const [released, failed] = ["released", "failed"].map((what) =>
      join(this.#world.base, "signal", `${part}.${what}`),
    );
    if (outcome.end === "dead" || (outcome.end === "ok" && existsSync(released!))) return [];
    const told = existsSync(failed!) ? readFileSync(failed!, "utf8") : "nothing";
    return outcome.end === "error" && told.includes(outcome.code) ? [] : [`who waits is told ${told}`];
  }

  async #restored({ restored }: Scenario): Promise<readonly string[]> {
    const { handover } = this.#world.source;
    const newest = readdirSync(handover).toSorted().at(-1) ?? "";
    return restored === undefined ? [] : await restored(join(handover, newest));
  }

  async #reportAfter(outcome: Outcome): Promise<GateReport | undefined> {
    if (outcome.end === "dead") {
      await this.#mover.close();
      this.#mover = new GatedMover(this.#world.base);
      return undefined;
    }
    const report = await this.#mover.report();
    await this.#mover.arm(0, "none");
    return report;
  }

  /** What is left of a plan that was interrupted is a plan of its own: it goes on record, and is acted upon. */
  async #again(task: MoverTask, podUID: string): Promise<Outcome> {
    const outcome = await this.#mover.run(task, podUID);
    const plan = outcome.end === "ok" ? (outcome.result["plan"] as { readonly digest: string } | undefined) : undefined;
    if (task.step !== "prune" || plan === undefined) return outcome;
    return await this.#mover.run({ ...task, approved: plan.digest }, `${podUID}-approved`);
  }

  /** As the controller goes on, and what is there at last. */
  async #goOn(scenario: Scenario, ends: Ends, first: Outcome, wrong: string[]): Promise<void> {
    let outcome = first;
    const tries = scenario.once === undefined ? attempts : 1;
    for (let n = 1; n < tries && (outcome.end === "dead" || (outcome.end === "error" && outcome.retry)); n += 1)
      outcome = await this.#again(scenario.task, `pod-again-${n}`);
    let end = ends.end;
    if (outcome.end === "ok" && scenario.followedBy !== undefined) {
      wrong.push(...wrongInView(this.#world, ends.before, ends.after, scenario.exchanges));
      for (const task of scenario.followedBy) {
        const followed = await this.#mover.run(task, "pod-then");
        if (followed.end !== "ok") wrong.push(`what follows fails: ${JSON.stringify(followed)}`);
      }
    }
    if (outcome.end !== "ok") {
      const isDead = outcome.end === "dead" && scenario.once === undefined;
      if (scenario.next === undefined || ends.abandoned === undefined || isDead)
        return void wrong.push(`does not succeed when it is tried again: ${JSON.stringify(outcome)}`);
      const sealed = lookAt(this.#world).views.handover.size > ends.before.views.handover.size;
      await scenario.meanwhile?.();
      for (const task of scenario.next) {
        const followed = await this.#mover.run(task, "pod-next");
        if (followed.end !== "ok") wrong.push(`the next run fails: ${JSON.stringify(followed)}`);
      }
      end = ends.abandoned[sealed ? 1 : 0];
    }
    wrong.push(...differencesFrom(this.#world, end), ...liesAt(this.#world.source), ...liesAt(this.#world.sink));
    if (scenario.back === undefined || outcome.end !== "ok") return;
    const back = await this.#mover.run(scenario.back, "pod-back");
    if (back.end !== "ok") wrong.push(`cannot be taken back: ${JSON.stringify(back)}`);
    wrong.push(...differencesFrom(this.#world, ends.before));
    if (lookAt(this.#world).volume !== ends.before.volume) wrong.push("taking back has changed what the app has");
  }
}

/** What a failure is called, and what it has given back. */
export function judgeFailure(
  scenario: Pick<Scenario, "next" | "givenBack" | "exchanges">,
  isFull: boolean,
  outcome: Outcome & { end: "error" },
): readonly string[] {
  const wrong: string[] = [];
  const said = `${outcome.code} ${outcome.message}`;
  if (outcome.code === "HO-X001") wrong.push(`a surprise: ${said}`);
  if (scenario.next === undefined && !outcome.retry) wrong.push(`not to be tried again: ${said}`);
  // The controller has to know what was exchanged, before anything else.
  if (!isFull || scenario.exchanges) return wrong;
  if (!outcome.code.startsWith("HO-C90")) wrong.push(`a full disk is called something else: ${said}`);
  for (const directory of scenario.givenBack ?? []) {
    const left = existsSync(directory) ? pathsIn(directory) : [];
    wrong.push(...left.map((path) => `a full disk does not get back ${path}`));
  }
  return wrong;
}

const pathsIn = (directory: string): readonly string[] => readdirSync(directory).map((name) => join(directory, name));

export const writeCase = ({ scenario, call, mode }: Case): string => `${scenario} ${call} ${mode}`;

/** @returns undefined for what is no case. */
export function parseCase(text: string): Case | undefined {
  const [scenario = "", call = "", mode = ""] = text.split(" ");
  const found = faultModes.find((one) => one === mode);
  return found === undefined || !/^[0-9]+$/.test(call) ? undefined : { scenario, call: Number(call), mode: found };
}
