/** A backup run that somebody interferes with: refused, cancelled, deleted, disturbed, delayed. The app comes back each time. */
import { describe, expect, test } from "@jest/globals";
import { type BackupPolicy, deployments, leases, jobs, pods, policies, runs } from "../../../operator/api/kinds.ts";
import { annotations, finalizer } from "../../../operator/api/names.ts";
import { decideRun } from "../../../operator/decide/run.ts";
import { aPod, aPolicy, aRun, aWorkload, anApp, settings } from "../../support/builders.ts";
import type { Call, CallFault } from "../../simulator/port.ts";
import type { Ending, Script } from "../../simulator/kubelet.ts";
import { Scenario } from "../../simulator/scenario.ts";

const run = aRun();
const ends = (endings: Readonly<Record<string, Ending>>): Script => ({ ending: (step) => endings[step] });
const summary = (scenario: Scenario): unknown => {
  const { result, app, code } = scenario.status;
  return { result, app, code, replicas: scenario.replicas() };
};
const statesOf = (scenario: Scenario): readonly string[] =>
  (scenario.status.steps ?? []).map(({ name, state }) => `${name} ${state}`);
const conditions = (scenario: Scenario): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (scenario.status.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  );
/** Goes on until the step runs, or has come to another state. */
const at = async (scenario: Scenario, name: string, state = "Running"): Promise<Scenario> =>
  scenario.until(() => scenario.step(name)?.state === state);

describe("what is refused", () => {
  test("is over at once, with a code, and without a finalizer", async () => {
    const scenario = await Scenario.run({ run: run.spec({ sinks: ["moon"] }).build() }).settle();
    expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code: "HO-P112", replicas: 3 });
    expect(statesOf(scenario)).toEqual(["Accept Failed"]);
    expect(conditions(scenario)).toMatchObject({
      Accepted: "False PolicyInvalidSink",
      Finished: "True Failed",
      Stalled: "True Failed",
    });
    expect(scenario.run.metadata.finalizers).toBeUndefined();
  });
  test.each(["policy", "workload"])("without a %s, nothing is said of the app", async (missing) => {
    const scenario = Scenario.run();
    scenario.world.delete(missing === "policy" ? policies : deployments, "shop");
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Failed", app: "Unknown" });
  });
});

test("an app that does not come up again is told of, and the backup goes on", async () => {
  const scenario = Scenario.run();
  await scenario.until(() => scenario.step("Capture")?.state === "Running");
  scenario.kubelet.script = { startTakes: Infinity };
  await scenario.settle();
  expect(summary(scenario)).toEqual({ result: "Complete", app: "Down", code: "HO-S210", replicas: 3 });
  expect(scenario.status.advice).toContain("App: DOWN");
  expect(conditions(scenario)["AppRestored"]).toBe("False AppNotReady");
});

test("a finished run stays as it is when nothing is known of its app any more", async () => {
  const scenario = Scenario.run({ script: ends({ warm: { code: "HO-A403" } }) });
  await scenario.until(() => scenario.step("Warm")?.state === "Running");
  scenario.kubelet.script = { ...scenario.kubelet.script, startTakes: Infinity };
  scenario.scaleByHand(4);
  await scenario.settle();
  expect(summary(scenario)).toEqual({ result: "Failed", app: "Down", code: "HO-A403", replicas: 4 });
});

const phases = [
  "Preflight",
  "Warm",
  "Quiesce",
  "Capture",
  "GiveBack",
  "Seal",
  "Transport/vault",
  "Verify/vault",
  "Prune/vault",
];

describe("cancelled", () => {
  test.each(phases)("while %s runs, the app comes back and nothing runs on", async (phase) => {
    const scenario = await at(Scenario.run(), phase);
    scenario.cancel();
    await scenario.settle();
    const sealed = scenario.step("Seal")?.state === "Done";
    expect(summary(scenario)).toEqual({
      result: phase === "Prune/vault" ? "Complete" : sealed ? "AtRisk" : "Failed",
      app: "Up",
      code: "HO-X003",
      replicas: 3,
    });
    expect(scenario.records).toEqual([]);
    expect(scenario.activeJobs).toEqual([]);
    expect(scenario.run.metadata.finalizers).toEqual([]);
  });
  test("before it begins, nothing is begun", async () => {
    const scenario = await Scenario.run({ run: run.cancelled().build() }).settle();
    expect(summary(scenario)).toMatchObject({ result: "Failed", code: "HO-X003", replicas: 3 });
    expect(scenario.world.all(jobs)).toEqual([]);
  });
  test("after its end, nothing changes", async () => {
    const scenario = await Scenario.run().settle();
    const before = scenario.status;
    scenario.cancel();
    await scenario.settle();
    expect(scenario.status).toEqual(before);
  });
});

