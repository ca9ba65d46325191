/**
 * Plays a warm pass or an archive of an incremental run with a fault at one of its system calls, lets the app go on, and then the next
 * attempt or run without a fault. What that seals has to be the volume as it is by then, whatever the fault has left of the mirror and of
 * what was known of it.
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { BaseRef, MoverTask, TaskOf } from "../../../operator/contract/task.ts";
import { formatGenerationId } from "../../../operator/domain/generation.ts";
import { runStep } from "../../../operator/mover/main.ts";
import { preflight } from "../../../operator/mover/steps/preflight.ts";
import { sha256 } from "../../support/generations.ts";
import { differences, run } from "../../support/odd-files.ts";
import { judgeFailure, type Case, type Verdict } from "./campaign.ts";
import { GatedMover, removeGate, type GateReport, type Outcome } from "./gate.ts";
import { Nights } from "./nights.ts";
import { flawOf, lookAt, type Sight } from "./oracle.ts";
import { idOf, keep, reset, tasks, type World } from "./world.ts";

export interface CaptureScenario {
  readonly name: "warm" | "archive" | "seal";
  /** Template of the disk: number 2 is sealed. */
  readonly from: string;
  readonly base: BaseRef;
}

const number = 3;
/** In whose name all is captured: another one would wait to see whether the one that died still lives. */
const pod = "pod-capture";
const incrementalId = (seq: number): string => formatGenerationId(seq, tasks.seal(seq).time, "Incremental");

/** What the controller asks for in an incremental run. */
export const incremental = {
  preflight: (seq: number): TaskOf<"preflight"> => ({ ...tasks.preflight(seq), type: "Incremental" }),
  warm: (seq: number, base: BaseRef): TaskOf<"warm"> => ({ ...tasks.warm(seq), base }),
  archive: (seq: number, base: BaseRef): TaskOf<"archive"> => ({ ...tasks.archive(seq), base }),
  seal: (seq: number, base: BaseRef): TaskOf<"seal"> => ({
    ...tasks.seal(seq),
    id: incrementalId(seq),
    type: "Incremental",
    stagingPodUID: pod,
    base,
  }),
};

const perform = async (world: World, task: MoverTask, podUID = pod): Promise<void> =>
  void (await runStep(task, world.context(podUID)));

/** Number 1 is a full one, number 2 an increment on it. @returns scenarios of number 3, of the same names as their steps */
export async function makeCaptures(world: World): Promise<(name: CaptureScenario["name"]) => CaptureScenario> {
  for (const path of [join(world.source.base, "../.."), join(world.sink.base, "../.."), world.volume])
    mkdirSync(path, { recursive: true });
  const nights = new Nights(world.volume);
  nights.begin();
  for (const task of [tasks.preflight(1), tasks.warm(1), tasks.archive(1), tasks.seal(1)])
    await perform(world, task, "capture-1");
  nights.calm();
  const first = baseAt(world, idOf(1));
  for (const task of [incremental.warm(2, first), incremental.archive(2, first), incremental.seal(2, first)])
    await perform(world, task);
  const from = keep(world, "calm");
  const base = baseAt(world, incrementalId(2));
  return (name) => ({ name, from, base });
}

const baseAt = (world: World, id: string): BaseRef => ({
  id,
  manifestSHA256: sha256(readFileSync(join(world.source.handover, id, "manifest.json"))),
});

/**
 * The disk as the step finds it: number 2 is sealed, nothing has changed since then that is not known of the volume and its mirror, and
 * then the app changes in every way.
 */
async function begin(world: World, { name, from, base }: CaptureScenario): Promise<void> {
  reset(world, from);
  // A copy has other inodes and change times, so whatever was known is of no use.
  await perform(world, incremental.archive(number, base));
  for (const left of readdirSync(world.source.staging)) rmSync(join(world.source.staging, left), { recursive: true });
  new Nights(world.volume).change();
  if (name === "seal") await perform(world, incremental.archive(number, base));
}

export class CaptureCampaign {
  readonly #world: World;
  readonly #nights: Nights;
  #mover: GatedMover;
  #before: Sight | undefined;
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
    const wrong = await this.#goOn(scenario, outcome, 0);
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
    const id = incrementalId(number);
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
  async #goOn({ name, base }: CaptureScenario, outcome: Outcome, call: number): Promise<readonly string[]> {
    const nights = this.#nights;
    const wrong: string[] = [];
    const finish = async (seq: number, on: BaseRef, from: "warm" | "archive" | "seal"): Promise<void> => {
      if (from === "warm") await perform(this.#world, incremental.warm(seq, on));
      if (from !== "seal") {
        nights.evening(seq);
        await perform(this.#world, incremental.archive(seq, on));
      }
      await perform(this.#world, incremental.seal(seq, on));
      wrong.push(...this.#wrongAfter(seq));
    };
    try {
      if (outcome.end === "ok") await finish(number, base, name === "warm" ? "archive" : "seal");
      // As every step is tried again in the same run, but for an archive: that would stop the app once more.
      const isTriedAgain = outcome.end !== "ok" && call % 2 === 0;
      if (isTriedAgain && name === "seal") await finish(number, base, "seal");
      nights.takeBack();
      nights.goOn();
      if (isTriedAgain && name === "warm") return await finish(number, base, "warm").then(() => wrong);
      const { lastSeq, base: chosen } = await preflight(incremental.preflight(9), this.#world.context("preflight"));
      if (chosen === undefined || "full" in chosen) return [...wrong, `no base: ${JSON.stringify(chosen)}`];
      await finish(lastSeq + 1, chosen, "warm");
    } catch (error) {
      wrong.push(`does not succeed afterwards: ${String(error)}`);
    }
    return wrong;
  }

  /** What is wrong when the generation of the number was sealed. */
  #wrongAfter(seq: number): readonly string[] {
    const { source, volume, base: root } = this.#world;
    const before = this.#before!;
    const [id, path] = [incrementalId(seq), join(source.handover, incrementalId(seq))];
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
      ...changesInView(before, now, [id, incrementalId(number)]),
      ...differs("restored", join(out, "uploads")),
      ...differs("mirror", mirror),
      ...leftOver(this.#world, before, now),
      ...miscounted(mirror),
    ];
    rmSync(out, { recursive: true });
    return wrong;
  }
}

const taskOf = ({ name, base }: CaptureScenario): MoverTask => incremental[name](number, base);

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
function leftOver(world: World, before: Sight, now: Sight): readonly string[] {
  const [handover, mirror, volume] = [world.source.handover, world.source.mirror("uploads"), world.volume].map((path) =>
    path.slice(world.disk.length + 1),
  );
  const names = ({ paths }: Sight): readonly string[] =>
    paths.filter((path) => ![handover, mirror, volume].some((one) => path.startsWith(`${one}/`)));
  const was = new Set(names(before));
  return names(now).flatMap((path) => (was.has(path) ? [] : [`left over: ${path}`]));
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
