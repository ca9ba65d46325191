/** How runs of a type capture a volume: their steps, what the controller asks for in each, and the disk on which faults begin. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BaseRef, ConfigRef, MoverTask, TaskOf } from "../../../operator/contract/task.ts";
import { formatGenerationId } from "../../../operator/domain/generation.ts";
import { runStep } from "../../../operator/mover/main.ts";
import { configDirectory } from "../../../operator/mover/store/layout.ts";
import { sha256 } from "../../support/generations.ts";
import { Nights } from "./nights.ts";
import { idOf, keep, tasks, type World } from "./world.ts";

export type CaptureStep = "warm" | "archive" | "collect" | "seal";

export interface Way {
  /** In their order. The last but one holds the moment that is captured, and is not tried again in the same run. */
  readonly steps: readonly CaptureStep[];
  readonly idOf: (seq: number) => string;
  readonly preflight: (seq: number) => TaskOf<"preflight">;
  readonly task: (step: CaptureStep, seq: number, base?: BaseRef) => MoverTask;
  /** Changes what it captures beside the volume. */
  readonly evening: (seq: number) => void;
  /** How that differs in a generation. */
  readonly differences: (generation: string) => readonly string[];
}

export interface CaptureScenario {
  readonly name: CaptureStep;
  readonly way: Way;
  /** Template of the disk: number 2 is sealed, or nothing yet. */
  readonly from: string;
  /** Nothing is known of the volume and its mirror, and perhaps there is none. */
  readonly isNew?: true;
  /** Undefined where generations stand alone. */
  readonly base?: BaseRef;
}

/** In whose name all is captured: another one would wait to see whether the one that died still lives. */
export const pod = "pod-capture";

export const perform = async (world: World, task: MoverTask, podUID = pod): Promise<void> =>
  void (await runStep(task, world.context(podUID)));

const nothingBeside = { evening: () => undefined, differences: () => [] } as const;
const full: Way = {
  steps: ["warm", "archive", "seal"],
  idOf,
  preflight: tasks.preflight,
  task: (step, seq) => {
    if (step === "collect") throw new Error("no collect in a full run");
    return step === "seal" ? { ...tasks.seal(seq), stagingPodUID: pod } : tasks[step](seq);
  },
  ...nothingBeside,
};

const incrementalId = (seq: number): string => formatGenerationId(seq, tasks.seal(seq).time, "Incremental");
const incremental: Way = {
  steps: ["warm", "archive", "seal"],
  idOf: incrementalId,
  preflight: (seq) => ({ ...tasks.preflight(seq), type: "Incremental" }),
  task: (step, seq, base) => {
    if (step === "collect" || base === undefined) throw new Error(`no ${step} without a base in an incremental run`);
    if (step !== "seal") return { ...tasks[step](seq), base };
    return { ...tasks.seal(seq), id: incrementalId(seq), type: "Incremental", stagingPodUID: pod, base };
  },
  ...nothingBeside,
};

/** Beside the volume, a ConfigMap. Every look at them is a whole one. */
function configuration(world: World): Way {
  const settings: ConfigRef = { kind: "ConfigMap", name: "settings" };
  const mounted = join(world.base, "config", settings.kind, settings.name);
  mkdirSync(mounted, { recursive: true });
  const configId = (seq: number): string => formatGenerationId(seq, tasks.seal(seq).time, "Config");
  return {
    steps: ["collect", "seal"],
    idOf: configId,
    preflight: (seq) => ({ ...tasks.preflight(seq), type: "Config" }),
    task: (step, seq) => {
      const { consistency: _, ...seal } = tasks.seal(seq);
      const configs = [settings];
      if (step === "seal")
        return { ...seal, id: configId(seq), type: "Config", consistency: "Running", stagingPodUID: pod, configs };
      if (step !== "collect") throw new Error(`no ${step} in a run of the configuration`);
      const { step: _step, frozen: _frozen, ...common } = tasks.archive(seq);
      return { ...common, step, configs };
    },
    evening: (seq) => {
      for (const key of ["first", "second"]) writeFileSync(join(mounted, key), `${key} of ${seq}\n`.repeat(seq));
    },
    differences: (generation) =>
      ["first", "second"].flatMap((key) => {
        const stored = readFileSync(join(generation, configDirectory(settings.kind, settings.name), key));
        return stored.equals(readFileSync(join(mounted, key))) ? [] : [`key ${key} is another one`];
      }),
  };
}

function prepare(world: World): Nights {
  for (const path of [join(world.source.base, "../.."), join(world.sink.base, "../.."), world.volume])
    mkdirSync(path, { recursive: true });
  const nights = new Nights(world.volume);
  nights.begin();
  return nights;
}

/** Number 1 is a full one, number 2 an increment on it. @returns scenarios of number 3, of the same names as their steps */
export async function makeCaptures(world: World): Promise<(name: CaptureStep) => CaptureScenario> {
  const nights = prepare(world);
  for (const task of [tasks.preflight(1), tasks.warm(1), tasks.archive(1), tasks.seal(1)])
    await perform(world, task, "capture-1");
  nights.calm();
  const first = baseAt(world, idOf(1));
  for (const step of incremental.steps) await perform(world, incremental.task(step, 2, first));
  const from = keep(world, "calm");
  const base = baseAt(world, incrementalId(2));
  return (name) => ({ name, way: incremental, from, base });
}

/** The first run of a policy, which is a full one. */
export async function makeFirst(world: World): Promise<readonly CaptureScenario[]> {
  prepare(world);
  await perform(world, full.preflight(1));
  const from = keep(world, "new");
  await perform(world, full.task("warm", 3));
  return [
    { name: "warm", way: full, from, isNew: true },
    { name: "archive", way: full, from: keep(world, "warmed"), isNew: true },
  ];
}

/** The same of generations of the configuration. */
export async function makeCollections(world: World): Promise<(name: CaptureStep) => CaptureScenario> {
  const nights = prepare(world);
  const way = configuration(world);
  await perform(world, way.preflight(1));
  for (const seq of [1, 2]) {
    if (seq === 2) nights.calm();
    way.evening(seq);
    for (const step of way.steps) await perform(world, way.task(step, seq));
  }
  const from = keep(world, "calm");
  return (name) => ({ name, way, from });
}

const baseAt = (world: World, id: string): BaseRef => ({
  id,
  manifestSHA256: sha256(readFileSync(join(world.source.handover, id, "manifest.json"))),
});
