/** What is said of the app by a run or restore that has not stopped it: what it has seen, and else that it is unknown. */
import { describe, expect, test } from "@jest/globals";
import {
  type BackupRun,
  type RestoreRequest,
  deployments,
  policies,
  restores,
  runs,
} from "../../../operator/api/kinds.ts";
import { aPolicy, aRestore, aRun, aWorkload } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

const held = async (): Promise<Scenario> => {
  const scenario = Scenario.run();
  return scenario.until(() => scenario.replicas() === 0 && scenario.step("Capture")?.state === "Running");
};

describe("while a run holds the app at zero", () => {
  test("another one that is refused does not say that it is up", async () => {
    const scenario = await held();
    scenario.world.put(runs, aRun("shop-2").created("2026-11-21T01:30:00Z").build());
    const second = (): BackupRun["status"] => scenario.world.find<BackupRun>(runs, "shop-2")?.status;
    await scenario.until(() => second()?.result === "Failed");
    expect(scenario.replicas()).toBe(0);
    expect(second()).toMatchObject({ app: "Unknown", code: "HO-P109" });
    expect(second()?.advice).toContain("App: unknown; not stopped by this one. Data:");
    await scenario.settle();
    expect(second()?.app).toBe("Unknown");
  });
  test("a restore that is refused does not", async () => {
    const scenario = await held();
    scenario.world.put(restores, aRestore("now").created("2026-11-21T01:30:00Z").build());
    const now = (): RestoreRequest["status"] => scenario.world.find<RestoreRequest>(restores, "now")?.status;
    await scenario.until(() => now()?.result === "Failed");
    expect(now()).toMatchObject({ app: "Unknown", code: "HO-R806" });
    expect(now()?.advice).toContain("App: unknown; not stopped by this one. Data:");
  });
  test("a run of another policy that is refused does not", async () => {
    const scenario = await held();
    const elsewhere = aPolicy("other").spec({ store: { claimName: "not-there" } });
    scenario.world.put(policies, elsewhere.build());
    scenario.world.put(runs, aRun("other-1").forPolicy("other").build());
    const other = (): BackupRun["status"] => scenario.world.find<BackupRun>(runs, "other-1")?.status;
    await scenario.until(() => other()?.result === "Failed");
    expect(other()).toMatchObject({ app: "Unknown", code: "HO-P102" });
  });
});

describe("an app that is stopped by what has failed", () => {
  const advice = async (scenario: Scenario): Promise<string | undefined> => {
    await scenario.until(() => scenario.status.app === "Stopped" && (scenario.status.code ?? "") !== "");
    return scenario.status.advice;
  };
  test.each<{ code: string; scenario: () => Scenario }>([
    { code: "HO-S207", scenario: () => Scenario.run({ script: { stopTakes: Infinity } }) },
    {
      code: "HO-D306",
      scenario: () =>
        Scenario.run({ script: { ending: (step) => (step === "capture" ? { code: "HO-D306" } : undefined) } }),
    },
    {
      code: "HO-R807",
      scenario: () =>
        Scenario.restore({ script: { ending: (step) => (step === "swap" ? { code: "HO-R807" } : undefined) } }),
    },
  ])("$code: is being given back", async ({ code, scenario }) => {
    const told = await advice(scenario());
    expect(told).toMatch(new RegExp(`^${code} .* App: stopped, being given back\\. Data: `));
  });
  test("a cancelled run is giving it back", async () => {
    const scenario = await held();
    scenario.cancel();
    expect(await advice(scenario)).toContain("App: stopped, being given back. Data: ");
  });
  test("is not being given back while an exchange is going to be tried again", async () => {
    const ending = { code: "HO-R807", retry: true } as const;
    const scenario = Scenario.restore({ script: { ending: (step) => (step === "swap" ? ending : undefined) } });
    await scenario.until(() => scenario.step("Swap")?.state === "Waiting");
    expect(scenario.status).toMatchObject({ app: "Stopped", code: "HO-R807" });
    expect(scenario.status.advice).toContain("App: stopped. Data: ");
  });
});

describe("a run that does not stop the app", () => {
  test.each([
    { name: "says that it is up when it is", ready: 3, app: "Up" },
    { name: "does not vouch for one that is not ready", ready: 1, app: "Unknown" },
  ])("$name", async ({ ready, app }) => {
    const scenario = Scenario.run({ run: aRun().of("Database").build() });
    scenario.world.put(deployments, aWorkload().replicas(3).ready(ready).build());
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Complete", app });
  });
  test("does not vouch for one that its policy does not name", async () => {
    const policy = aPolicy().app({ quiesce: "None", workloads: [] }).build();
    expect((await Scenario.run({ policy }).settle()).status).toMatchObject({ result: "Complete", app: "Unknown" });
  });
});
