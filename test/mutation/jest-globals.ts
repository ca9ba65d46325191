/**
 * The few names of `@jest/globals` that the tests use, on mocha. Stryker switches from mutant to mutant inside a process
 * that has loaded everything once with mocha, while jest loads each file again for each mutant: minutes instead of hours.
 */
import { registerHooks } from "node:module";
import { expect } from "expect";
import { bind } from "jest-each";
import { configureGlobal } from "fast-check";
import { Scenario } from "../simulator/scenario.ts";

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "@jest/globals"
      ? { url: import.meta.url, format: "module-typescript", shortCircuit: true }
      : next(specifier, context),
});
// A mutant that one seed kills and another does not would make the score a matter of luck.
configureGlobal({ seed: 1 });

// Many mutants send a story in circles; the longest good one takes 3,400 moves, the others half of that.
Scenario.patience = 4_000;

/**
 * Seconds of the processor that stories may take for one mutant. A mutant that no table and none of the first stories has noticed
 * passes through hundreds more, and nearly always through all of them. The rest is left out then, which can only make a survivor
 * more. It is the processor's time, so that a busy machine leaves out no more than an idle one.
 */
const budget = Number(process.env["MUTATION_SECONDS"] ?? 1);
const spent = { by: "", seconds: 0 };
const secondsOfProcessor = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
};
/** Stories wait for each other's turns; rows of tables never wait. */
const isStory = (ran: unknown): ran is Promise<unknown> => ran instanceof Promise;
/** Where Stryker's own code in the mutated files looks. */
const stryker = "__stryker__";
const activeMutant = (): string | undefined =>
  (globalThis as { readonly [stryker]?: { readonly activeMutant?: string } })[stryker]?.activeMutant;

const withinBudget = (body: Body) => (): unknown => {
  const mutant = activeMutant();
  if (mutant === undefined) return body();
  if (spent.by !== mutant) Object.assign(spent, { by: mutant, seconds: 0 });
  if (spent.seconds >= budget) return undefined;
  const begun = secondsOfProcessor();
  const ran = body();
  if (!isStory(ran)) return ran;
  return ran.finally(() => {
    spent.seconds += secondsOfProcessor() - begun;
  });
};

type Body = () => unknown;
type Declare = (title: string, body: Body) => unknown;
/** Mocha puts its own names into the global object before it loads a test. */
const mocha = globalThis as unknown as Readonly<Record<"describe" | "it", Declare>> &
  Readonly<Record<"before" | "after" | "beforeEach" | "afterEach", (body: Body) => void>>;

const withEach = (declare: Declare) => Object.assign(declare, { each: bind(declare as never, false) });
export const describe = withEach((title, body) => mocha.describe(title, body));
export const test = withEach((title, body) => mocha.it(title, withinBudget(body)));
export const beforeAll = (body: Body): void => mocha.before(body);
export const afterAll = (body: Body): void => mocha.after(body);
export const beforeEach = (body: Body): void => mocha.beforeEach(body);
export const afterEach = (body: Body): void => mocha.afterEach(body);
/** Stryker limits the time of a test. */
export const jest = { setTimeout: (_milliseconds: number): void => undefined };
export { expect };
