/** A restore: nothing changes before it is approved, the app is at zero for the exchange only, and never starts on a mixture. */
import { describe, expect, test } from "@jest/globals";
import {
  type BackupRun,
  type RestoreRequest,
  jobs,
  leases,
  policies,
  restores,
  runs,
} from "../../../operator/api/kinds.ts";
import { taskVariable } from "../../../operator/contract/mounts.ts";
import { type MoverTask, parseTask } from "../../../operator/contract/task.ts";
import { aPolicy, aRestore, aRun, aWorkload } from "../../support/builders.ts";
import type { Ending, Script } from "../../simulator/kubelet.ts";
import { databaseGeneration, plannedGeneration } from "../../simulator/movers.ts";
import { Scenario } from "../../simulator/scenario.ts";

const ends = (endings: Readonly<Record<string, Ending>>): Script => ({ ending: (step) => endings[step] });
const summary = (scenario: Scenario): unknown => {
  const { result, app, code } = scenario.status;
  return { result, app, code, replicas: scenario.replicas() };
};
const statesOf = (scenario: Scenario): readonly string[] =>
  (scenario.status.steps ?? []).map(({ name, state }) => `${name} ${state}`);
const at = async (scenario: Scenario, name: string, state = "Running"): Promise<Scenario> =>
  scenario.until(() => scenario.step(name)?.state === state);
const approve = (scenario: Scenario): void =>
  scenario.world.change<RestoreRequest>(restores, "back", ({ spec }) => ({ spec: { ...spec, planOnly: false } }));
/** What the Jobs of a restore were asked to do. */
function tasksOf(scenario: Scenario): Readonly<Record<string, MoverTask>> {
  return Object.fromEntries(
    scenario.moverJobs.map((job) => {
      const { template } = job.spec as {
        template: { spec: { containers: { env: { name: string; value: string }[] }[] } };
      };
      const task = parseTask(template.spec.containers[0]!.env.find(({ name }) => name === taskVariable)!.value);
      return [task.step, task];
    }),
  );
}

describe("a restore that goes well", () => {
  test("stages beside the app, exchanges at zero, and cleans up when the app is back", async () => {
    const scenario = await Scenario.restore().settle();
    expect(summary(scenario)).toEqual({ result: "Complete", app: "Up", code: "", replicas: 3 });
    expect(statesOf(scenario)).toEqual(
      ["Accept", "Plan", "Stage", "Quiesce", "Swap", "GiveBack", "Cleanup"].map((name) => `${name} Done`),
    );
    expect(scenario.kubelet.truth).toMatchObject({ live: "new", staged: false, lost: false });
    expect(scenario.status.plan).toMatchObject({
      generation: plannedGeneration,
      from: "source",
      replaces: ["database shop"],
    });
    expect(scenario.step("Stage")!.finishedAt! <= scenario.status.times!.stopAt!).toBe(true);
    expect(scenario.step("GiveBack")!.finishedAt! <= scenario.step("Cleanup")!.startedAt!).toBe(true);
    expect(scenario.restore.metadata.finalizers).toEqual([]);
  });
  test("takes the generation of its plan, and only the parts it names", async () => {
    const restore = aRestore()
      .spec({ include: { databases: ["shop"] } })
      .build();
    const { plan, stage, swap, cleanup } = tasksOf(await Scenario.restore({ restore }).settle());
    expect(plan).toMatchObject({ included: true, databases: [{ name: "shop" }], volumes: [] });
    expect(stage).toMatchObject({
      id: plannedGeneration,
      manifestSHA256: "x",
      location: { name: "source" },
      databases: [{ name: "shop" }],
      volumes: [],
    });
    expect(swap).toMatchObject({ databases: [{ name: "shop" }], volumes: [] });
    expect(cleanup).toMatchObject({ swapped: true });
  });
  test("of a generation without volumes goes through with the databases alone", async () => {
    const restore = aRestore()
      .spec({ from: { generation: databaseGeneration } })
      .build();
    const scenario = await Scenario.restore({ restore }).settle();
    const { plan, stage, swap, cleanup } = tasksOf(scenario);
    expect(plan).toMatchObject({ included: false, databases: [{ name: "shop" }], volumes: [{ name: "uploads" }] });
    for (const task of [stage, swap, cleanup])
      expect(task).toMatchObject({ databases: [{ name: "shop" }], volumes: [] });
    expect(scenario.status).toMatchObject({ result: "Complete", plan: { generation: databaseGeneration } });
  });
  test("of an app found at zero leaves it there", async () => {
    const scenario = await Scenario.restore({ workloads: [aWorkload().replicas(0).build()] }).settle();
    expect(summary(scenario)).toMatchObject({ result: "Complete", replicas: 0 });
    expect(scenario.world.writes.some(({ verb }) => verb === "scale")).toBe(false);
  });
  test("tries the exchange again until it is complete, and the app waits", async () => {
    const script: Script = { ending: (step, attempt) => (step === "swap" && attempt < 5 ? "silent" : undefined) };
    const scenario = await Scenario.restore({ script }).settle();
    expect(summary(scenario)).toEqual({ result: "Complete", app: "Up", code: "", replicas: 3 });
    expect(scenario.step("Swap")?.attempt).toBe(5);
  });
});

