/** What is mutated, and what has to notice it. How to read the outcome: docs/explanation/mutation.md. */
import { globSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { PartialStrykerOptions } from "@stryker-mutator/api/core";

/** A story in the simulator costs what a thousand rows of a table do. */
const isStory = (path: string): boolean => readFileSync(path, "utf8").includes("/simulator/scenario");
/** Each interference at each step of whole stories: half of all the time, and what they notice, smaller tests notice as well. */
const isMatrix = (path: string): boolean => /\/(phases|namespace)\.test\.ts$/.test(path);
/**
 * The first test that fails ends the work on a mutant, and there is a limit for all stories together (`jest-globals.ts`): those
 * that look at most of a record come first, then those about one thing, and last those that take longest.
 */
const broad = ["run", "restore"];
const dear = [
  "columns",
  "restore-interference",
  "stopping",
  "run-record",
  "stop-checks",
  "holders",
  "run-interference",
];
function rank(path: string): number {
  if (!isStory(path)) return 0;
  const name = basename(path, ".test.ts");
  return broad.includes(name) ? 1 : dear.indexOf(name) + 3;
}
const tests = [
  ...globSync("test/unit/domain/{buckets,holds,retention,retention-rules,schedule}.test.ts"),
  ...globSync("test/unit/runtime/{queue,leader}*.test.ts"),
  ...globSync("test/unit/decide/**/*.test.ts").toSorted(),
].filter((path) => !isMatrix(path));

export const report = "out/mutation/mutation.json";
/** What is known of each mutant: one whose code and tests have not changed since is not tried again. */
const known = "out/mutation/known.json";

const size = (path: string): number => statSync(path).size;
/** Smallest first: it takes hours, and whoever interrupts it finds most of the files done. */
export const mutated = [
  ...globSync("operator/decide/**/*.ts"),
  "operator/domain/buckets.ts",
  "operator/domain/holds.ts",
  "operator/domain/retention.ts",
  "operator/domain/schedule.ts",
  "operator/runtime/queue.ts",
  "operator/runtime/leader.ts",
].toSorted((a, b) => size(a) - size(b));

/** Some files at a time: all tests have to run once before the first mutant, and what is known is kept after the last. */
export function portions(files: readonly string[], bytes = 24_000): readonly (readonly string[])[] {
  const portion: string[][] = [];
  for (const file of files) {
    const last = portion.at(-1);
    if (last === undefined || [...last, file].map(size).reduce((a, b) => a + b, 0) > bytes) portion.push([file]);
    else last.push(file);
  }
  return portion;
}

export const config = {
  incremental: true,
  incrementalFile: known,
  plugins: ["@stryker-mutator/mocha-runner", "./test/mutation/texts.ts"],
  ignorers: ["texts"],
  testRunner: "mocha",
  mochaOptions: {
    require: ["./test/mutation/jest-globals.ts"],
    spec: tests.toSorted((a, b) => rank(a) - rank(b)),
  },
  coverageAnalysis: "perTest",
  concurrency: 2,
  // A busy machine must not pass for a mutant that hangs.
  timeoutMS: 4_000,
  timeoutFactor: 3,
  dryRunTimeoutMinutes: 60,
  ignorePatterns: ["**", "!operator/**", "!test/**", "!crds/**", "!package.json"],
  tempDirName: "out/mutation/sandbox",
  reporters: ["json", "html", "progress"],
  jsonReporter: { fileName: report },
  htmlReporter: { fileName: "out/mutation/mutation.html" },
  allowConsoleColors: false,
} satisfies PartialStrykerOptions;
