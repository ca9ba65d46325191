/** What the suites of faults and damages have played: one file per suite, put together by test/run.ts. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Figure } from "../../../demo/figures.ts";

const directory = join(import.meta.dirname, "../../../out/fire");

export interface Tally {
  /** Faults that took place, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** Of them: left a half generation in view, or an older one changed or gone. */
  readonly half: number;
  /** Damages, by kind. */
  readonly damages: Readonly<Record<string, number>>;
  /** Of them: not noticed by verification. */
  readonly undetected: number;
}

export function leaveTally(suite: string, tally: Tally): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${suite}.json`), JSON.stringify(tally));
}

/** What an earlier run has left says nothing about this one. */
export const forgetFire = (): void => rmSync(directory, { recursive: true, force: true });

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const total = (counts: readonly Readonly<Record<string, number>>[]): number =>
  sum(counts.flatMap((count) => Object.values(count)));

/** @returns a line for each kind, and the figures of all suites together. */
export function fireFigures(): { readonly lines: readonly string[]; readonly figures: readonly Figure[] } {
  // None when no suite came to its end.
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const tallies = names.map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as Tally);
  const linesOf = (what: string, counts: readonly Readonly<Record<string, number>>[]): readonly string[] =>
    [...new Set(counts.flatMap((count) => Object.keys(count)))]
      .toSorted()
      .map((kind) => `${String(sum(counts.map((count) => count[kind] ?? 0))).padStart(8)} ${what}: ${kind}`);
  const faults = tallies.map((tally) => tally.faults);
  const damages = tallies.map((tally) => tally.damages);
  const figure = (name: string, value: number): Figure => ({
    name: `store.${name}`,
    value,
    unit: name,
    command: "make test",
  });
  return {
    lines: [...linesOf("faults", faults), ...linesOf("damages", damages)],
    figures: [
      figure("faults", total(faults)),
      figure("half", sum(tallies.map(({ half }) => half))),
      figure("damages", total(damages)),
      figure("undetected", sum(tallies.map(({ undetected }) => undetected))),
    ],
  };
}
