/** What all suites of the simulator have played, put together from the file that each has left. */
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Figure } from "../../demo/figures.ts";

const directory = join(import.meta.dirname, "../../out/simulator");

interface Played {
  readonly suite: string;
  readonly cases: Readonly<Record<string, number>>;
  readonly checks: number;
  readonly states: number;
  readonly slowestGiveBackMs: number;
}

/** What an earlier run has left says nothing about this one. */
export const forgetSimulator = (): void => rmSync(directory, { recursive: true, force: true });

/** @param violations failed tests of the tier: each ends at the first law that is broken. */
export function simulatorFigures(violations: number): {
  readonly lines: readonly string[];
  readonly figures: readonly Figure[];
} {
  const played = readdirSync(directory).map(
    (name): Played => JSON.parse(readFileSync(join(directory, name), "utf8")) as Played,
  );
  const kinds = new Map<string, number>();
  for (const [kind, count] of played.flatMap(({ cases }) => Object.entries(cases)))
    kinds.set(kind, (kinds.get(kind) ?? 0) + count);
  const sum = (of: (suite: Played) => number): number => played.reduce((total, suite) => total + of(suite), 0);
  const command = "make test";
  return {
    lines: [...kinds].map(([kind, count]) => `${String(count).padStart(6)} cases: ${kind}`),
    figures: [
      { name: "simulator.cases", value: [...kinds.values()].reduce((a, b) => a + b, 0), unit: "cases", command },
      { name: "simulator.violations", value: violations, unit: "violations", command },
      { name: "simulator.states", value: sum(({ states }) => states), unit: "states", command },
      { name: "simulator.checks", value: sum(({ checks }) => checks), unit: "writes and changes judged", command },
    ],
  };
}
