/**
 * Runs and restores in the made-up world, with a crash at each write, with two controllers at once, with whatever a script lets go
 * wrong. The laws are judged after every write; here is what has to be true at the end.
 */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { isTrue } from "../../../operator/api/conditions.ts";
import { finalizer } from "../../../operator/api/names.ts";
import { aPolicy, aRestore, aRun, aWorkload, sink } from "../../support/builders.ts";
import { Crash, type PortOptions } from "../../support/world.ts";
import type { Ending } from "./kubelet.ts";
import { Scenario, type Story } from "./scenario.ts";

const run: Story = { run: aRun().build() };
const twoWorkloads: Story = {
  run: aRun().build(),
  policy: aPolicy()
    .workloads({ kind: "Deployment", name: "shop" }, { kind: "Deployment", name: "worker" })
    .sinks(sink("vault"), sink("offsite", { required: false }))
    .build(),
  workloads: [aWorkload("shop").replicas(3).build(), aWorkload("worker").replicas(1).build()],
};
const restore: Story = { restore: aRestore().build() };

/** What a story has to end with, however it went. */
async function expectRest(scenario: Scenario): Promise<void> {
  expect(scenario.finished).toBe(true);
  for (const [name, replicas] of scenario.laws.replicas) expect(scenario.replicas(name)).toBe(replicas);
  expect(scenario.records).toEqual([]);
  expect(scenario.activeJobs).toEqual([]);
  // Silence: another look at an unchanged world changes nothing.
  const { version } = scenario.world;
  const told = scenario.world.events.length;
  await scenario.passAll();
  expect(scenario.world.version).toBe(version);
  expect(scenario.world.events.length).toBe(told);
}

/** Dies at the n-th write: before it was sent, or after it was committed and before the answer came. */
function dying(target: number, when: "before" | "after"): PortOptions {
  let count = 0;
  return {
    atWrite: (at) => {
      if (at === "before") count++;
      if (count === target && at === when) {
        count = Infinity;
        throw new Crash(`write ${target}`);
      }
    },
  };
}

describe.each([
  { name: "a run of two workloads and two sinks", story: twoWorkloads },
  {
    name: "a run whose capture fails",
    story: {
      ...run,
      script: { ending: (step: string): Ending | undefined => (step === "capture" ? "silent" : undefined) },
    },
  },
  {
    name: "a run whose seal cannot be placed",
    story: {
      ...run,
      script: { ending: (step: string): Ending | undefined => (step === "seal" ? "pending" : undefined) },
    },
  },
  { name: "a restore", story: restore },
  {
    name: "a restore whose exchange needs a second try",
    story: {
      ...restore,
      script: {
        ending: (step: string, attempt: number): Ending | undefined =>
          step === "swap" && attempt === 1 ? "silent" : undefined,
      },
    },
  },
] as readonly { readonly name: string; readonly story: Story }[])(
  "$name survives a death of the controller",
  ({ story }) => {
    test("at each of its writes, and ends as it does without", async () => {
      const reference = await new Scenario(story).settle();
      await expectRest(reference);
      const writes = reference.world.writes.length;
      expect(writes).toBeGreaterThan(10);
      for (let target = 1; target <= writes; target++) {
        for (const when of ["before", "after"] as const) {
          const scenario = await new Scenario({ ...story, port: dying(target, when) }).settle();
          expect([target, when, scenario.status.result, scenario.status.code]).toEqual([
            target,
            when,
            reference.status.result,
            reference.status.code,
          ]);
          expect(isTrue(scenario.status.conditions, "Finished")).toBe(true);
          await expectRest(scenario);
        }
      }
    });
  },
);

void fc;
void finalizer;
