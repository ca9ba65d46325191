/**
 * `make test-planted`: plants one bug after the other in copies of the tree, and expects of each that the test named for it fails. A
 * suite that has never been seen to fail proves nothing.
 */
import { join } from "node:path";
import { cleanOnSignal } from "../../demo/stage.ts";
import { type Figure, printFigures, writeFigures } from "../../demo/figures.ts";
import { ensurePrograms } from "../cluster/bed/packages.ts";
import { stopWork } from "../cluster/bed/processes.ts";
import { say } from "../cluster/bed/progress.ts";
import { needs } from "../needs.ts";
import { type PlantedBug, plant } from "./bug.ts";
import { plantedBugs } from "./bugs.ts";
import { Compiler } from "./compile.ts";
import { Copy } from "./copy.ts";
import { type Verdict, judge, resultFor, runTests, testOf } from "./judge.ts";

const root = join(import.meta.dirname, "../..");
const usage = `usage: node test/planted/run.ts [ID...]

  plants the bugs of test/planted/bugs/ (all by default) and runs the test that has to notice each
`;
/** At once. Each has a copy of its own. */
const workers = 2;

/** Bugs whose test fails or is missing without them: they would prove nothing. */
async function findVoid(bugs: readonly PlantedBug[], copy: Copy): Promise<readonly Verdict[]> {
  const together = await runTests(copy, bugs.map(testOf), workers);
  const verdicts: Verdict[] = [];
  for (const bug of bugs) {
    if (resultFor(bug, together)?.passed === true) continue;
    // Many at once may have been too much for the machine.
    const alone = resultFor(bug, await runTests(copy, [testOf(bug)], 1));
    if (alone === undefined) verdicts.push({ bug, is: "void", why: `there is no test "${testOf(bug).name}"` });
    else if (!alone.passed) verdicts.push({ bug, is: "void", why: `its test fails without it: ${alone.said}` });
  }
  return verdicts;
}

async function judgeOne(bug: PlantedBug, copy: Copy, compiler: Compiler): Promise<Verdict> {
  try {
    const complaint = compiler.complaint(bug.file, plant(bug, compiler.read(bug.file)));
    if (complaint !== undefined) return { bug, is: "void", why: `it does not compile: ${complaint}` };
    return await copy.with(
      bug.file,
      (content) => plant(bug, content),
      () => judge(bug, copy),
    );
  } catch (error) {
    return { bug, is: "void", why: String(error) };
  }
}

async function judgeAll(
  bugs: readonly PlantedBug[],
  copies: readonly Copy[],
  compiler: Compiler,
): Promise<readonly Verdict[]> {
  const left = [...bugs];
  const verdicts: Verdict[] = [];
  await Promise.all(
    copies.map(async (copy) => {
      for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
        const verdict = await judgeOne(bug, copy, compiler);
        verdicts.push(verdict);
        print(verdict);
      }
    }),
  );
  return verdicts;
}

function print({ bug, is, why }: Verdict): void {
  const trouble = why === undefined ? "" : `: ${why}`;
  process.stdout.write(
    `${is.padEnd(6)} ${bug.id.padEnd(34)} ${bug.breaks.padEnd(12)} ${bug.caughtBy.file}: ${bug.caughtBy.test.at(-1)}${trouble}\n`,
  );
}

/** @param pristine nothing is ever planted in it: what is compared and compiled is of one moment, whatever happens to the tree */
async function main(ids: readonly string[], pristine: Copy, copies: readonly Copy[]): Promise<number> {
  const bugs = ids.length === 0 ? plantedBugs : plantedBugs.filter(({ id }) => ids.includes(id));
  if (bugs.length === 0) throw new Error("no such bug");
  await ensurePrograms(needs);
  say(`${bugs.length} bugs; first their tests without them`);
  const nothing = await findVoid(bugs, pristine);
  nothing.forEach(print);
  const planted = bugs.filter((bug) => nothing.every((verdict) => verdict.bug !== bug));
  const verdicts = [...nothing, ...(await judgeAll(planted, copies, new Compiler(pristine.root)))];
  const missed = verdicts.filter(({ is }) => is !== "caught");
  if (missed.length > 0) {
    process.stdout.write("\nnot caught:\n");
    missed.forEach(print);
  }
  const command = "make test-planted";
  const figures: readonly Figure[] = [
    { name: "planted.bugs", value: bugs.length, unit: "bugs", command },
    { name: "planted.missed", value: missed.length, unit: "bugs", command },
  ];
  process.stdout.write(`\n${printFigures(figures)}\n`);
  if (ids.length === 0) writeFigures(figures);
  return missed.length === 0 ? 0 : 1;
}

async function start(ids: readonly string[]): Promise<number> {
  const copies: Copy[] = [];
  const clean = (): void => copies.splice(0).forEach((copy) => copy.dispose());
  cleanOnSignal(async () => {
    stopWork();
    clean();
  });
  try {
    const pristine = new Copy(root);
    copies.push(pristine);
    const workshops = Array.from({ length: workers }, () => new Copy(root));
    copies.push(...workshops);
    return await main(ids, pristine, workshops);
  } finally {
    clean();
  }
}

const asked = process.argv.slice(2);
if (asked.includes("--help")) process.stdout.write(usage);
else process.exit(await start(asked));
