/**
 * `make test-mutation`: breaks the code in thousands of small ways, one at a time, and counts how many of them a test
 * notices. Some files at a time, and what is known of those that were done is kept: interrupted, it goes on where it was.
 * With names of files it looks at these alone, and writes no figure.
 */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { Stryker } from "@stryker-mutator/core";
import { writeFigures } from "../../demo/figures.ts";
import { config, mutated, portions, report } from "./config.ts";

/** Percent that must be killed. */
const threshold = 85;

interface Place {
  readonly line: number;
  readonly column: number;
}
interface Mutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: string;
  readonly location: { readonly start: Place; readonly end: Place };
}
interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>;
}
interface Counts {
  readonly killed: number;
  /** Killed by a test that never ended. */
  readonly timedOut: number;
  readonly survived: number;
  readonly notCovered: number;
}

function countOf(mutants: readonly Mutant[]): Counts {
  const number = (wanted: string): number => mutants.filter(({ status }) => status === wanted).length;
  return {
    killed: number("Killed"),
    timedOut: number("Timeout"),
    survived: number("Survived"),
    notCovered: number("NoCoverage"),
  };
}
const scoreOf = ({ killed, timedOut, survived, notCovered }: Counts): number => {
  const noticed = killed + timedOut;
  return (100 * noticed) / (noticed + survived + notCovered);
};
const row = (name: string, counts: Counts): string => {
  const { killed, timedOut, survived, notCovered } = counts;
  const cells = [killed, timedOut, survived, notCovered].map((value) => String(value).padStart(11));
  return `  ${name.padEnd(36)}${cells.join("")}${scoreOf(counts).toFixed(1).padStart(9)}`;
};

/** `12:7 ConditionalExpression: a === b -> true`, on one line. */
function describe(source: string, { location: { start, end }, mutatorName, replacement = "" }: Mutant): string {
  const lines = source.split("\n").slice(start.line - 1, end.line);
  const last = lines.at(-1)?.slice(0, end.column - 1) ?? "";
  const original = [...lines.slice(0, -1), last].join("\n").slice(start.column - 1);
  const short = (text: string): string => text.replaceAll(/\s+/g, " ").slice(0, 90);
  return `${start.line}:${start.column} ${mutatorName}: ${short(original)} -> ${short(replacement)}`;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const only = process.argv.slice(2);
const entries: (Report["files"][string] & { readonly path: string })[] = [];
const wanted = only.length === 0 ? mutated : only;
for (const files of portions(wanted)) {
  print(`\n${files.join(" ")}`);
  await new Stryker({ ...config, mutate: [...files] }).runMutationTest();
  const found: Report = JSON.parse(readFileSync(report, "utf8"));
  // The report also has what is known of other files; and one of types alone has nothing to break.
  for (const [path, entry] of Object.entries(found.files)) {
    const file = relative(process.cwd(), path);
    if (!files.includes(file)) continue;
    entries.push({ path: file, ...entry });
    print(row(file, countOf(entry.mutants)));
  }
}
const head = ["killed", "timed out", "survived", "uncovered"].map((word) => word.padStart(11)).join("");
const all = countOf(entries.flatMap(({ mutants }) => mutants));
const score = scoreOf(all);

for (const { path, source, mutants } of entries) {
  const left = mutants.filter(({ status }) => status === "Survived" || status === "NoCoverage");
  for (const mutant of left) print(`${path}:${describe(source, mutant)}`);
}
print(`\n  ${"mutants".padEnd(36)}${head}${"score".padStart(9)}`);
for (const { path, mutants } of entries) print(row(path, countOf(mutants)));
print(row("all", all));
if (only.length === 0)
  writeFigures([{ name: "mutation.score", value: score, unit: "percent", command: "make test-mutation" }]);
if (score < threshold) {
  print(`\nfewer than ${threshold} percent of the mutants are killed`);
  process.exitCode = 1;
}
