/** A restore is told of in words of its own. */
import { expect, test } from "@jest/globals";
import { Scenario } from "../../simulator/scenario.ts";

test("of a restore that went well, no event speaks of a run", async () => {
  const scenario = await Scenario.restore().settle();
  const reasons = scenario.world.events.map(({ reason }) => reason);
  expect(reasons).toContain("RestoreComplete");
  expect(reasons.filter((reason) => reason.startsWith("Run"))).toEqual([]);
});