describe("deleted", () => {
  test.each(phases)("while %s runs, it goes after the app has come back", async (phase) => {
    const scenario = await at(Scenario.run(), phase);
    scenario.delete();
    await scenario.settle();
    expect(scenario.world.find(runs, "shop-1")).toBeUndefined();
    expect(scenario.replicas()).toBe(3);
    expect(scenario.records).toEqual([]);
    expect(scenario.world.all(jobs)).toEqual([]);
  });
  test("before the app was stopped, it is not stopped any more", async () => {
    const scenario = await at(Scenario.run(), "Warm");
    scenario.delete();
    await scenario.settle();
    expect(scenario.world.writes.filter(({ verb }) => verb === "scale")).toEqual([]);
  });
  test("by force, without its finalizer, the app comes back all the same", async () => {
    const scenario = await at(Scenario.run(), "Capture");
    scenario.meta({ finalizers: [] });
    scenario.delete();
    await scenario.settle();
    expect(scenario.replicas()).toBe(3);
    expect(scenario.records).toEqual([]);
  });
});

describe("the policy", () => {
  test.each(phases)("deleted while %s runs changes nothing", async (phase) => {
    const scenario = await at(Scenario.run(), phase);
    scenario.world.delete(policies, "shop");
    await scenario.settle();
    expect(summary(scenario)).toEqual({ result: "Complete", app: "Up", code: "", replicas: 3 });
  });
  test("edited during the run changes nothing: it goes by what it has accepted", async () => {
    const scenario = await at(Scenario.run(), "Warm");
    scenario.world.change<BackupPolicy>(policies, "shop", ({ spec }) => ({
      spec: { ...spec, sinks: [], databases: [], app: { ...spec.app, quiesce: "None", workloads: [] } },
    }));
    await scenario.settle();
    expect(summary(scenario)).toMatchObject({ result: "Complete", replicas: 3 });
    expect(scenario.status.copies?.length).toBe(2);
    expect(scenario.status.generation?.consistency).toBe("Quiesced");
  });
});

describe("the stop", () => {
  test("of pods that do not end is given up in time, and the app is given back", async () => {
    const scenario = await Scenario.run({ script: { stopTakes: Infinity } }).settle();
    expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code: "HO-S207", replicas: 3 });
    expect(scenario.status.advice).toContain("stopTimeout");
  });
  test("that lasts too long ends with the budget, and the app is given back first", async () => {
    const scenario = await at(Scenario.run({ script: ends({ capture: "hangs" }) }), "Capture");
    const begun = scenario.world.now;
    await at(scenario, "Capture", "Failed");
    expect(scenario.world.now - begun).toBeLessThanOrEqual(601_000);
    await scenario.settle();
    expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code: "HO-S208", replicas: 3 });
    expect(scenario.activeJobs).toEqual([]);
  });
  test("ends without the run: when nobody can read runs any more, the guard goes by the deadline", async () => {
    let unreadable = false;
    const fault = ({ plural }: Call): CallFault | undefined =>
      unreadable && plural === runs.plural ? { fail: 500 } : undefined;
    const scenario = await at(Scenario.run({ script: ends({ capture: "hangs" }), processes: [{ fault }] }), "Capture");
    unreadable = true;
    await scenario.until(() => scenario.records.length === 0);
    expect(scenario.replicas()).toBe(3);
  });
  test("of an app that is scaled while its record is written begins anew with that number", async () => {
    const scenario = Scenario.run();
    await scenario.until(() => scenario.records.length > 0 && scenario.replicas() === 3);
    scenario.scaleByHand(5);
    await scenario.settle();
    expect(summary(scenario)).toEqual({ result: "Complete", app: "Up", code: "", replicas: 5 });
  });
  test("of a workload that is deleted in between fails", async () => {
    const scenario = await at(Scenario.run({ script: { stopTakes: 60_000 } }), "Quiesce");
    scenario.world.delete(deployments, "shop");
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-S211" });
  });
});

