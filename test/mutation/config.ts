/** What is mutated, and what has to notice it. How to read the outcome: docs/explanation/mutation.md. */
import { globSync, readFileSync, statSync } from "node:fs";
import type { PartialStrykerOptions } from "@stryker-mutator/api/core";

/**
 * A story in the simulator costs what a thousand rows of a table do, and a mutant that survives has to go through hundreds of them: hours.
 * So the tables have to notice by themselves; what only a story would have noticed counts as survived.
 */
const isStory = (path: string): boolean => readFileSync(path, "utf8").includes("/simulator/scenario");
const tests = [
  ...globSync("test/unit/domain/{buckets,holds,retention,retention-rules,schedule}.test.ts"),
  ...globSync("test/unit/runtime/{queue,leader}*.test.ts"),
  ...globSync("test/unit/decide/**/*.test.ts"),
]
  .filter((path) => !isStory(path))
  .toSorted();

export const report = "out/mutation/mutation.json";
/** What is known of each mutant: one whose code and tests have not changed since is not tried again. */
const known = "out/mutation/known.json";

const size = (path: string): number => statSync(path).size;
/** Smallest first: whoever interrupts it finds most of the files done. */
export const mutated = [
  ...globSync("operator/decide/**/*.ts"),
  "operator/domain/buckets.ts",
  "operator/domain/holds.ts",
  "operator/domain/retention.ts",
  "operator/domain/schedule.ts",
  "operator/runtime/queue.ts",
  "operator/runtime/leader.ts",
].toSorted((a, b) => size(a) - size(b));

/** Some files at a time: their rows are printed when they are done, and all tests have to run once before the first mutant of them. */
export function portions(files: readonly string[], bytes = 60_000): readonly (readonly string[])[] {
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
    spec: tests,
  },
  coverageAnalysis: "perTest",
  // What is made once, while a module is loaded: each would need a process of its own, and every test.
  ignoreStatic: true,
  concurrency: 2,
  // A busy machine must not pass for a mutant that hangs.
  timeoutMS: 10_000,
  timeoutFactor: 3,
  dryRunTimeoutMinutes: 15,
  ignorePatterns: ["**", "!operator/**", "!test/**", "!crds/**", "!manifests/samples/**", "!package.json"],
  tempDirName: "out/mutation/sandbox",
  reporters: ["json", "html", "progress"],
  jsonReporter: { fileName: report },
  htmlReporter: { fileName: "out/mutation/mutation.html" },
  allowConsoleColors: false,
} satisfies PartialStrykerOptions;