describe("a plan", () => {
  const planned = async (): Promise<Scenario> => Scenario.restore({ restore: aRestore().planOnly().build() }).settle();

  test("waits for a person, says what it would do and how to approve it", async () => {
    const scenario = await planned();
    expect(scenario.status).toMatchObject({
      result: "",
      phase: "Planned",
      app: "Up",
      plan: { generation: plannedGeneration },
    });
    expect(scenario.status.advice).toContain(
      `kubectl -n shop patch rreq back --type merge -p '{"spec":{"planOnly":false}}'`,
    );
    expect(["Approved", "Reconciling", "Finished"].map((type) => scenario.condition(type))).toEqual([
      "False PlanOnly",
      "False WaitingForApproval",
      "False InProgress",
    ]);
    expect(Object.keys(tasksOf(scenario))).toEqual(["plan"]);
    expect(scenario.replicas()).toBe(3);
  });
  test.each([
    ["another one than the run has made is refused", "y", "Failed"],
    ["the one that the run has made is carried out", "x", "Complete"],
  ])("of %s", async (_what, manifestSHA256, result) => {
    const scenario = Scenario.restore();
    const run = aRun("nightly").build();
    const generation = { id: plannedGeneration, manifestSHA256 };
    scenario.world.put(runs, { ...run, status: { ...run.status, result: "Complete", generation } });
    await scenario.settle();
    expect(summary(scenario)).toMatchObject({ result, app: "Up", replicas: 3 });
    const refused = `generation ${plannedGeneration} at source is not what run nightly has made: its manifest is x, on record is y`;
    expect(scenario.step("Plan")).toMatchObject(
      result === "Failed" ? { state: "Failed", code: "HO-R802", message: refused } : { state: "Done" },
    );
  });
  test("that is approved is carried out as it was shown", async () => {
    const scenario = await planned();
    approve(scenario);
    await scenario.settle();
    expect(summary(scenario)).toMatchObject({ result: "Complete", replicas: 3 });
    expect(tasksOf(scenario)["stage"]).toMatchObject({ id: plannedGeneration });
  });
  test("that is approved while a run is active is refused, and the run goes on", async () => {
    const scenario = await planned();
    scenario.world.put(runs, aRun("nightly").build());
    const phase = (): string => scenario.world.find<BackupRun>(runs, "nightly")?.status?.phase ?? "";
    await scenario.until(() => phase().startsWith("Warm"));
    approve(scenario);
    await scenario.settle();
    expect(scenario.restore.status).toMatchObject({ result: "Failed", app: "Unknown", code: "HO-R806" });
    expect(scenario.world.find(runs, "nightly")?.status).toMatchObject({ result: "Complete" });
  });
  test("outlives its policy: it goes by what it has accepted", async () => {
    const scenario = await planned();
    scenario.world.delete(policies, "shop");
    approve(scenario);
    await scenario.settle();
    expect(scenario.status.result).toBe("Complete");
  });
  test.each(["cancelled", "deleted"])("that is %s is over, and nothing was changed", async (how) => {
    const scenario = await planned();
    if (how === "cancelled") scenario.cancel();
    else scenario.delete();
    await scenario.settle();
    const left = scenario.world.find<RestoreRequest>(restores, "back");
    expect(left?.status?.code).toBe(how === "cancelled" ? "HO-X003" : undefined);
    expect(scenario.replicas()).toBe(3);
    expect(scenario.kubelet.truth.live).toBe("old");
  });
});

