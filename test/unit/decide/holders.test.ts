/** Several who want one app: who shares, who waits, what order, who gives back. */
import { describe, expect, jest, test } from "@jest/globals";
import {
  type BackupRun,
  type RestoreRequest,
  type RunStatus,
  type Workload,
  claims as claimKind,
  deployments,
  policies,
  restores,
  runs,
} from "../../../operator/api/kinds.ts";
import { parseRecord } from "../../../operator/decide/record.ts";
import { aClaim, aPolicy, aRestore, aRun, aWorkload } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

jest.setTimeout(120_000);

const a = { kind: "Deployment", name: "a" } as const;
const b = { kind: "Deployment", name: "b" } as const;
const workloads = [aWorkload("a").replicas(2).build(), aWorkload("b").replicas(1).build()];
const other = (change: Partial<Parameters<ReturnType<typeof aPolicy>["app"]>[0]> = {}): ReturnType<typeof aPolicy> =>
  aPolicy("other").app({ workloads: [b, a], ...change });
/** Two policies that name the same workloads in opposite orders. */
function opposed(story: { readonly run?: BackupRun; readonly restore?: RestoreRequest }): Scenario {
  const scenario = new Scenario({ ...story, policy: aPolicy().workloads(a, b).build(), workloads });
  scenario.world.put(policies, other().build());
  scenario.world.put(claimKind, aClaim("a-uploads"));
  return scenario;
}
const statusOf = (scenario: Scenario, name: string): RunStatus | undefined =>
  (scenario.world.find<BackupRun>(runs, name) ?? scenario.world.find<BackupRun>(restores, name))?.status;
const replicas = ({ world }: Scenario): readonly (number | undefined)[] =>
  ["a", "b"].map((name) => world.find<Workload>(deployments, name)?.spec.replicas);
const holders = ({ records }: Scenario): readonly string[] =>
  records.map((lease) => {
    const record = parseRecord(lease);
    return `${record?.target.name}: ${record?.holders.map(({ name }) => name).join(" ")}`;
  });

describe("two policies with the same workloads in opposite orders never wait for each other", () => {
  test.each<{
    name: string;
    first: { run?: BackupRun; restore?: RestoreRequest };
    second: (scenario: Scenario) => void;
  }>([
    {
      name: "two runs",
      first: { run: aRun().build() },
      second: ({ world }) => world.put(runs, aRun("second").forPolicy("other").build()),
    },
    {
      name: "two restores",
      first: { restore: aRestore().build() },
      second: ({ world }) => world.put(restores, aRestore("second").spec({ policyName: "other" }).build()),
    },
    {
      name: "a run and a restore",
      first: { run: aRun().build() },
      second: ({ world }) => world.put(restores, aRestore("second").spec({ policyName: "other" }).build()),
    },
  ])("$name", async ({ first, second }) => {
    const scenario = opposed(first);
    second(scenario);
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Complete", app: "Up" });
    expect(statusOf(scenario, "second")).toMatchObject({ result: "Complete", app: "Up" });
    expect(replicas(scenario)).toEqual([2, 1]);
    expect(scenario.records).toEqual([]);
  });
});

test("an app that is stopped again before it was ready is not called ready", async () => {
  const scenario = Scenario.run({ script: { startTakes: 20_000 } });
  scenario.world.put(policies, other({ workloads: [{ kind: "Deployment", name: "shop" }] }).build());
  await scenario.until(() => scenario.step("Capture")?.state === "Running");
  scenario.world.put(restores, aRestore("second").spec({ policyName: "other" }).build());
  let ready: unknown;
  scenario.once(
    () => scenario.step("GiveBack")?.state === "Done",
    () => {
      const { spec, status } = scenario.world.find<Workload>(deployments, "shop")!;
      ready = [spec.replicas, status?.readyReplicas];
    },
  );
  await scenario.settle();
  expect(ready).toEqual([3, 3]);
  expect(statusOf(scenario, "second")).toMatchObject({ result: "Complete", app: "Up" });
});