test("nothing is scaled on an old look: 3 -> 0 -> 3 in between is noticed, and stands", async () => {
  let disturbed = false;
  const fault = ({ verb }: Call): undefined => {
    if (verb !== "scale" || disturbed) return;
    disturbed = true;
    scenario.scaleByHand(0);
    scenario.scaleByHand(3);
  };
  const scenario: Scenario = Scenario.run({ processes: [{ fault }] });
  await scenario.settle();
  const toZero = scenario.world.writes.filter(({ verb, body }) => verb === "scale" && body === 0);
  expect(toZero.length).toBe(1);
  expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code: "HO-S209", replicas: 3 });
});

test("nothing is stopped for a run that could go without giving back", async () => {
  const scenario = await at(Scenario.run(), "Warm", "Done");
  const { metadata, status, ...rest } = scenario.run;
  const steps = status!.steps!.map((step) =>
    step.name === "Quiesce" ? { name: step.name, state: "Pending" as const } : step,
  );
  const decide = (finalizers: readonly string[]): string | undefined =>
    decideRun(
      {
        run: { ...rest, metadata: { ...metadata, finalizers }, status: { ...status, steps } },
        policy: aPolicy().build(),
        siblings: [],
        restores: [],
        app: anApp(),
        jobs: new Map(),
        settings,
      },
      scenario.world.now,
    ).status.steps?.find(({ name }) => name === "Quiesce")?.state;
  expect(decide([])).toBe("Pending");
  expect(decide([finalizer])).toBe("Running");
});

describe("an app that something starts during the capture", () => {
  const release = (text: string): string => text.replace(/"holders":.*/, '"holders":[]}');
  test.each<{ name: string; does: (scenario: Scenario) => void }>([
    { name: "by its replicas: their value stands", does: (scenario) => scenario.scaleByHand(2) },
    {
      name: "by its replicas and back to zero again",
      does: ({ world }) => {
        world.scale("shop", 2);
        world.scale("shop", 0);
      },
    },
    {
      name: "by another pod at its claim",
      does: ({ world }) => world.put(pods, aPod("stranger").meta({ labels: {} }).mounting("shop-uploads").build()),
    },
    {
      name: "by a record that somebody has released",
      does: ({ world, records: [record] }) =>
        world.meta(leases, record!.metadata.name, {
          annotations: { [annotations.record]: release(record!.metadata.annotations![annotations.record]!) },
        }),
    },
  ])("$name", async ({ does }) => {
    const scenario = await at(Scenario.run({ script: { jobTakes: 30_000 } }), "Capture");
    await scenario.until(() => scenario.activeJobs.includes("shop-1-capture-1"));
    does(scenario);
    await scenario.settle();
    const { result, code, generation } = scenario.status;
    expect({ result, code, generation }).toEqual({ result: "Failed", code: "HO-S209" });
    expect(scenario.activeJobs).toEqual([]);
    expect(scenario.records).toEqual([]);
    expect(scenario.replicas()).toBe(scenario.laws.replicas.get("shop"));
  });
});

test("an app that is scaled after it was released keeps that number", async () => {
  const scenario = Scenario.run();
  await scenario.until(() => scenario.status.times?.releasedAt !== undefined);
  scenario.scaleByHand(7);
  await scenario.settle();
  expect(summary(scenario)).toEqual({ result: "Complete", app: "Up", code: "", replicas: 7 });
});

test("a second run of the policy waits for no one: it is refused, and the first goes on", async () => {
  const scenario = await at(Scenario.run(), "Warm");
  scenario.world.put(runs, aRun("shop-2").created("2026-11-21T01:30:00Z").build());
  await scenario.settle();
  expect(scenario.status.result).toBe("Complete");
  expect(scenario.world.find(runs, "shop-2")?.status).toMatchObject({ result: "Failed", code: "HO-P109" });
});

test("two policies of one app hold it together, and the last one gives it back", async () => {
  const other = aPolicy("other").build();
  const scenario = Scenario.run({ script: { jobTakes: 20_000 }, workloads: [aWorkload().replicas(3).build()] });
  scenario.world.put(policies, other);
  await at(scenario, "Preflight");
  scenario.world.put(runs, aRun("other-1").forPolicy("other").build());
  await scenario.settle();
  expect(summary(scenario)).toEqual({ result: "Complete", app: "Up", code: "", replicas: 3 });
  expect(scenario.world.find(runs, "other-1")?.status).toMatchObject({ result: "Complete", app: "Up" });
  expect(scenario.records).toEqual([]);
});
