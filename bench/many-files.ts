/**
 * `node bench/many-files.ts [FILES]`: a volume of many small files, backed up twice by the mover's own process, and restored. Nothing
 * changes between the two backups, so the second says what an unchanged file costs. Prints for each step its time and
 * the most memory that the mover and the tools it had started held at one moment, and for each tool how long it ran.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type Figure, printFigures, writeFigures } from "../demo/figures.ts";
import type { MoverTask } from "../operator/contract/task.ts";
import { common, preflightTask, sealTask, uploads } from "../test/support/mover-bed.ts";
import { runWatched, type Watched } from "./watched.ts";

const files = Number(process.argv[2] ?? 100_000);
const command = `node bench/many-files.ts ${files}`;
const perDirectory = 1000;

function fill(volume: string): void {
  for (let n = 0; n < files; n += 1) {
    const directory = join(volume, `d${Math.floor(n / perDirectory)}`);
    if (n % perDirectory === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `file-${n}.txt`), `content of the file with the number ${n}\n`);
  }
}

async function step(root: string, task: MoverTask, podUID: string): Promise<Watched> {
  const result = join(root, "dev/termination-log");
  rmSync(result, { force: true });
  const watched = await runWatched([process.execPath, "operator/main.ts", "mover"], {
    PATH: process.env["PATH"],
    HANDOVER_ROOT: root,
    HANDOVER_POD_UID: podUID,
    HANDOVER_TASK: JSON.stringify(task),
  });
  if (watched.code !== 0) throw new Error(`${task.step}: ${readFileSync(result, "utf8")}`);
  const tools = watched.tools
    .filter(({ cpuSeconds, seconds }) => cpuSeconds + seconds > 0.2)
    .map(
      ({ name, seconds, cpuSeconds, peakMiB }) =>
        `      ${name.padEnd(10)} ${seconds.toFixed(1).padStart(7)} s   CPU ${cpuSeconds.toFixed(1).padStart(6)} s   ${peakMiB.toFixed(0).padStart(4)} MiB`,
    );
  const micros = (seconds: number): string => `${((seconds * 1e6) / files).toFixed(1).padStart(6)} µs a file`;
  const cpuSeconds = watched.tools.reduce((sum, tool) => sum + tool.cpuSeconds, 0);
  process.stdout.write(
    `  ${task.step.padEnd(12)} ${watched.seconds.toFixed(1).padStart(7)} s   CPU ${cpuSeconds.toFixed(1).padStart(6)} s   ${watched.peakMiB.toFixed(0).padStart(4)} MiB  ${micros(watched.seconds)}, CPU ${micros(cpuSeconds)}\n${tools.map((line) => `${line}\n`).join("")}`,
  );
  return watched;
}

async function backUp(root: string, seq: number): Promise<readonly Watched[]> {
  const of = { seq, runUID: `run-${seq}`, podUID: `pod-${seq}` };
  const run = { ...common, runUID: of.runUID, seq, volumes: [uploads] };
  return [
    await step(root, { ...preflightTask(of), runUID: of.runUID }, "preflight"),
    await step(root, { ...run, step: "warm" }, `warm-${seq}`),
    await step(root, { ...run, step: "archive", frozen: true }, of.podUID),
    await step(root, sealTask(of), `seal-${seq}`),
  ];
}

async function restore(root: string): Promise<readonly Watched[]> {
  const { id } = sealTask({ seq: 2 });
  const manifestSHA256 = readFileSync(
    join(root, "store", common.namespace, common.policy, "handover", id, "manifest.sha256"),
    "utf8",
  ).slice(0, 64);
  const parts = { databases: [], volumes: [uploads] };
  const run = { ...common, runUID: "5ca1ab1e-0000-4000-8000-000000000001", ...parts };
  return [
    await step(root, { ...run, step: "stage", id, location: { name: "source" }, manifestSHA256 }, "stage"),
    await step(root, { ...run, step: "swap" }, "swap"),
    await step(root, { ...run, step: "cleanup", swapped: true }, "cleanup"),
  ];
}

const root = mkdtempSync(join(tmpdir(), "handover-many-"));
try {
  for (const directory of ["dev", "store", "v/uploads", "signal", "tmp"])
    mkdirSync(join(root, directory), { recursive: true });
  process.stdout.write(`${files} files, ${availableParallelism()} processors\n`);
  fill(join(root, "v/uploads"));
  process.stdout.write("first backup\n");
  const first = await backUp(root, 1);
  process.stdout.write("second backup, nothing has changed\n");
  const second = await backUp(root, 2);
  process.stdout.write("restore\n");
  const restored = await restore(root);
  const seconds = (steps: readonly Watched[]): number => steps.reduce((sum, one) => sum + one.seconds, 0);
  const figures: readonly Figure[] = [
    { name: "bench.many_files", value: files, unit: "files", command },
    { name: "bench.unchanged_file_microseconds", value: (seconds(second) * 1e6) / files, unit: "µs", command },
    { name: "bench.restored_file_microseconds", value: (seconds(restored) * 1e6) / files, unit: "µs", command },
    {
      name: "bench.many_files_peak_mib",
      value: Math.max(...[...first, ...second, ...restored].map(({ peakMiB }) => peakMiB)),
      unit: "MiB",
      command,
    },
  ];
  writeFigures(figures);
  process.stdout.write(`${printFigures(figures)}\n`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
