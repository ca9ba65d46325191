/** Figures that suites and benches measure: computed, never typed, merged by name into out/figures.json. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly command: string;
}

const directory = join(import.meta.dirname, "..", "out");
const file = join(directory, "figures.json");

export function writeFigures(figures: readonly Figure[]): void {
  let known: Figure[] = [];
  try {
    known = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // The first figures of this tree.
  }
  const merged = new Map(
    [...known, ...figures].map((figure) => [figure.name, { ...figure, value: Math.round(figure.value * 1000) / 1000 }]),
  );
  mkdirSync(directory, { recursive: true });
  // Whole at any moment: suites that run side by side read it.
  const next = `${file}.${process.pid}`;
  writeFileSync(
    next,
    `${JSON.stringify(
      [...merged.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      undefined,
      2,
    )}\n`,
  );
  renameSync(next, file);
}

export const printFigures = (figures: readonly Figure[]): string =>
  figures.map(({ name, value, unit }) => `  ${name.padEnd(32)} ${Math.round(value * 1000) / 1000} ${unit}`).join("\n");
