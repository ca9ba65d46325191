/**
 * The files of an app, kept by everyone in turn: the first generation, its verification, its restoration, and a generation of 1 % of change.
 * All see the same tree in the same round, so what else the machine does at the time hits none alone.
 */
import { say, step } from "../../test/cluster/bed/progress.ts";
import { changeTree } from "../dataset/change.ts";
import { restTree, type Tree } from "../dataset/tree.ts";
import { forgetCaches, measure, type Cost } from "../measure.ts";
import type { Contestant, Generation } from "../peers/contestant.ts";

export const phases = ["first", "verify", "restore", "increment"] as const;
export type Phase = (typeof phases)[number];

/** A contestant's costs of a phase, one for each round; empty where it has no such thing. */
export type Costs = Readonly<Record<Phase, readonly (Cost & Partial<Generation>)[]>>;

export async function measureFiles(
  contestants: readonly Contestant[],
  tree: Tree,
  rounds: number,
): Promise<ReadonlyMap<string, Costs>> {
  const costs = new Map<string, Record<Phase, Cost[]>>(
    contestants.map(({ name }) => [name, { first: [], verify: [], restore: [], increment: [] }]),
  );
  const turn = async (round: number, phase: Phase, prepare: () => Promise<unknown>, work: Work): Promise<void> => {
    for (const contestant of rotate(contestants, round)) {
      if (phase === "first") await contestant.reset();
      const title = `round ${round}, ${phase}, ${contestant.name}`;
      const cost = await step(title, async () => {
        await prepare();
        return await work(contestant);
      });
      if (cost === undefined) continue;
      costs.get(contestant.name)?.[phase].push(cost);
      say(
        `      ${cost.seconds.toFixed(2)} s, ${cost.cpuSeconds.toFixed(1)} s of processor, ${Math.round(cost.peakMiB)} MiB`,
      );
    }
  };
  for (let round = 1; round <= rounds; round += 1) {
    await turn(round, "first", forgetCaches, (one) => one.backUp("first"));
    await turn(round, "verify", forgetCaches, async (one) => await one.verify?.());
    await turn(round, "restore", forgetCaches, (one) => one.restore());
    changeTree(tree, round);
    // A night comes hours after most of what the day has changed.
    await restTree(tree.root);
    // The app has just run on its files, so they are in memory, for everyone.
    await turn(
      round,
      "increment",
      () => readAll(tree),
      (one) => one.backUp("increment"),
    );
  }
  return costs;
}

type Work = (contestant: Contestant) => Promise<Cost | undefined>;

/** Another one begins in each round. */
const rotate = <T>(all: readonly T[], by: number): readonly T[] =>
  all.map((_one, index) => all[(index + by) % all.length]!);

async function readAll({ root }: Tree): Promise<void> {
  await measure({ argv: ["sync"] });
  // To a pipe, because tar reads nothing when it writes to /dev/null.
  await measure({ argv: ["sh", "-c", "tar --create --file=- . | cat > /dev/null"], cwd: root });
}