describe("a step that fails", () => {
  test.each<{ name: string; endings: Record<string, Ending>; code: string; cleanup: string; stopped: boolean }>([
    {
      name: "Plan: nothing else is begun",
      endings: { plan: { code: "HO-R801" } },
      code: "HO-R801",
      cleanup: "Skipped",
      stopped: false,
    },
    {
      name: "Stage: the app is never touched, and what was staged goes",
      endings: { stage: { code: "HO-R803" } },
      code: "HO-R803",
      cleanup: "Done",
      stopped: false,
    },
    {
      name: "Swap that is refused: the app is given back, and what was staged goes",
      endings: { swap: { code: "HO-R807" } },
      code: "HO-R807",
      cleanup: "Done",
      stopped: true,
    },
  ])("$name", async ({ endings, code, cleanup, stopped }) => {
    const scenario = await Scenario.restore({ script: ends(endings) }).settle();
    expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code, replicas: 3 });
    expect(scenario.step("Cleanup")?.state).toBe(cleanup);
    expect(scenario.world.writes.some(({ verb }) => verb === "scale")).toBe(stopped);
    expect(scenario.kubelet.truth).toMatchObject({ live: "old", staged: false });
    expect(scenario.condition("AppRestored")).toBe(stopped ? "True Done" : "True NotStopped");
  });
  test("the stop: the app is given back, and what was staged goes", async () => {
    const scenario = await at(Scenario.restore(), "Quiesce");
    scenario.kubelet.script = { stopTakes: Infinity };
    await at(scenario, "Quiesce", "Failed");
    scenario.kubelet.script = {};
    await scenario.settle();
    expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code: "HO-S207", replicas: 3 });
    expect(scenario.kubelet.truth).toMatchObject({ live: "old", staged: false });
  });
});

test("an app that does not come up on the restored state keeps what was replaced, and the restore is over", async () => {
  const scenario = await at(Scenario.restore(), "Swap");
  scenario.kubelet.script = { startTakes: Infinity };
  await scenario.settle();
  expect(summary(scenario)).toEqual({ result: "Failed", app: "Down", code: "HO-S210", replicas: 3 });
  expect([scenario.finished, scenario.step("Cleanup")?.state]).toEqual([true, "Skipped"]);
  expect(scenario.kubelet.truth).toMatchObject({ live: "new", staged: true });
});

test.each([
  {
    name: "a database that the policy does not have",
    restore: aRestore()
      .spec({ include: { databases: ["moon"] } })
      .build(),
    code: "HO-R805",
  },
  {
    name: "a location that the policy does not have",
    restore: aRestore()
      .spec({ from: { latest: true, location: "moon" } })
      .build(),
    code: "HO-P112",
  },
  { name: "a policy that is not there", restore: aRestore().spec({ policyName: "moon" }).build(), code: "HO-P101" },
])("$name is refused", async ({ restore, code }) => {
  const scenario = await Scenario.restore({ restore }).settle();
  expect(scenario.status).toMatchObject({ result: "Failed", code });
  expect(scenario.world.all(jobs)).toEqual([]);
  expect(scenario.restore.metadata.finalizers).toBeUndefined();
});

test("a capture and an exchange never share a hold", async () => {
  const scenario = Scenario.restore({ script: { jobTakes: 5_000 } });
  scenario.world.put(policies, aPolicy("other").build());
  await at(scenario, "Swap");
  scenario.world.put(runs, aRun("other-1").forPolicy("other").build());
  await scenario.until(() => scenario.step("Swap")?.state === "Done");
  expect(scenario.world.all(leases).length).toBe(1);
  await scenario.settle();
  expect(scenario.restore.status).toMatchObject({ result: "Complete" });
  expect(scenario.world.find(runs, "other-1")?.status).toMatchObject({ result: "Complete" });
  expect(scenario.replicas()).toBe(3);
});