test("workloads go down in the order of the policy, whatever their uids", async () => {
  const scenario = new Scenario({ run: aRun().build(), policy: aPolicy().workloads(b, a).build(), workloads });
  await scenario.settle();
  const down = scenario.world.writes.filter(({ verb, body }) => verb === "scale" && body === 0).map(({ name }) => name);
  expect(down).toEqual(["b", "a"]);
  const recorded = scenario.world.writes.filter(({ verb, name }) => verb === "create" && /^handover-.-uid$/.test(name));
  expect(recorded.map(({ name }) => name)).toEqual(["handover-a-uid", "handover-b-uid"]);
});

describe("of two runs that hold an app together", () => {
  const together = async (change: Parameters<typeof other>[0] = {}, jobTakes = 5_000): Promise<Scenario> => {
    const scenario = Scenario.run({ script: { jobTakes } });
    scenario.world.put(policies, other({ workloads: [{ kind: "Deployment", name: "shop" }], ...change }).build());
    scenario.world.put(runs, aRun("second").forPolicy("other").build());
    return scenario.until(() => holders(scenario)[0]?.split(" ").length === 3);
  };

  test("the one that is released first gives nothing back, and both captures are good", async () => {
    const scenario = await together();
    await scenario.until(() => scenario.step("Capture")?.state === "Running");
    // The second one has joined, and goes on alone.
    scenario.cancel();
    await scenario.until(() => holders(scenario)[0] === "shop: second");
    expect(scenario.replicas()).toBe(0);
    expect(scenario.finished).toBe(false);
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-X003", app: "Up" });
    expect(statusOf(scenario, "second")).toMatchObject({ result: "Complete", generation: { consistency: "Quiesced" } });
    expect([scenario.replicas(), scenario.records]).toEqual([3, []]);
  });
  test("each has a budget of its own, and the end of one does not end the other", async () => {
    const scenario = await together({ maxDowntime: "2s" });
    await scenario.settle();
    expect(statusOf(scenario, "second")).toMatchObject({ result: "Failed", code: "HO-S208", app: "Up" });
    expect(scenario.status).toMatchObject({ result: "Complete", app: "Up" });
    expect([scenario.replicas(), scenario.records]).toEqual([3, []]);
  });
  test("the one that is released first does not call the app down because the other one holds it long", async () => {
    const scenario = await together({ maxDowntime: "9m" }, 420_000);
    await scenario.until(() => scenario.step("Capture")?.state === "Running");
    scenario.cancel();
    await scenario.until(() => statusOf(scenario, "second")?.result !== undefined && scenario.finished);
    expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-X003", app: "Up" });
    expect(scenario.step("GiveBack")?.state).toBe("Done");
  });
  test("the hold of one whose owner is gone by force ends, and the other's goes on", async () => {
    const scenario = await together();
    scenario.world.meta(runs, "second", { finalizers: [] });
    scenario.world.delete(runs, "second");
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Complete", app: "Up" });
    expect([scenario.replicas(), scenario.records]).toEqual([3, []]);
  });
});

test("a restore waits for a run that holds the app, and gives up in time", async () => {
  const scenario = Scenario.run({ script: { ending: (step) => (step === "capture" ? "hangs" : undefined) } });
  scenario.world.put(policies, other({ workloads: [{ kind: "Deployment", name: "shop" }] }).build());
  await scenario.until(() => scenario.step("Capture")?.state === "Running");
  scenario.world.put(restores, aRestore("second").spec({ policyName: "other" }).build());
  await scenario.settle();
  expect(statusOf(scenario, "second")).toMatchObject({ result: "Failed", code: "HO-S207" });
  expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-S208", app: "Up" });
  expect([scenario.replicas(), scenario.records]).toEqual([3, []]);
});
