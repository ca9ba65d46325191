/**
 * `make bench`: does the freeze grow with the bytes of the volume, or with its files? The same application and policy with
 * 100 MB, with 2 GB in as many files, and with 2 GB in ten times as many, in one cluster and one run of this program; several
 * backups of each, alternating.
 */
import { join } from "node:path";
import { type Figure, printFigures, writeFigures } from "../demo/figures.ts";
import { type RunBody, finishedRun, peakMiB, restartFloor, secondsBetween, startRun } from "../demo/runs.ts";
import {
  type Stage,
  cleanOnSignal,
  clusterDown,
  clusterUp,
  demoPolicy,
  installChart,
  installDemo,
} from "../demo/stage.ts";
import { say, step } from "../test/cluster/bed/progress.ts";

const command = "make bench";
const name = "handover-bench";
const megabytes = Number(process.env["BENCH_MB"] ?? 2000);
const sizes = {
  small: { megabytes: 100, shelves: 1 },
  large: { megabytes, shelves: 1 },
  many: { megabytes, shelves: 10 },
};
type Size = keyof typeof sizes;
const sizeNames = Object.keys(sizes) as readonly Size[];
/** The first backup of each fills its mirror and is not measured. */
const rounds = 3;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function backup(stage: Stage, namespace: string, run: string): Promise<RunBody> {
  await startRun(stage, run, { policyName: "wiki", type: "Full" }, namespace);
  const done = await finishedRun(stage, run, namespace);
  if (done.status.result !== "Complete")
    throw new Error(`run ${run} in ${namespace} is ${done.status.result}: ${done.status.advice}`);
  return done;
}

const freezeOf = (run: RunBody): number => secondsBetween(run.status.times?.goneAt, run.status.times?.releasedAt);
const downtimeOf = (run: RunBody): number => secondsBetween(run.status.times?.stopAt, run.status.times?.readyAt);

async function measure(stage: Stage): Promise<readonly Figure[]> {
  await installChart(stage);
  for (const size of sizeNames) {
    const { megabytes: bytes } = sizes[size];
    await step(`application ${size}, ${bytes} MB of uploads`, () => installDemo(stage, size, sizes[size]));
    await stage.apply(await demoPolicy(size));
    await step(`its first backup`, () => backup(stage, size, "first"));
  }
  const runs: Record<Size, RunBody[]> = { small: [], large: [], many: [] };
  const floors: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const size of sizeNames)
      runs[size].push(await step(`round ${round}, ${size}`, () => backup(stage, size, `round-${round}`)));
    floors.push(await restartFloor(stage, "large"));
  }
  const freeze = (size: Size): number => median(runs[size].map(freezeOf));
  const generation = (size: Size) => runs[size][0]?.status.generation;
  const floor = median(floors);
  const figure = (of: string, value: number, unit: string): Figure => ({ name: of, value, unit, command });
  return [
    figure("demo.freeze_seconds_100mb", freeze("small"), "s"),
    figure("demo.freeze_seconds_2gb", freeze("large"), "s"),
    figure("bench.freeze_seconds_2gb_many_files", freeze("many"), "s"),
    figure("bench.freeze_ratio_2gb_to_100mb", freeze("large") / freeze("small"), "x"),
    figure("bench.bytes_ratio", (generation("large")?.bytes ?? 0) / (generation("small")?.bytes ?? 1), "x"),
    figure("bench.files_many", generation("many")?.files ?? 0, "files"),
    figure("bench.files_large", generation("large")?.files ?? 0, "files"),
    figure("bench.restart_seconds", floor, "s"),
    figure("bench.downtime_overhead_seconds_2gb", median(runs.large.map(downtimeOf)) - floor, "s"),
    figure("bench.mover_peak_mib_2gb", Math.max(...runs.many.map(peakMiB)), "MiB"),
  ];
}

cleanOnSignal(() => clusterDown(name));
const stage = await clusterUp(name, join(import.meta.dirname, "..", ".cluster", name, "kubeconfig"));
try {
  const figures = await measure(stage);
  writeFigures(figures);
  say(printFigures(figures));
} finally {
  await stage.api.close();
  await clusterDown(name);
}
