/** The quiesce record and its guard: nothing goes down without them, and nothing stays down when somebody deletes the record. */
import { describe, expect, test } from "@jest/globals";
import { type Pod, type Workload, deployments, leases, pods } from "../../../operator/api/kinds.ts";
import { annotations, labels } from "../../../operator/api/names.ts";
import { isArmed } from "../../../operator/decide/guard.ts";
import { parseRecord } from "../../../operator/decide/record.ts";
import { parseInstant } from "../../../operator/domain/instant.ts";
import { parseDuration } from "../../../operator/domain/quantities.ts";
import { aPolicy, aWorkload } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

describe("the quiesce record is deleted", () => {
  test.each(["Quiesce", "Capture", "GiveBack"])("while %s runs, the app comes back as it was", async (phase) => {
    const scenario = Scenario.run();
    // At once: of a workload at zero it is the only memory in the cluster but for the run's own.
    scenario.once(
      () => scenario.step(phase)?.state === "Running" && scenario.replicas() === 0,
      () => {
        scenario.laws.mayForget = true;
        for (const { metadata } of scenario.records) scenario.world.delete(leases, metadata.name);
      },
    );
    await scenario.settle();
    expect(scenario.laws.mayForget).toBe(true);
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

test("an app whose guard cannot be armed is not stopped", async () => {
  const scenario = await Scenario.run({ script: { guardTakes: Infinity } }).settle();
  expect(scenario.status).toMatchObject({ result: "Failed", app: "Up", code: "HO-S212" });
  expect(scenario.status.times?.stopAt).toBeUndefined();
  expect(scenario.world.writes.filter(({ verb }) => verb === "scale")).toEqual([]);
  expect(scenario.records).toEqual([]);
});

test("an app whose guard was slow has its whole budget from the stop on", async () => {
  const scenario = Scenario.run({ script: { guardTakes: 90_000 } });
  await scenario.until(() => scenario.replicas() === 0);
  const [holder] = parseRecord(scenario.records[0]!)?.holders ?? [];
  const budget = parseDuration(aPolicy().build().spec.app.maxDowntime) ?? Number.NaN;
  expect(parseInstant(holder?.deadline)).toBeGreaterThanOrEqual(scenario.world.now + budget);
});

test("the budget is that of the whole app: it begins with the first workload that goes down, however late the last one does", async () => {
  const policy = aPolicy()
    .workloads({ kind: "Deployment", name: "shop" }, { kind: "Deployment", name: "worker" })
    .build();
  const scenario = Scenario.run({
    policy,
    workloads: [aWorkload("shop").replicas(3).build(), aWorkload("worker").replicas(1).build()],
  });
  const update = (updatedReplicas: number) => (): void =>
    scenario.world.change<Workload>(deployments, "worker", ({ status }) => ({
      status: { ...status, updatedReplicas },
    }));
  scenario.once(
    () => scenario.replicas("shop") === 0,
    () => {
      update(0)();
      scenario.world.after(90_000, update(1));
    },
  );
  await scenario.until(() => scenario.replicas("worker") === 0);
  const records = scenario.records.map((lease) => parseRecord(lease)!);
  const [first = Number.NaN] = records.map(({ stopAt }) => parseInstant(stopAt) ?? Infinity).toSorted((a, b) => a - b);
  expect(scenario.world.now - first).toBeGreaterThan(89_000);
  const deadlines = records.flatMap(({ holders }) => holders.map(({ deadline }) => parseInstant(deadline) ?? Infinity));
  const budget = parseDuration(policy.spec.app.maxDowntime) ?? Number.NaN;
  // The guard has its own grace after it, and both have to fit into two minutes.
  for (const deadline of deadlines) expect(deadline - first).toBeLessThanOrEqual(budget + 75_000);
});

test("no workload goes down before the guards of all are armed", async () => {
  const scenario = Scenario.run({
    policy: aPolicy().workloads({ kind: "Deployment", name: "shop" }, { kind: "Deployment", name: "worker" }).build(),
    workloads: [aWorkload("shop").replicas(3).build(), aWorkload("worker").replicas(1).build()],
    script: { guardTakes: 5_000 },
  });
  await scenario.until(() => scenario.world.writes.some(({ verb }) => verb === "scale"));
  const guards = scenario.world.all<Pod>(pods).filter(({ metadata }) => labels.guard in (metadata.labels ?? {}));
  expect(guards.map(isArmed)).toEqual([true, true]);
});

test.each(["{", "{}", '{"version":1,"original":0}', '"NaN"', ""])(
  "a record that somebody has spoilt (%s) is written anew, and the app comes back",
  async (text) => {
    const scenario = Scenario.run();
    await scenario.until(() => scenario.step("Capture")?.state === "Running");
    scenario.world.meta(leases, scenario.records[0]!.metadata.name, { annotations: { [annotations.record]: text } });
    await scenario.settle();
    expect(scenario.replicas()).toBe(3);
    expect(scenario.status).toMatchObject({ app: "Up", result: "Complete", code: "" });
    expect(scenario.records).toEqual([]);
  },
);

test("a record of a newer release keeps the app stopped, and says so", async () => {
  const scenario = Scenario.run();
  await scenario.until(() => scenario.step("Capture")?.state === "Running");
  const newer = { annotations: { [annotations.record]: '{"version":2}' } };
  scenario.world.meta(leases, scenario.records[0]!.metadata.name, newer);
  await scenario.settle();
  expect(scenario.status).toMatchObject({ app: "Down", code: "HO-S210" });
  expect(scenario.records.length).toBe(1);
  expect(scenario.world.events.map(({ reason }) => reason)).toContain("RecordUnreadable");
});
