/**
 * Plays a step of a run that captures a volume with a fault at one of its system calls, lets the app go on, and then the next
 * attempt or run without a fault. What that seals has to be the volume as it is by then, whatever the fault has left of the mirror and of
 * what was known of it.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { BaseRef, MoverTask } from "../../../operator/contract/task.ts";
import { preflight } from "../../../operator/mover/steps/preflight.ts";
import { differences, run } from "../../support/odd-files.ts";
import { judgeFailure, type Case, type Verdict } from "./campaign.ts";
import { GatedMover, removeGate, type GateReport, type Outcome } from "./gate.ts";
import { Nights } from "./nights.ts";
import { flawOf, lookAt, type Sight } from "./oracle.ts";
import { perform, pod, type CaptureScenario, type CaptureStep, type Way } from "./ways.ts";
import { reset, type World } from "./world.ts";

const number = 3;
const captureOf = ({ steps }: Way): CaptureStep => steps.at(-2)!;

/**
 * The disk as the step finds it: number 2 is sealed, nothing has changed since then that is not known of the volume and its mirror, and
 * then the app changes in every way.
 */
async function begin(world: World, { name, way, from, base, isNew }: CaptureScenario): Promise<void> {
  reset(world, from);
  way.evening(number - 1);
  // A copy has other inodes and change times, so whatever was known is of no use.
  if (isNew === undefined) await perform(world, way.task(captureOf(way), number, base));
  for (const left of readdirSync(world.source.staging)) rmSync(join(world.source.staging, left), { recursive: true });
  new Nights(world.volume).change();
  way.evening(number);
  if (name === "seal") await perform(world, way.task(captureOf(way), number, base));
}

