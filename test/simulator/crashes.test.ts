/**
 * Runs and restores in the made-up world: a death at each write, two controllers at once. The laws are judged after every write;
 * here is what has to be true at the end.
 */
import { describe, expect, jest, test } from "@jest/globals";
import * as fc from "fast-check";
import { aPolicy, aRestore, aRun, aWorkload, sink } from "../support/builders.ts";
import { Crash, type PortOptions } from "./world.ts";
import type { Ending } from "./kubelet.ts";
import { Race } from "./race.ts";
import { Scenario, type Story } from "./scenario.ts";

jest.setTimeout(120_000);

const run = aRun().build();
const restore = aRestore().build();
const ends =
  (which: string, how: Ending, attempt = 0) =>
  (step: string, number: number): Ending | undefined =>
    step === which && (attempt === 0 || attempt === number) ? how : undefined;
const large: Story = {
  run,
  policy: aPolicy()
    .workloads({ kind: "Deployment", name: "shop" }, { kind: "Deployment", name: "worker" })
    .sinks(sink("vault"), sink("offsite", { required: false }))
    .build(),
  workloads: [aWorkload("shop").replicas(3).build(), aWorkload("worker").replicas(1).build()],
};

interface Told {
  readonly name: string;
  readonly story: Story;
}
const good: readonly Told[] = [
  { name: "a run of two workloads and two sinks", story: large },
  { name: "a restore", story: { restore } },
];
const bad: readonly Told[] = [
  { name: "a run whose capture fails", story: { run, script: { ending: ends("capture", "silent") } } },
  { name: "a run whose seal cannot be placed", story: { run, script: { ending: ends("seal", "pending") } } },
  {
    name: "a restore with a second try of the exchange",
    story: { restore, script: { ending: ends("swap", "silent", 1) } },
  },
];

/** What every story ends with, however it went. */
async function expectRest(scenario: Scenario): Promise<void> {
  expect(scenario.finished).toBe(true);
  for (const [name, replicas] of scenario.laws.replicas) expect(scenario.replicas(name)).toBe(replicas);
  expect(scenario.records).toEqual([]);
  expect(scenario.activeJobs).toEqual([]);
  // Silence: another look at an unchanged world changes nothing and says nothing.
  const { version, events } = scenario.world;
  const told = events.length;
  await scenario.passAll();
  expect(scenario.world.version).toBe(version);
  expect(events.length).toBe(told);
}

/** Dies at the n-th write: before it was sent, or after it was committed and before the answer came. */
function dyingAt(target: number, when: "before" | "after"): PortOptions {
  let count = 0;
  return {
    atWrite: (moment) => {
      if (moment === "before") count++;
      if (count !== target || moment !== when) return;
      count = Infinity;
      throw new Crash(`write ${target}`);
    },
  };
}

describe.each([...good, ...bad])("$name", ({ story }) => {
  test("ends the same when the controller dies at any of its writes", async () => {
    const reference = await new Scenario(story).settle();
    await expectRest(reference);
    const writes = reference.world.writes.length;
    expect(writes).toBeGreaterThan(20);
    for (let target = 1; target <= writes; target++) {
      for (const when of ["before", "after"] as const) {
        const scenario = await new Scenario({ ...story, port: dyingAt(target, when) }).settle();
        const { result, code } = scenario.status;
        expect([target, when, result, code]).toEqual([target, when, reference.status.result, reference.status.code]);
        await expectRest(scenario);
      }
    }
  });
});

describe.each(good)("$name with two controllers at once", ({ story }) => {
  const seeds = fc.integer({ min: 1, max: 1_000_000 });
  const race = async (seed: number, deaths: number): Promise<Scenario> => {
    const scenario = new Scenario({ ...story, alone: false });
    await new Race(scenario.world, seed, deaths).settle();
    return scenario;
  };

  test.each([
    { name: "ends well in any order of their calls", deaths: 0 },
    { name: "ends well in any order, although both die now and then", deaths: 30 },
  ])("$name", async ({ deaths }) => {
    const property = fc.asyncProperty(seeds, async (seed) => {
      const scenario = await race(seed, deaths);
      expect([scenario.status.result, scenario.status.code]).toEqual(["Complete", ""]);
      await expectRest(scenario);
    });
    await fc.assert(property, { numRuns: 10 });
  });
});
