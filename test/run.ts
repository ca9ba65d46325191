/**
 * `make test`: every tier, cheap to dear, on a cluster of its own that is removed at the end, whatever the end is. The cluster and
 * the images are made while the first tiers run. Closes with one line: N passed, N failed.
 */
import { globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { type Figure, printFigures, writeFigures } from "../demo/figures.ts";
import { cleanOnSignal, clusterDown, clusterUp, installChart, type Stage } from "../demo/stage.ts";
import { ensurePrograms } from "./cluster/bed/packages.ts";
import { run } from "./cluster/bed/processes.ts";
import { say, step } from "./cluster/bed/progress.ts";
import type { JestSuite } from "./jest-report.ts";
import { forgetSimulator, simulatorFigures } from "./simulator/figures.ts";
import { needs } from "./needs.ts";
import { calendarFigures, forgetCalendar } from "./store/calendar/tally.ts";
import { fireFigures, forgetFire } from "./store/fire/tally.ts";

const root = join(import.meta.dirname, "..");
const out = join(root, "out");
const bed = join(root, "test/cluster/bed/cli.ts");
const usage = `usage: node test/run.ts [TIER...]

  tiers: check unit simulator tools cluster (all by default, in this order; the last two side by side)
`;

interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** One line for each failure, told again at the very end. */
  readonly why?: readonly string[];
}

const sum = (counts: readonly Counts[]): Counts => ({
  passed: counts.reduce((total, { passed }) => total + passed, 0),
  failed: counts.reduce((total, { failed }) => total + failed, 0),
  why: counts.flatMap(({ why = [] }) => why),
});

function failuresOf(suites: readonly JestSuite[]): readonly string[] {
  const short = (text: string): string => text.replaceAll(/\s+/g, " ").slice(0, 300);
  return suites
    .filter(({ status }) => status !== "passed")
    .flatMap(({ name: file, message, assertionResults }) => {
      const failed = assertionResults.filter(({ status }) => status === "failed");
      const lines = failed.map(({ fullName, failureMessages }) => `${fullName}: ${short(failureMessages.join(" "))}`);
      return (lines.length === 0 ? [short(message)] : lines).map((line) => `${relative(root, file)}: ${line}`);
    });
}

/** Takes what others leave of the processors. */
const behind = ["nice", "-n", "10"] as const;

async function jest(
  tier: string,
  patterns: readonly string[],
  env: NodeJS.ProcessEnv = {},
  ...flags: readonly string[]
): Promise<Counts> {
  const report = join(out, `${tier}.json`);
  rmSync(report, { force: true });
  const args = ["run", "--silent", "test", "--", "--json", `--outputFile=${report}`, ...flags, ...patterns];
  const [program, ...before] = tier === "tools" ? [...behind, "npm"] : ["npm"];
  // jest writes its own account to the standard error; the JSON goes to the file.
  const result = await run(program, [...before, ...args], {
    cwd: root,
    env: { ...process.env, ...env, FORCE_COLOR: "0" },
    logFile: join(out, `${tier}.log`),
  });
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites, testResults } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    for (const { name, message, status } of testResults) if (status !== "passed") say(`${name}\n${message}`);
    // A suite that could not be loaded has no tests to count, and a skipped test is not a passed one.
    const failed = Math.max(numFailedTests, numFailedTestSuites, result.code === 0 ? 0 : 1) + numPendingTests;
    return { passed: numPassedTests, failed, why: failuresOf(testResults) };
  } catch {
    say(readFileSync(join(out, `${tier}.log`), "utf8").slice(-4_000));
    return { passed: 0, failed: 1 };
  }
}

/** A suite of faults that finds nothing to try proves nothing. */
const atLeastThousand = ({ name, value }: Figure): readonly Counts[] =>
  /faults|damages/.test(name) && value < 1000 ? [{ passed: 0, failed: 1, why: [`${name}: ${value}, not 1000`] }] : [];

async function check(): Promise<Counts> {
  const result = await run("npm", ["run", "--silent", "check"], { cwd: root });
  if (result.code === 0) return { passed: 1, failed: 0 };
  say(result.stdout + result.stderr);
  return { passed: 0, failed: 1 };
}

const name = `handover-test-${process.pid}`;
const kubeconfig = join(root, ".cluster", name, "kubeconfig");

async function prepareCluster(): Promise<Stage> {
  const stage = await clusterUp(name, kubeconfig);
  await installChart(stage);
  return stage;
}

