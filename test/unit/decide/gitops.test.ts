/** Tools that may start the app again: told of before, and named when they have. */
import { expect, jest, test } from "@jest/globals";
import { deployments } from "../../../operator/api/kinds.ts";
import { aRun } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

jest.setTimeout(120_000);

const argo = { annotations: { "argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/shop" } };
const warnings = ({ world }: Scenario): readonly string[] =>
  world.events.filter(({ reason }) => reason === "GitOpsReverts").map(({ message }) => message);
const tracked = (): Scenario => {
  const scenario = Scenario.run({ script: { jobTakes: 20_000, stopTakes: 5_000 } });
  scenario.world.meta(deployments, "shop", argo);
  return scenario;
};

test("it is told once, in an event and in the message of the acceptance", async () => {
  const scenario = await tracked().settle();
  expect(scenario.status).toMatchObject({ result: "Complete" });
  expect(warnings(scenario)).toEqual([
    expect.stringMatching(/^Deployment shop may be started again .* by Argo CD: add to /),
  ]);
  expect(scenario.step("Accept")?.message).toContain("Argo CD: add to Application web");
});
test("a restore tells it, too", async () => {
  const scenario = Scenario.restore();
  scenario.world.meta(deployments, "shop", argo);
  await scenario.settle();
  expect(warnings(scenario).length).toBe(1);
});
test("a run that stops nothing does not tell it", async () => {
  const scenario = Scenario.run({ run: aRun().of("Database").build() });
  scenario.world.meta(deployments, "shop", argo);
  await scenario.settle();
  expect(warnings(scenario)).toEqual([]);
});

test.each(["Quiesce", "Capture"])(
  "when the app is started during %s, the failure names the tool and what to set",
  async (phase) => {
    const scenario = tracked();
    await scenario.until(() => scenario.step(phase)?.state === "Running" && scenario.replicas() === 0);
    await scenario.until(() => scenario.status.times?.stopAt !== undefined);
    const begun = scenario.world.now;
    scenario.scaleByHand(3);
    await scenario.until(() => scenario.step(phase)?.state === "Failed");
    expect(scenario.world.now - begun).toBeLessThanOrEqual(1_000);
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-S209", app: "Up" });
    expect(scenario.status.advice).toContain(
      "Deployment shop was scaled to 3, as it seems by Argo CD: add to Application web",
    );
    expect([scenario.replicas(), scenario.records]).toEqual([3, []]);
  },
);
test("a workload that nobody applies is not blamed on anybody", async () => {
  const scenario = Scenario.run({ script: { jobTakes: 20_000 } });
  await scenario.until(() => scenario.step("Capture")?.state === "Running");
  scenario.scaleByHand(5);
  await scenario.settle();
  expect(scenario.status.advice).toContain("HO-S209 Deployment shop was scaled to 5. App");
});
