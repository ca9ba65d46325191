/** A quiesce record that somebody deletes or spoils while a run holds the app. */
import { describe, expect, test } from "@jest/globals";
import { leases } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import { Scenario } from "./scenario.ts";

describe("the quiesce record is deleted", () => {
  test.each(["Quiesce", "Capture", "GiveBack"])("while %s runs, the app comes back as it was", async (phase) => {
    const scenario = Scenario.run();
    await scenario.until(() => scenario.step(phase)?.state === "Running");
    // At once: of a workload at zero it is the only memory in the cluster but for the run's own.
    await scenario.until(() => scenario.replicas() === 0);
    scenario.laws.mayForget = true;
    for (const { metadata } of scenario.records) scenario.world.delete(leases, metadata.name);
    await scenario.settle();
    const kept = phase === "GiveBack";
    expect(scenario.replicas()).toBe(3);
    expect(scenario.status).toMatchObject({
      result: kept ? "Complete" : "Failed",
      app: "Up",
      code: { Quiesce: "HO-S211", Capture: "HO-S209", GiveBack: "" }[phase],
    });
    expect(scenario.records).toEqual([]);
  });
});

test("a record that nobody can read keeps the app stopped, and says so", async () => {
  const scenario = Scenario.run();
  await scenario.until(() => scenario.step("Capture")?.state === "Running");
  scenario.world.meta(leases, scenario.records[0]!.metadata.name, { annotations: { [annotations.record]: "{" } });
  await scenario.settle();
  expect(scenario.status).toMatchObject({ app: "Down", code: "HO-S210" });
  expect(scenario.records.length).toBe(1);
  expect(scenario.world.events.map(({ reason }) => reason)).toContain("RecordUnreadable");
});
