/** The namespace is deleted while a run or a restore is under way: nothing can be made any more, and nothing of ours holds it up. */
import { describe, expect, test } from "@jest/globals";
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
import { ApiError } from "../../../operator/cluster/errors.ts";
import { aRestore, aRun } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

const stories = {
  run: {
    resource: runs,
    name: "shop-1",
    story: { run: aRun().build() },
    phases: [
      "Preflight",
      "Warm",
      "Quiesce",
      "Capture",
      "GiveBack",
      "Seal",
      "Transport/vault",
      "Verify/vault",
      "Prune/vault",
    ],
  },
  restore: {
    resource: restores,
    name: "back",
    story: { restore: aRestore().build() },
    phases: ["Plan", "Stage", "Quiesce", "Swap", "GiveBack", "Cleanup"],
  },
} as const;

describe.each(["run", "restore"] as const)("the namespace of a %s is being deleted", (kind) => {
  /** Nothing can be made any more, and everything goes, in whatever order; what has finalizers waits for us. */
  const moments = new WeakMap<Scenario, { asked: number; removed: number }>();
  const waited = (scenario: Scenario): number => {
    const { asked = 0, removed = Infinity } = moments.get(scenario) ?? {};
    return removed - asked;
  };
  const ends = async (phase: string, order: readonly Resource[]): Promise<Scenario> => {
    let terminating = false;
    const refuse = (verb: string): void => {
      if (!terminating || verb !== "create") return;
      const message = "namespace shop is being terminated";
      throw new ApiError({ status: 403, reason: "Forbidden", message, outcome: "unchanged" });
    };
    const deleteAll = (scenario: Scenario): void => {
      const { world, laws } = scenario;
      terminating = true;
      laws.mayForget = true;
      world.onChange.push(({ resource, after }) => {
        if (resource !== stories[kind].resource) return;
        const { asked = world.now } = moments.get(scenario) ?? {};
        moments.set(scenario, { asked, removed: after === undefined ? world.now : Infinity });
      });
      order.forEach((resource, index) =>
        world.after(1_000 * index, () => {
          for (const { metadata } of world.all(resource)) world.delete(resource, metadata.name);
        }),
      );
    };
    const port = { atWrite: (when: string, { verb }: { readonly verb: string }) => when === "before" && refuse(verb) };
    const scenario = new Scenario({ ...stories[kind].story, port });
    await scenario.until(() => scenario.step(phase)?.state === "Running");
    scenario.world.advance(scenario.world.now + 60);
    deleteAll(scenario);
    return scenario.settle();
  };
  test.each([
    { name: "the app first", order: [deployments, policies, runs, restores, jobs, claims, leases] },
    { name: "the record first", order: [leases, policies, runs, restores, jobs, claims, deployments] },
    { name: "the run last", order: [jobs, claims, leases, deployments, policies, runs, restores] },
  ])("$name: nothing holds it up", async ({ order }) => {
    for (const phase of stories[kind].phases) {
      const scenario = await ends(phase, order);
      expect([phase, scenario.world.find(stories[kind].resource, stories[kind].name)]).toEqual([phase, undefined]);
      expect(scenario.records).toEqual([]);
      // L4, by the clock of the cluster.
      expect(waited(scenario)).toBeLessThanOrEqual(300_000);
    }
  });
});