export class CaptureCampaign {
  readonly #world: World;
  readonly #nights: Nights;
  #mover: GatedMover;
  #before: Sight | undefined;
  /** Names that may be new afterwards. */
  #expected: readonly string[] = [];
  #calls: readonly string[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#nights = new Nights(world.volume);
    this.#mover = new GatedMover(world.base);
  }

  async close(): Promise<void> {
    await this.#mover.close();
    removeGate();
  }

  /** Plays the step and all that follows without a fault. @returns the system calls of the step, in their order */
  async rehearse(scenario: CaptureScenario): Promise<GateReport> {
    await begin(this.#world, scenario);
    this.#before = lookAt(this.#world);
    await this.#mover.arm(0, "none");
    const outcome = await this.#mover.run(taskOf(scenario), pod);
    if (outcome.end !== "ok") throw new Error(`without a fault it ends so: ${JSON.stringify(outcome)}`);
    const report = await this.#mover.report();
    await this.#mover.arm(0, "none");
    this.#expected = [];
    const mirrors = join(this.#world.source.mirror("uploads"), "..").slice(this.#world.disk.length + 1);
    const wrong = (await this.#goOn(scenario, outcome, 0)).filter(
      // The first pass makes them, and what is known of them.
      (line) => scenario.isNew === undefined || !line.startsWith(`left over: ${mirrors}`),
    );
    this.#expected = lookAt(this.#world).paths;
    if (wrong.length > 0) throw new Error(`without a fault: ${wrong.join("; ")}`);
    this.#calls = report.calls;
    return report;
  }

  /** A fault at one call. The scenario was rehearsed. */
  async play(scenario: CaptureScenario, { call, mode }: Case): Promise<Verdict> {
    await begin(this.#world, scenario);
    await this.#mover.arm(call, mode);
    const outcome = await this.#mover.run(taskOf(scenario), pod);
    const isDead = outcome.end === "dead";
    const { hits = 1, calls = this.#calls } = isDead ? {} : await this.#mover.report();
    if (isDead) {
      await this.#mover.close();
      this.#mover = new GatedMover(this.#world.base);
    } else await this.#mover.arm(0, "none");
    const now = lookAt(this.#world);
    const id = scenario.way.idOf(number);
    const isSealed = scenario.name === "seal" && flawOf(join(this.#world.source.handover, id), id) === undefined;
    const half = [
      ...changesInView(this.#before!, now, isSealed ? [id] : []),
      ...(now.volume === this.#before!.volume ? [] : ["what the app has has changed"]),
    ];
    const wrong =
      outcome.end === "error"
        ? judgeFailure({ next: [taskOf(scenario)] }, mode === "full" || mode === "torn", outcome)
        : [];
    return {
      hit: hits > 0 ? (calls[call - 1] ?? "?") : undefined,
      half,
      wrong: [...wrong, ...(await this.#goOn(scenario, outcome, call))],
    };
  }

  /** As the controller goes on, and the app. @returns what is not as it should be */
  async #goOn({ name, way, base }: CaptureScenario, outcome: Outcome, call: number): Promise<readonly string[]> {
    const nights = this.#nights;
    const wrong: string[] = [];
    const finish = async (seq: number, on: BaseRef | undefined, from = 0): Promise<void> => {
      for (const step of way.steps.slice(from)) {
        if (step === captureOf(way)) [nights, way].forEach((one) => one.evening(seq));
        await perform(this.#world, way.task(step, seq, on));
      }
      wrong.push(...this.#wrongAfter(way, seq));
    };
    const at = way.steps.indexOf(name);
    try {
      // A seal that is repeated after its success ends in the same generation.
      if (outcome.end === "ok") await finish(number, base, Math.min(at + 1, way.steps.length - 1));
      // As every step is tried again in the same run, but for the capture: that would stop the app once more.
      const isTriedAgain = outcome.end !== "ok" && call % 2 === 0 && name !== captureOf(way);
      if (isTriedAgain && name === "seal") await finish(number, base, at);
      nights.takeBack();
      nights.goOn();
      if (isTriedAgain && name !== "seal") return await finish(number, base, at).then(() => wrong);
      const { lastSeq, base: chosen } = await preflight(way.preflight(9), this.#world.context("preflight"));
      const isBase = chosen !== undefined && !("full" in chosen);
      if (base !== undefined && !isBase) return [...wrong, `no base: ${JSON.stringify(chosen)}`];
      await finish(lastSeq + 1, isBase ? chosen : undefined);
    } catch (error) {
      wrong.push(`does not succeed afterwards: ${String(error)}`);
    }
    return wrong;
  }

  /** What is wrong when the generation of the number was sealed. */
  #wrongAfter(way: Way, seq: number): readonly string[] {
    const { source, volume, base: root } = this.#world;
    const before = this.#before!;
    const id = way.idOf(seq);
    const path = join(source.handover, id);
    const flaw = flawOf(path, id);
    if (flaw !== undefined) return [`${id}: ${flaw}`];
    const now = lookAt(this.#world);
    const out = join(root, "restored");
    run("sh", ["restore.sh", "--to", out], { cwd: path });
    const mirror = source.mirror("uploads");
    const differs = (what: string, directory: string): readonly string[] =>
      differences(volume, directory)
        .split("\n")
        .flatMap((line) => (line === "" ? [] : [`${what}: ${line}`]));
    const wrong = [
      ...changesInView(before, now, [id, way.idOf(number)]),
      ...differs("restored", join(out, "uploads")),
      ...differs("mirror", mirror),
      ...leftOver(this.#world, [...before.paths, ...this.#expected], now.paths),
      ...miscounted(mirror),
      ...way.differences(path),
    ];
    rmSync(out, { recursive: true });
    return wrong;
  }
}

const taskOf = ({ name, way, base }: CaptureScenario): MoverTask => way.task(name, number, base);

/** Generations that are new without being expected, have changed or are gone. */
function changesInView(before: Sight, now: Sight, expected: readonly string[]): readonly string[] {
  return (["handover", "store", "sink"] as const).flatMap((place) => {
    const [was, is] = [before.views[place], now.views[place]];
    return [...new Set([...was.keys(), ...is.keys()])].flatMap((id) =>
      was.get(id) === is.get(id) || (!was.has(id) && expected.includes(id)) ? [] : [`${place}/${id} is not as before`],
    );
  });
}

/** Beside what the app has, its mirror and the generations, no name is new. */
function leftOver(world: World, known: readonly string[], now: readonly string[]): readonly string[] {
  const free = [world.source.handover, world.source.mirror("uploads"), world.volume].map((path) =>
    path.slice(world.disk.length + 1),
  );
  const was = new Set(known);
  return now.flatMap((path) =>
    was.has(path) || free.some((one) => path === one || path.startsWith(`${one}/`)) ? [] : [`left over: ${path}`],
  );
}

const stateSchema = z.object({ files: z.number(), bytes: z.number() });

/** What is said of a mirror, by which later runs judge what there is to do. */
function miscounted(mirror: string): readonly string[] {
  let [files, bytes] = [0, 0];
  const look = (directory: string): void => {
    for (const name of readdirSync(directory)) {
      const found = lstatSync(join(directory, name));
      if (found.isDirectory()) look(join(directory, name));
      else files += 1;
      // As rsync counts them.
      if (found.isFile() || found.isSymbolicLink()) bytes += found.size;
    }
  };
  look(mirror);
  const file = join(mirror, "../.state/uploads.mirror.json");
  if (!existsSync(file)) return ["nothing is known of the mirror"];
  const state = stateSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  return state.files === files && state.bytes === bytes
    ? []
    : [`the mirror is said to hold ${state.files} files and ${state.bytes} bytes, and has ${files} and ${bytes}`];
}

/** Makes, replaces or removes what is known of a mirror. */
export const isKnowledge = (call: string): boolean =>
  /^(?!p?write|utime)\S+ \S*\/mirror\/\.state\/(?!claim)/.test(call);
