/** Whether the processes of the app have ended: seen, remembered, asked for, or not known. What is not known is never captured. */
import { describe, expect, jest, test } from "@jest/globals";
import { type Pod, type Workload, deployments, leases, pods, policies, runs } from "../../../operator/api/kinds.ts";
import { parseRecord } from "../../../operator/decide/record.ts";
import { aPolicy, aRun } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

jest.setTimeout(120_000);

const summary = (scenario: Scenario): unknown => {
  const { result, app, code, pods: left } = scenario.status;
  return { result, app, code, replicas: scenario.replicas(), left };
};
const uncertain = { result: "Failed", app: "Up", code: "HO-S213", replicas: 3, left: undefined };
/** Scaled to zero, and its pods take a while to end. */
const stopping = async (scenario: Scenario): Promise<Scenario> => scenario.until(() => scenario.replicas() === 0);
const slow = { stopTakes: 20_000 };
const byForce = ({ world }: Scenario, name = "shop-pod-1"): void => world.delete(pods, name);

describe.each([
  { kind: "a run", make: () => Scenario.run({ script: slow }) },
  { kind: "a restore", make: () => Scenario.restore({ script: slow }) },
])("$kind", ({ make }) => {
  test.each([
    { name: "while it ends", wait: 2_000 },
    { name: "at once", wait: 0 },
  ])("is given up when a pod is deleted by force $name, and the app is given back", async ({ wait }) => {
    const scenario = await stopping(make());
    await scenario.until(() => (scenario.status.pods ?? []).length === 3);
    scenario.world.advance(scenario.world.now + wait);
    byForce(scenario);
    await scenario.settle();
    expect(summary(scenario)).toEqual(uncertain);
    expect(scenario.records).toEqual([]);
    expect(scenario.activeJobs).toEqual([]);
    expect(scenario.status.advice).toContain("pod shop-pod-1 was deleted before its processes were seen to end");
    expect(scenario.moverJobs.map(({ metadata }) => metadata.name).filter((name) => /capture|swap/.test(name))).toEqual(
      [],
    );
  });
  test("is given up when it happens before anything is stopped", async () => {
    const scenario = make();
    await scenario.until(() => scenario.records.length === 1);
    byForce(scenario);
    await scenario.settle();
    expect(summary(scenario)).toEqual(uncertain);
  });
  test("goes on when its pods have ended while nobody looked", async () => {
    const scenario = await stopping(make());
    scenario.world.advance(scenario.world.now + 40_000);
    expect(scenario.world.all<Pod>(pods).some(({ metadata }) => metadata.labels?.["app"] === "shop")).toBe(false);
    for (const process of scenario.processes) process.restart();
    await scenario.settle();
    expect(summary(scenario)).toMatchObject({ result: "Complete", code: "" });
  });
  test("is given up when the API server does not remember how they went", async () => {
    const scenario = await stopping(make());
    scenario.world.advance(scenario.world.now + 40_000);
    scenario.world.compact();
    for (const process of scenario.processes) process.restart();
    await scenario.settle();
    expect(summary(scenario)).toEqual(uncertain);
  });
});

test("what is remembered of pods is forgotten once they have ended", async () => {
  const scenario = await stopping(Scenario.run({ script: slow }));
  await scenario.until(() => (scenario.status.pods ?? []).length === 3);
  await scenario.settle();
  expect(summary(scenario)).toEqual({ ...uncertain, result: "Complete", code: "" });
});

test("a pod whose phase says Failed while its containers are on record as running has not ended", async () => {
  const scenario = await stopping(Scenario.run({ script: slow }));
  // As the garbage collector of pods does before it removes what was on a node that is gone.
  scenario.world.change<Pod>(pods, "shop-pod-1", ({ status }) => ({ status: { ...status, phase: "Failed" } }));
  scenario.world.advance(scenario.world.now + 100);
  byForce(scenario);
  await scenario.settle();
  expect(summary(scenario)).toEqual(uncertain);
});

test("a pod on a node that does not answer is waited for, and then named", async () => {
  const scenario = await stopping(Scenario.run({ script: { stopTakes: Infinity } }));
  scenario.world.change<Pod>(pods, "shop-pod-2", ({ status }) => ({
    status: {
      ...status,
      conditions: [
        { type: "Ready", status: "False" },
        { type: "ContainersReady", status: "True" },
      ],
    },
  }));
  await scenario.settle();
  expect(summary(scenario)).toEqual(uncertain);
  expect(scenario.status.advice).toContain("the node of pod shop-pod-2 does not answer");
});

describe("two runs that share a hold", () => {
  const both = async (until: (scenario: Scenario) => boolean): Promise<Scenario> => {
    const scenario = Scenario.run({ script: { ...slow, jobTakes: 5_000 } });
    scenario.world.put(policies, aPolicy("other").build());
    scenario.world.put(runs, aRun("other-1").forPolicy("other").build());
    return scenario.until(() => until(scenario));
  };
  const holders = ({ records: [lease] }: Scenario): readonly string[] =>
    lease === undefined ? [] : (parseRecord(lease)?.holders.map(({ name }) => name) ?? []);

  test("are both given up, whoever of them finds out", async () => {
    const scenario = await both((seen) => holders(seen).length === 2 && seen.replicas() === 0);
    byForce(scenario);
    await scenario.settle();
    expect(summary(scenario)).toEqual(uncertain);
    expect(scenario.world.find(runs, "other-1")?.status).toMatchObject({ result: "Failed", code: "HO-S213" });
    expect(scenario.records).toEqual([]);
  });
  test("are both given up when one of them captures already", async () => {
    const scenario = await both((seen) => holders(seen).length === 2 && seen.step("Capture")?.state === "Running");
    const [lease] = scenario.records;
    const record = parseRecord(lease!)!;
    scenario.world.meta(leases, lease!.metadata.name, {
      annotations: { "backup.handover.dev/record": JSON.stringify({ ...record, doubt: "pod x was deleted" }) },
    });
    await scenario.settle();
    expect(summary(scenario)).toEqual(uncertain);
    expect(scenario.world.find<Workload>(deployments, "shop")?.spec.replicas).toBe(3);
  });
});
