/**
 * `make bench`, first part: the mover's own steps beside the handbook's script, restic, borg and pgBackRest, on data that is
 * built here. Needs no cluster. The figures are ratios of one run; seconds alone are of one machine.
 */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { printFigures, writeFigures } from "../demo/figures.ts";
import { ensurePrograms } from "../test/cluster/bed/packages.ts";
import { must, stopWork } from "../test/cluster/bed/processes.ts";
import { say } from "../test/cluster/bed/progress.ts";
import { needs as testNeeds } from "../test/needs.ts";
import { figuresIn } from "./figures.ts";
import { describeMachine } from "./machine.ts";
import { forgetCaches } from "./measure.ts";
import { needsOf } from "./needs.ts";
import { parseOptions, usage, type BenchOptions } from "./options.ts";
import { formatReport } from "./report.ts";
import { runBench } from "./run.ts";
import { repository } from "./peers/mover.ts";

const argv = process.argv.slice(2);
let options: BenchOptions;
try {
  options = parseOptions(argv);
} catch (error) {
  say(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exit(2);
}
const command = ["node bench/data-path.ts", ...argv].join(" ");
await ensurePrograms({ ...testNeeds, ...needsOf(options.peers) });
if (options.mover === "bundle") await must("npm", ["run", "--silent", "bundle"], { cwd: repository });

const directory =
  options.directory === undefined ? mkdtempSync(join(tmpdir(), "handover-bench-")) : resolve(options.directory);
mkdirSync(directory, { recursive: true });
const clean = (): void => {
  if (!options.keep) rmSync(directory, { recursive: true, force: true });
};
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    stopWork();
    clean();
    process.exit(130);
  });
try {
  const machine = await describeMachine(directory, await forgetCaches());
  const measurements = await runBench(options, directory);
  const figures = figuresIn(measurements, command);
  writeFigures(figures);
  const file = join(import.meta.dirname, "results.md");
  writeFileSync(file, formatReport(measurements, { command, options, machine, at: new Date().toISOString() }));
  await must("npx", ["prettier", "--write", "--log-level=warn", file], { cwd: repository });
  say(printFigures(figures));
  for (const note of measurements.notes) say(note);
  say(`written to ${file}`);
} finally {
  clean();
}
