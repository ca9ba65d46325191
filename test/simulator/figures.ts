/** What all suites of the simulator have played, put together from the file that each has left. */
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Figure } from "../../demo/figures.ts";

const directory = join(import.meta.dirname, "../../out/simulator");

interface Played {
  readonly suite: string;
  readonly cases: Readonly<Record<string, number>>;
  readonly checks: number;
  /** By the limits of the search. */
  readonly states: Readonly<Record<string, number>>;
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
  const cases = played.flatMap((suite) => Object.entries(suite.cases));
  const states = played.flatMap((suite) => Object.entries(suite.states));
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  const line = ([what, count]: readonly [string, number], unit: string): string =>
    `${String(count).padStart(8)} ${unit}: ${what}`;
  const command = "make test";
  return {
    lines: [...cases.map((one) => line(one, "cases")), ...states.map((one) => line(one, "states"))],
    figures: [
      { name: "simulator.cases", value: sum(cases.map(([, count]) => count)), unit: "cases", command },
      { name: "simulator.violations", value: violations, unit: "violations", command },
      { name: "simulator.states", value: sum(states.map(([, count]) => count)), unit: "states", command },
      { name: "simulator.checks", value: sum(played.map(({ checks }) => checks)), unit: "checks", command },
      // With deaths, and the second until the next life.
      {
        name: "simulator.giveback_ms_max",
        value: played.find(({ suite }) => suite === "crashes")?.slowestGiveBackMs ?? 0,
        unit: "ms",
        command,
      },
    ],
  };
}