async function cluster(stage: Stage): Promise<Counts> {
  const { stdout } = await run(process.execPath, [bed, "status", "--name", name, "--json"]);
  const env = {
    HANDOVER_TEST_CLUSTER: name,
    HANDOVER_TEST_KUBECONFIG: stage.kubeconfig,
    HANDOVER_TEST_AUDIT_LOG: JSON.parse(stdout).auditLog ?? "",
    HANDOVER_KUBECTL: join(root, ".cluster/bin/kubectl"),
    HANDOVER_HELM: join(root, ".cluster/bin/helm"),
  };
  const named = (suites: readonly string[]): readonly string[] =>
    suites.map((suite) => `test/cluster/${suite}.test.ts`);
  // These replace or count what there is only one of, or make everybody wait.
  const alone = named(["install", "idle", "kills-outage"]);
  // One takes the installed controller away; the others have their own or need none.
  const apart = named([
    "kills-controller",
    "faults",
    "crds",
    "chart",
    "runtime",
    "runtime-client",
    "runtime-last-state",
  ]);
  const taken = new Set([...alone, ...apart]);
  const shared = globSync("test/cluster/*.test.ts", { cwd: root }).filter((path) => !taken.has(path));
  // The node has two cores: a third at once only makes the others slower.
  return sum([
    await jest("cluster", shared, env, "--maxWorkers=2"),
    await jest("cluster-apart", apart, env, "--maxWorkers=2"),
    await jest("cluster-alone", alone, env, "--runInBand"),
  ]);
}

async function main(tiers: readonly string[]): Promise<number> {
  const wants = (tier: string): boolean => tiers.length === 0 || tiers.includes(tier);
  mkdirSync(out, { recursive: true });
  const counts: Counts[] = [];
  const tier = async (of: string, work: () => Promise<Counts>): Promise<void> => {
    if (!wants(of)) return;
    const count = await step(`tier ${of}`, work);
    say(`  ${of}: ${count.passed} passed, ${count.failed} failed`);
    counts.push(count);
  };
  // Before the cluster, which installs its own: two at once would wait for each other's locks.
  if (wants("unit") || wants("tools")) await ensurePrograms(needs);
  // Started here, awaited last: on a new machine the cluster's binary takes minutes to build.
  const prepared = wants("cluster")
    ? prepareCluster().catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
    : undefined;
  await tier("check", check);
  await tier("unit", () => jest("unit", ["test/unit/", "test/architecture"], {}, "--maxWorkers=100%"));
  await tier("simulator", async () => {
    forgetSimulator();
    const played = await jest("simulator", ["test/simulator/"], {}, "--maxWorkers=100%");
    const { lines, figures } = simulatorFigures(played.failed);
    say([...lines, printFigures(figures)].join("\n"));
    writeFigures(figures);
    return played;
  });
  const tools = (): Promise<void> =>
    tier("tools", async () => {
      forgetFire();
      forgetCalendar();
      // They wait for disks and child processes more than they compute.
      const played = await jest("tools", ["test/store/", "test/processes/"], {}, "--maxWorkers=3");
      const { lines, figures } = fireFigures();
      const all = [...figures, ...calendarFigures()];
      say([...lines, printFigures(all)].join("\n"));
      writeFigures(all);
      return sum([played, ...figures.flatMap(atLeastThousand)]);
    });
  const onCluster = async (): Promise<void> => {
    const stage = await prepared;
    await tier("cluster", async () => {
      if (stage === undefined || stage instanceof Error) {
        say(`the cluster could not be prepared: ${stage?.message}`);
        return { passed: 0, failed: 1 };
      }
      return cluster(stage);
    });
  };
  // Side by side: suites on the cluster wait for pods half of the time.
  await Promise.all([tools(), onCluster()]);
  const { passed, failed, why = [] } = sum(counts);
  for (const line of why) say(`failed: ${line}`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

async function start(tiers: readonly string[]): Promise<number> {
  let cleaned = false;
  const clean = async (): Promise<void> => {
    if (cleaned || (tiers.length > 0 && !tiers.includes("cluster"))) return;
    cleaned = true;
    await clusterDown(name);
  };
  cleanOnSignal(clean);
  try {
    return await main(tiers);
  } finally {
    await clean();
  }
}

const asked = process.argv.slice(2);
if (asked.includes("--help")) process.stdout.write(usage);
else process.exit(await start(asked));
