/** What the suites of the calendar have looked at: one file per suite, put together by test/run.ts. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Figure, printFigures } from "../../../demo/figures.ts";

const directory = join(import.meta.dirname, "../../../out/calendar");

export interface Tally {
  /** That were made. */
  readonly generations: number;
  /** Restored for real and compared with what the app was. */
  readonly restores: number;
  /** Generations that were in view at some moment and could not have been restored from there. */
  readonly unrestorable: number;
}

export function leaveTally(suite: string, tally: Tally): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${suite}.json`), JSON.stringify(tally));
  process.stderr.write(`${suite}\n${printFigures(figuresOf([tally]))}\n`);
}

/** What an earlier run has left says nothing about this one. */
export const forgetCalendar = (): void => rmSync(directory, { recursive: true, force: true });

export function calendarFigures(): readonly Figure[] {
  // None when no suite came to its end.
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return figuresOf(names.map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as Tally));
}

function figuresOf(tallies: readonly Tally[]): readonly Figure[] {
  const figure = (name: keyof Tally): Figure => ({
    name: `calendar.${name}`,
    value: tallies.reduce((sum, tally) => sum + tally[name], 0),
    unit: name === "restores" ? "restores" : "generations",
    command: "make test",
  });
  return [figure("generations"), figure("restores"), figure("unrestorable")];
}
