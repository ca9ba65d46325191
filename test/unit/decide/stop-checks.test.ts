/** What comes to stand against stopping an app after its run was accepted: nothing is written to it, and the run says why. */
import { describe, expect, jest, test } from "@jest/globals";
import { type Metadata, type Workload, autoscalers, deployments, pods } from "../../../operator/api/kinds.ts";
import { aPod, aRestore, aWorkload, anAutoscaler } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

jest.setTimeout(120_000);

const edit = ({ world }: Scenario, change: Partial<Workload["spec"]>): void =>
  world.change<Workload>(deployments, "shop", ({ spec }) => ({ spec: { ...spec, ...change } }));
const meta = ({ world }: Scenario, change: Partial<Metadata>): void => world.meta(deployments, "shop", change);
const stops = ({ world }: Scenario): number =>
  world.writes.filter(({ verb, body }) => verb === "scale" && body === 0).length;

interface Obstacle {
  readonly name: string;
  readonly comes: (scenario: Scenario) => void;
  readonly code: string;
}
const obstacles: readonly Obstacle[] = [
  {
    name: "its claims would go with its replicas",
    comes: (scenario) => edit(scenario, { persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } }),
    code: "HO-S202",
  },
  {
    name: "something controls it",
    comes: (scenario) =>
      meta(scenario, { ownerReferences: [{ apiVersion: "x/v1", kind: "Zoo", name: "z", uid: "z", controller: true }] }),
    code: "HO-S203",
  },
  {
    name: "it is being deleted",
    comes: (scenario) => meta(scenario, { deletionTimestamp: "2026-11-21T01:00:00Z" }),
    code: "HO-S201",
  },
  {
    name: "an autoscaler may wake it",
    comes: ({ world }) => world.put(autoscalers, anAutoscaler("shop", 0)),
    code: "HO-S205",
  },
  {
    name: "a stranger uses its claim",
    comes: ({ world }) => world.put(pods, aPod("x").meta({ labels: {} }).mounting("shop-uploads").build()),
    code: "HO-S206",
  },
];

describe.each([
  { kind: "a run", make: () => Scenario.run(), before: "Warm" },
  { kind: "a restore", make: () => Scenario.restore({ restore: aRestore().build() }), before: "Stage" },
])("$kind", ({ make, before }) => {
  test.each(obstacles)("is refused when $name, since it was accepted", async ({ comes, code }) => {
    const scenario = make();
    await scenario.until(() => scenario.step(before)?.state === "Running");
    comes(scenario);
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Failed", code });
    expect([stops(scenario), scenario.replicas(), scenario.records]).toEqual([0, 3, []]);
  });
  test.each(obstacles)("is refused when $name, while its guard starts", async ({ comes, code }) => {
    const scenario = make();
    await scenario.until(() => scenario.records.length === 1);
    comes(scenario);
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Failed", code });
    expect([stops(scenario), scenario.replicas(), scenario.records]).toEqual([0, 3, []]);
  });
});

test.each(obstacles.slice(0, 3))("nothing is scaled when $name at the last moment", async ({ comes, code }) => {
  const scenario = Scenario.run();
  let come = false;
  scenario.world.onChange.add(({ after }) => {
    if (come || !JSON.stringify(after ?? {}).includes(String.raw`\"state\":\"Stopping\"`)) return;
    come = true;
    comes(scenario);
  });
  await scenario.settle();
  expect(come).toBe(true);
  expect(scenario.status).toMatchObject({ result: "Failed", code });
  expect([stops(scenario), scenario.replicas(), scenario.records]).toEqual([0, 3, []]);
});

test("a rollout that has begun meanwhile is waited for", async () => {
  const scenario = Scenario.run();
  await scenario.until(() => scenario.step("Warm")?.state === "Running");
  edit(scenario, { selector: { matchLabels: { app: "shop" } } });
  await scenario.settle();
  expect(scenario.status).toMatchObject({ result: "Complete" });
  expect(stops(scenario)).toBe(1);
});
test("a rollout that does not end is not waited for longer than for pods", async () => {
  const scenario = Scenario.run();
  await scenario.until(() => scenario.step("Warm")?.state === "Running");
  scenario.world.change<Workload>(deployments, "shop", ({ status }) => ({ status: { ...status, updatedReplicas: 1 } }));
  await scenario.settle();
  expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-S204", app: "Up" });
  expect([stops(scenario), scenario.replicas()]).toEqual([0, 3]);
});

test("a parked workload is none of this", async () => {
  const parked = aWorkload().replicas(0).spec({ replicas: 0 }).build();
  const scenario = await Scenario.run({ workloads: [parked] }).settle();
  expect(scenario.status).toMatchObject({ result: "Complete" });
  expect([stops(scenario), scenario.replicas(), scenario.records]).toEqual([0, 0, []]);
});
