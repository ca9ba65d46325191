/**
 * `make bench`: does the freeze grow with the bytes of the volume? The same application, the same policy, once with 100 MB and
 * once with 2 GB of uploads, in one cluster and one run of this program; several backups of each, alternating.
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
const sizes = {
  small: { namespace: "small", megabytes: 100 },
  large: { namespace: "large", megabytes: Number(process.env["BENCH_MB"] ?? 2000) },
};
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
  for (const { namespace, megabytes } of Object.values(sizes)) {
    await step(`an application with ${megabytes} MB of uploads`, () => installDemo(stage, namespace, megabytes));
    await stage.apply(await demoPolicy(namespace));
    await step(`its first backup`, () => backup(stage, namespace, "first"));
  }
  const runs = { small: [] as RunBody[], large: [] as RunBody[] };
  const floors: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const size of ["small", "large"] as const) {
      runs[size].push(
        await step(`round ${round}, ${sizes[size].megabytes} MB`, () =>
          backup(stage, sizes[size].namespace, `round-${round}`),
        ),
      );
    }
    floors.push(await restartFloor(stage, sizes.large.namespace));
  }
  const small = median(runs.small.map(freezeOf));
  const large = median(runs.large.map(freezeOf));
  const floor = median(floors);
  const figure = (of: string, value: number, unit: string): Figure => ({ name: of, value, unit, command });
  return [
    figure("demo.freeze_seconds_100mb", small, "s"),
    figure("demo.freeze_seconds_2gb", large, "s"),
    figure("bench.freeze_ratio_2gb_to_100mb", large / small, "x"),
    figure(
      "bench.bytes_ratio",
      (runs.large[0]?.status.generation?.bytes ?? 0) / (runs.small[0]?.status.generation?.bytes ?? 1),
      "x",
    ),
    figure("bench.restart_seconds", floor, "s"),
    figure("bench.downtime_overhead_seconds_2gb", median(runs.large.map(downtimeOf)) - floor, "s"),
    figure("bench.mover_peak_mib_2gb", Math.max(...runs.large.map(peakMiB)), "MiB"),
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
