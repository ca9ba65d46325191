/** Runs the test that has to notice a planted bug, and judges what it said. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../cluster/bed/processes.ts";
import type { JestSuite } from "../jest-report.ts";
import { type PlantedBug, fullNameOf } from "./bug.ts";
import type { Copy } from "./copy.ts";

export interface TestResult {
  readonly file: string;
  readonly name: string;
  readonly passed: boolean;
  /** What it said when it failed. */
  readonly said: string;
}

export interface Account {
  readonly results: readonly TestResult[];
  /** Why files of tests could not be loaded at all. */
  readonly unloadable: readonly string[];
}

/** In milliseconds: more than one test may take on a busy machine. A bug that makes a test hang must not hold up the others. */
const patience = 600_000;

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Runs the named tests of some files in the copy, and no others. */
export async function runTests(
  copy: Copy,
  tests: readonly { readonly file: string; readonly name: string }[],
  workers: number,
): Promise<Account> {
  const report = join(copy.root, "planted-report.json");
  rmSync(report, { force: true });
  const pattern = `^(${[...new Set(tests.map(({ name }) => escape(name)))].join("|")})$`;
  const flags = ["--json", `--outputFile=${report}`, `--testNamePattern=${pattern}`, "--forceExit"];
  const parallel = workers === 1 ? ["--runInBand"] : [`--maxWorkers=${workers}`];
  const node = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", "node_modules/jest/bin/jest.js"];
  const files = ["--runTestsByPath", ...new Set(tests.map(({ file }) => file))];
  const { stderr } = await run(process.execPath, [...node, ...flags, ...parallel, ...files], {
    cwd: copy.root,
    env: copy.env,
    timeoutMs: patience * workers,
  });
  let suites: readonly JestSuite[];
  try {
    suites = JSON.parse(readFileSync(report, "utf8")).testResults;
  } catch {
    return { results: [], unloadable: [stderr.trim().slice(-500) || "the tests did not end"] };
  }
  return {
    results: suites.flatMap(({ name: path, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === "passed" || status === "failed")
        .map(({ fullName, status, failureMessages }) => ({
          file: path.slice(copy.root.length + 1),
          name: fullName,
          passed: status === "passed",
          said: failureMessages.join(" ").replaceAll(/\s+/g, " ").slice(0, 300),
        })),
    ),
    unloadable: suites.filter(({ assertionResults }) => assertionResults.length === 0).map(({ message }) => message),
  };
}

export const testOf = (bug: PlantedBug): { readonly file: string; readonly name: string } => ({
  file: bug.caughtBy.file,
  name: fullNameOf(bug),
});

/** What became of the test of a bug; undefined when it was not run. */
export const resultFor = (bug: PlantedBug, { results }: Account): TestResult | undefined => {
  const { file, name } = testOf(bug);
  return results.find((result) => result.file === file && result.name === name);
};

export interface Verdict {
  readonly bug: PlantedBug;
  /** `caught`: its test failed, and only because of it. Anything else is trouble, and why. */
  readonly is: "caught" | "missed" | "void";
  readonly why?: string;
}

/** @param copy a tree in which the bug is planted, and in which its test passed before it was */
export async function judge(bug: PlantedBug, copy: Copy): Promise<Verdict> {
  const account = await runTests(copy, [testOf(bug)], 1);
  const result = resultFor(bug, account);
  // A file that cannot be loaded fails whatever is wrong with it, and proves nothing.
  if (result === undefined)
    return { bug, is: "void", why: `its test did not run: ${account.unloadable.join(" ").slice(0, 300)}` };
  if (/Exceeded timeout of/.test(result.said)) return { bug, is: "void", why: "its test ran out of time" };
  return { bug, is: result.passed ? "missed" : "caught" };
}
