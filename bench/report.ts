/** What was measured, as tables for people: `bench/results.md`. */
import type { BenchOptions } from "./options.ts";
import { ratiosIn } from "./figures.ts";
import type { Measurements } from "./measurements.ts";
import type { Cost } from "./measure.ts";
import { phases } from "./scenarios/files.ts";
import { formatSpread, spreadOf } from "./statistics.ts";

export interface ReportOptions {
  readonly command: string;
  readonly options: BenchOptions;
  readonly machine: readonly string[];
  /** RFC 3339 */
  readonly at: string;
}

const titles = { first: "First generation", verify: "Verify", restore: "Restore", increment: "1 % changed" } as const;

export function formatReport(measurements: Measurements, { command, options, machine, at }: ReportOptions): string {
  const { files, dumps, unchanged, versions, notes } = measurements;
  const names = [...files.keys()];
  const phaseTables = phases.map((phase) => {
    const rows = names.flatMap((name) => {
      const costs = files.get(name)?.[phase] ?? [];
      const stored = costs.flatMap(({ storedBytes }) => (storedBytes === undefined ? [] : [storedBytes / 1e6]));
      return costs.length === 0 ? [] : [[name, ...costColumns(costs), formatSpread(spreadOf(stored))]];
    });
    return `### ${titles[phase]}\n\n${table([...costTitles, "Stored, MB"], rows)}`;
  });
  const steps = (files.get("handover")?.first ?? []).length === 0 ? "" : stepTable(measurements);
  return [
    "# Measured\n",
    `By \`${command}\` at ${at}, ${options.rounds} rounds. Each figure is the median, with the least and the most in brackets.\n`,
    "## Machine\n",
    bullets(machine),
    "## Data\n",
    bullets([
      `${options.files} small files, logs and media, ${options.megabytes} MB in all; a database of about ${options.databaseMegabytes} MB; ${options.unchangedFiles} files of which none changes`,
      ...[...versions].map(([name, version]) => `${name}: ${version}`),
    ]),
    ...(notes.length === 0 ? [] : ["## To be said\n", bullets(notes)]),
    "## Ratios\n",
    "How many times better Handover is than the other, in the same round.\n",
    table(
      ["Figure", "What", "Times better"],
      ratiosIn(measurements).map(({ name, what, spread }) => [name, what, formatSpread(spread)]),
    ),
    "## Files\n",
    ...phaseTables,
    steps,
    ...(dumps.size === 0
      ? []
      : [
          "## Database\n",
          table(
            [...costTitles, "Stored, MB"],
            [...dumps].map(([name, costs]) => [
              name,
              ...costColumns(costs),
              formatSpread(spreadOf(costs.map(({ storedBytes }) => storedBytes / 1e6))),
            ]),
          ),
          "Processor time of the server is not counted; pgBackRest copies the server's files, the others dump the database.\n",
        ]),
    ...(unchanged === undefined
      ? []
      : [
          `## ${unchanged.files} files\n`,
          table(costTitles, [
            ["first generation", ...costColumns([unchanged.first])],
            [`none changed, ${unchanged.second.type}`, ...costColumns([unchanged.second])],
            ...Object.entries(unchanged.second.steps).map(([step, cost]) => [`- ${step}`, ...costColumns([cost])]),
          ]),
          `${((unchanged.second.seconds / unchanged.files) * 1e6).toFixed(1)} µs for each file when none has changed.\n`,
        ]),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function stepTable({ files }: Measurements): string {
  const rows = (["first", "increment"] as const).flatMap((phase) => {
    const costs = files.get("handover")?.[phase] ?? [];
    return (["warm", "archive", "seal"] as const).map((step) => [
      `${titles[phase]}, ${step}`,
      ...costColumns(costs.flatMap((cost) => ("steps" in cost ? [(cost.steps as Record<string, Cost>)[step]!] : []))),
    ]);
  });
  return `### Steps of Handover\n\n${table(costTitles, rows)}`;
}

const costTitles = ["", "Seconds", "Processor, s", "Peak, MiB"] as const;

const costColumns = (costs: readonly Cost[]): readonly string[] => [
  formatSpread(spreadOf(costs.map(({ seconds }) => seconds))),
  formatSpread(spreadOf(costs.map(({ cpuSeconds }) => cpuSeconds))),
  Math.max(0, ...costs.map(({ peakMiB }) => peakMiB)).toFixed(0),
];

const bullets = (lines: readonly string[]): string => `${lines.map((line) => `- ${line}`).join("\n")}\n`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}
