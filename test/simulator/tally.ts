/** What the suites of the simulator have played, for people and for figures: one file per suite, put together by test/run.ts. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect } from "@jest/globals";
import type { Ended } from "./plan.ts";

const directory = join(import.meta.dirname, "../../out/simulator");
const cases = new Map<string, number>();
const states = new Map<string, number>();
const totals = { checks: 0, slowestGiveBackMs: 0 };

export function tally(kind: string, { scenario }: Ended): void {
  cases.set(kind, (cases.get(kind) ?? 0) + 1);
  totals.checks += scenario.laws.checks;
  totals.slowestGiveBackMs = Math.max(totals.slowestGiveBackMs, scenario.laws.times.slowestGiveBack);
}
/** @param limits of the search */
export const tallyStates = (limits: string, count: number): void => void states.set(limits, count);

afterAll(() => {
  const suite = (expect.getState().testPath ?? "").split("/").at(-1)?.replace(".test.ts", "") ?? "suite";
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, `${suite}.json`),
    JSON.stringify({ suite, cases: Object.fromEntries(cases), states: Object.fromEntries(states), ...totals }),
  );
});
