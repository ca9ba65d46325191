/** The namespace is deleted while a run or a restore is under way: nothing can be made any more, and nothing of ours holds it up. */
import { describe, expect, jest, test } from "@jest/globals";
import {
  type Resource,
  claims,
  deployments,
  jobs,
  leases,
  policies,
  restores,
  runs,
} from "../../../operator/api/kinds.ts";
import type { Call, CallFault } from "../../simulator/port.ts";
import { Scenario } from "../../simulator/scenario.ts";
import { subjects } from "../../simulator/subjects.ts";

jest.setTimeout(900_000);

describe.each(["run", "restore"] as const)("the namespace of a %s is being deleted", (kind) => {
  /** Nothing can be made any more, and everything goes, in whatever order; what has finalizers waits for us. */
  const end = async (phase: string, order: readonly Resource[]): Promise<{ scenario: Scenario; waited: number }> => {
    const { resource, story } = subjects[kind];
    let terminating = false;
    const fault = ({ verb }: Call): CallFault | undefined =>
      terminating && verb === "create" ? { fail: 403 } : undefined;
    const scenario = new Scenario({ ...story, processes: [{ fault }] });
    const { world, laws } = scenario;
    await scenario.until(() => scenario.step(phase)?.state === "Running");
    world.advance(world.now + 60);
    terminating = true;
    laws.mayForget = true;
    const begun = world.now;
    let waited = Infinity;
    world.onChange.add((change) => {
      if (change.resource === resource && change.after === undefined) waited = world.now - begun;
    });
    order.forEach((one, index) =>
      world.after(1_000 * index, () => {
        for (const { metadata } of world.all(one)) world.delete(one, metadata.name);
      }),
    );
    await scenario.settle();
    return { scenario, waited };
  };
  test.each([
    { name: "the app first", order: [deployments, policies, runs, restores, jobs, claims, leases] },
    { name: "the record first", order: [leases, policies, runs, restores, jobs, claims, deployments] },
    { name: "the run last", order: [jobs, claims, leases, deployments, policies, runs, restores] },
  ])("$name: nothing holds it up", async ({ order }) => {
    for (const phase of subjects[kind].phases) {
      const { scenario, waited } = await end(phase, order);
      expect([phase, scenario.records]).toEqual([phase, []]);
      // L4, by the clock of the cluster.
      expect([phase, waited <= 300_000 ? "in time" : waited]).toEqual([phase, "in time"]);
    }
  });
});
