/** A prune that refuses to remove: the run is complete, and says so all the same. */
import { expect, test } from "@jest/globals";
import type { Script } from "../../simulator/kubelet.ts";
import { Scenario } from "../../simulator/scenario.ts";

const refusal = "HO-K701: 5 of 8 generations would be removed at once, at most 4 may be without an acknowledgement";
const refusing = (at: string): Script => ({ reports: (step) => (step === at ? { refused: refusal } : undefined) });

test("leaves the run complete, and is told of with what to do next", async () => {
  const scenario = await Scenario.run({ script: refusing("prune/vault") }).settle();
  expect(scenario.status).toMatchObject({ result: "Complete", app: "Up", code: "HO-K701" });
  expect(scenario.step("Prune/vault")).toMatchObject({ state: "Done", code: "HO-K701" });
  expect([scenario.condition("Pruned"), scenario.condition("Succeeded")]).toEqual([
    "False PruneRefused",
    "True Complete",
  ]);
  expect(scenario.status.advice).toBe(
    "HO-K701 nothing was removed at vault: 5 of 8 generations would be removed at once, at most 4 may be without an acknowledgement. " +
      "App: not affected. Data: nothing was removed. " +
      "Next: kubectl -n shop annotate bpol shop backup.handover.dev/acknowledge-prune=true",
  );
  expect(scenario.world.events).toContainEqual(expect.objectContaining({ type: "Warning", reason: "PruneRefused" }));
});

test("is not why a run is at risk", async () => {
  const scenario = Scenario.run({ script: refusing("prune/source") });
  await scenario.until(() => scenario.step("Transport/vault")?.state === "Done");
  scenario.kubelet.truth.sinks.get("vault")!.stored.clear();
  await scenario.settle();
  expect(scenario.status).toMatchObject({ result: "AtRisk", code: "HO-V602" });
  expect(scenario.condition("Pruned")).toBe("False PruneRefused");
});
