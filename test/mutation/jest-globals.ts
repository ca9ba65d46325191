/**
 * The few names of `@jest/globals` that the tests use, on mocha. Stryker switches from mutant to mutant inside a process
 * that has loaded everything once with mocha, while jest loads each file again for each mutant: minutes instead of hours.
 */
import { registerHooks } from "node:module";
import { expect } from "expect";
import { bind } from "jest-each";
import { configureGlobal } from "fast-check";

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "@jest/globals"
      ? { url: import.meta.url, format: "module-typescript", shortCircuit: true }
      : next(specifier, context),
});
// A mutant that one seed kills and another does not would make the score a matter of luck.
configureGlobal({ seed: 1 });

type Body = () => unknown;
type Declare = (title: string, body: Body) => unknown;
/** Mocha puts its own names into the global object before it loads a test. */
const mocha = globalThis as unknown as Readonly<Record<"describe" | "it", Declare>> &
  Readonly<Record<"before" | "after" | "beforeEach" | "afterEach", (body: Body) => void>>;

const withEach = (declare: Declare) => Object.assign(declare, { each: bind(declare as never, false) });
export const describe = withEach((title, body) => mocha.describe(title, body));
export const test = withEach((title, body) => mocha.it(title, body));
export const beforeAll = (body: Body): void => mocha.before(body);
export const afterAll = (body: Body): void => mocha.after(body);
export const beforeEach = (body: Body): void => mocha.beforeEach(body);
export const afterEach = (body: Body): void => mocha.afterEach(body);
/** Stryker limits the time of a test. */
export const jest = { setTimeout: (_milliseconds: number): void => undefined };
export { expect };
