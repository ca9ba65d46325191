/** Somebody deletes the Job of a capture. Another one would stop the app again, or capture beside it. */
import { expect, test } from "@jest/globals";
import { jobs } from "../../../operator/api/kinds.ts";
import { Scenario } from "../../simulator/scenario.ts";

const capture = "shop-1-capture-1";

test.each([
  { name: "while the app is down", so: ({ status }: Scenario) => status.capturePodUID !== undefined },
  { name: "while the app is up again", so: ({ status }: Scenario) => status.times?.readyAt !== undefined },
])("a capture whose Job is deleted $name is not begun again", async ({ so }) => {
  const scenario = Scenario.run({ script: { jobTakes: 30_000 } });
  await scenario.until(() => so(scenario) && scenario.step("Capture")?.state === "Running");
  scenario.world.delete(jobs, capture);
  await scenario.settle();
  expect(scenario.moverJobs.filter(({ metadata }) => metadata.name.includes("-capture-"))).toHaveLength(1);
  expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-X001", app: "Up" });
  expect(scenario.replicas()).toBe(3);
  expect(scenario.records).toEqual([]);
});
