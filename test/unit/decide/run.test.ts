/** A backup run from its acceptance to its end: what it does in which order, and what is left when a step fails. */
import { describe, expect, test } from "@jest/globals";
import type { BackupPolicy } from "../../../operator/api/kinds.ts";
import { aPolicy, aRun, aWorkload, sink } from "../../support/builders.ts";
import type { Ending, Script } from "../../simulator/kubelet.ts";
import { Scenario, type Story } from "../../simulator/scenario.ts";

const run = aRun();
const ends = (endings: Readonly<Record<string, Ending>>): Script => ({ ending: (step) => endings[step] });
const summary = (scenario: Scenario): unknown => {
  const { result, app, code } = scenario.status;
  return { result, app, code, replicas: scenario.replicas() };
};
const statesOf = (scenario: Scenario): readonly string[] =>
  (scenario.status.steps ?? []).map(({ name, state }) => `${name} ${state}`);
const jobsMade = (scenario: Scenario): readonly string[] => scenario.moverJobs.map(({ metadata }) => metadata.name);
const conditions = (scenario: Scenario): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (scenario.status.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  );

describe("a run that goes well", () => {
  test("takes each step once, in order, and the app is up before the seal", async () => {
    const scenario = await Scenario.run().settle();
    expect(summary(scenario)).toEqual({ result: "Complete", app: "Up", code: "", replicas: 3 });
    expect(statesOf(scenario)).toEqual(
      [
        "Accept",
        "Preflight",
        "Warm",
        "Quiesce",
        "Capture",
        "GiveBack",
        "Seal",
        "Transport/vault",
        "Verify/vault",
        "Prune/source",
        "Prune/vault",
      ].map((name) => `${name} Done`),
    );
    expect(jobsMade(scenario)).toEqual(
      ["preflight", "warm", "capture", "seal", "transport-vault", "verify-vault", "prune-source", "prune-vault"].map(
        (step) => `shop-1-${step}-1`,
      ),
    );
    expect(scenario.step("GiveBack")!.finishedAt! < scenario.step("Seal")!.finishedAt!).toBe(true);
    const { times } = scenario.status;
    const moments = [times?.stopAt, times?.goneAt, times?.releasedAt, times?.givenBackAt, times?.readyAt];
    expect(moments).toEqual(moments.toSorted((a = "", b = "") => (a < b ? -1 : 1)));
    expect(moments).not.toContain(undefined);
    expect(scenario.status.copies).toMatchObject([
      { location: "source", state: "Verified" },
      { location: "vault", state: "Verified" },
    ]);
    expect(scenario.status.display).toMatchObject({ copies: "2/2", size: "600 B", message: "10 files, 3 tables" });
    expect(conditions(scenario)).toMatchObject({
      AppRestored: "True Done",
      Succeeded: "True Complete",
      Finished: "True Complete",
      Stalled: "False Fine",
      Reconciling: "False Done",
    });
    expect(scenario.run.metadata.finalizers).toEqual([]);
  });

  test("gives the app back when the source is released, while the dump and the packing go on", async () => {
    const scenario = Scenario.run({ script: { jobTakes: 30_000 } });
    await scenario.until(() => scenario.step("GiveBack")?.state === "Done");
    expect(scenario.replicas()).toBe(3);
    expect(scenario.step("Capture")?.state).toBe("Running");
    expect(scenario.activeJobs).toEqual(["shop-1-capture-1"]);
  });

  const variants: readonly {
    name: string;
    story: Story;
    without: readonly string[];
    consistency: string;
    touched: boolean;
  }[] = [
    {
      name: "of databases never touches the app",
      story: { run: run.of("Database").build() },
      without: ["Warm", "Quiesce", "GiveBack"],
      consistency: "Running",
      touched: false,
    },
    {
      name: "without quiesce captures beside the running app",
      story: { policy: aPolicy().app({ quiesce: "None" }).build() },
      without: ["Quiesce", "GiveBack"],
      consistency: "Running",
      touched: false,
    },
    {
      name: "without volumes needs no mirror",
      story: { policy: aPolicy().spec({ volumes: [] }).build() },
      without: ["Warm"],
      consistency: "Quiesced",
      touched: true,
    },
  ];
  test.each(variants)("$name", async ({ story, without, consistency, touched }) => {
    const scenario = await Scenario.run(story).settle();
    expect(scenario.status.result).toBe("Complete");
    for (const name of without) expect(scenario.step(name)).toBeUndefined();
    expect(scenario.status.generation?.consistency).toBe(consistency);
    expect(scenario.world.writes.some(({ verb }) => verb === "scale")).toBe(touched);
    expect(conditions(scenario)["AppRestored"]).toBe(touched ? "True Done" : "True NotStopped");
  });

  test("of an app found at zero leaves it there", async () => {
    const scenario = await Scenario.run({ workloads: [aWorkload().replicas(0).build()] }).settle();
    expect(summary(scenario)).toMatchObject({ result: "Complete", replicas: 0 });
    expect(scenario.world.writes.some(({ verb, plural }) => verb === "scale" || plural === "leases")).toBe(false);
  });
  test("goes to the sinks that it names only", async () => {
    const policy = aPolicy().sinks(sink("vault"), sink("offsite")).build();
    const scenario = await Scenario.run({ policy, run: run.spec({ sinks: ["offsite"] }).build() }).settle();
    expect(scenario.status.copies?.map(({ location }) => location)).toEqual(["source", "offsite"]);
    expect(scenario.status.result).toBe("Complete");
  });
});

describe("a step that fails", () => {
  const cases: readonly {
    name: string;
    endings: Record<string, Ending>;
    code: string;
    skipped: string;
    stopped: boolean;
  }[] = [
    {
      name: "Preflight: the app is never touched",
      endings: { preflight: { code: "HO-D302" } },
      code: "HO-D302",
      skipped: "Warm",
      stopped: false,
    },
    {
      name: "Warm: the app is never touched",
      endings: { warm: { code: "HO-A403" } },
      code: "HO-A403",
      skipped: "Quiesce",
      stopped: false,
    },
    {
      name: "Capture: the app comes back",
      endings: { capture: { code: "HO-D306" } },
      code: "HO-D306",
      skipped: "Seal",
      stopped: true,
    },
    {
      name: "Capture without a word: the app comes back",
      endings: { capture: "silent" },
      code: "HO-X001",
      skipped: "Seal",
      stopped: true,
    },
    {
      name: "Capture evicted: it is not tried again",
      endings: { capture: "evicted" },
      code: "HO-X001",
      skipped: "Seal",
      stopped: true,
    },
    {
      name: "Capture that reports for another step",
      endings: { capture: "foreign" },
      code: "HO-X001",
      skipped: "Seal",
      stopped: true,
    },
    {
      name: "Capture that finds no place",
      endings: { capture: "pending" },
      code: "HO-P114",
      skipped: "Seal",
      stopped: true,
    },
    {
      name: "Seal: there is no generation",
      endings: { seal: { code: "HO-A404" } },
      code: "HO-A404",
      skipped: "Transport/vault",
      stopped: true,
    },
  ];
  test.each(cases)("$name", async ({ endings, code, skipped, stopped }) => {
    const scenario = await Scenario.run({ script: ends(endings) }).settle();
    expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code, replicas: 3 });
    expect(scenario.status.generation).toBeUndefined();
    expect(scenario.step(skipped)?.state).toBe("Skipped");
    expect(scenario.world.writes.some(({ verb }) => verb === "scale")).toBe(stopped);
    expect(conditions(scenario)).toMatchObject({
      Succeeded: "False Failed",
      Finished: "True Failed",
      AppRestored: stopped ? "True Done" : "True NotStopped",
    });
    expect(scenario.activeJobs).toEqual([]);
    expect(scenario.records).toEqual([]);
  });

  test("and may pass is tried again, as often as it may", async () => {
    const retry: Ending = { code: "HO-D301", retry: true };
    const passing: Script = { ending: (step, attempt) => (step === "warm" && attempt < 3 ? retry : undefined) };
    expect(summary(await Scenario.run({ script: passing }).settle())).toMatchObject({ result: "Complete", code: "" });
    const scenario = await Scenario.run({ script: ends({ preflight: retry }) }).settle();
    expect(summary(scenario)).toMatchObject({ result: "Failed", code: "HO-D301" });
    expect(jobsMade(scenario)).toEqual([1, 2, 3].map((attempt) => `shop-1-preflight-${attempt}`));
  });
});

describe("a sink that fails", () => {
  const two = (required: boolean): BackupPolicy =>
    aPolicy().sinks(sink("vault"), sink("offsite", { required })).build();
  const offsite: Script = ends({ "transport/offsite": { code: "HO-T501" } });

  test("and is required leaves a generation at risk, and the others get theirs", async () => {
    const scenario = await Scenario.run({ policy: two(true), script: offsite }).settle();
    expect(summary(scenario)).toEqual({ result: "AtRisk", app: "Up", code: "HO-T501", replicas: 3 });
    expect(scenario.status.copies).toMatchObject([
      { state: "Verified" },
      { state: "Verified" },
      { location: "offsite", state: "Missing", code: "HO-T501" },
    ]);
    expect(statesOf(scenario)).toEqual(
      expect.arrayContaining([
        "Verify/offsite Skipped",
        "Prune/offsite Skipped",
        "Prune/source Done",
        "Prune/vault Done",
      ]),
    );
    expect(scenario.status.display?.copies).toBe("2/3");
  });
  test("because it is full is still checked and pruned, or it would stay full for ever", async () => {
    const full: Script = ends({ "transport/offsite": { code: "HO-C902" } });
    const scenario = await Scenario.run({ policy: two(true), script: full }).settle();
    expect(summary(scenario)).toMatchObject({ result: "AtRisk", app: "Up", code: "HO-C902" });
    expect(statesOf(scenario)).toEqual(
      expect.arrayContaining(["Transport/offsite Failed", "Verify/offsite Done", "Prune/offsite Done"]),
    );
    expect(scenario.status.copies?.[2]).toMatchObject({ location: "offsite", state: "Missing", code: "HO-C902" });
  });
  test("because of another generation, which is damaged at the source, has this one checked all the same, and the run says so", async () => {
    const damaged: Script = ends({ "transport/offsite": { code: "HO-T503" } });
    const scenario = Scenario.run({ policy: two(true), script: damaged });
    await scenario.until(() => scenario.step("Transport/offsite")?.state === "Failed");
    const { truth } = scenario.kubelet;
    truth.sinks.set("offsite", { stored: new Set(truth.sealed), verified: new Set() });
    await scenario.settle();
    expect(statesOf(scenario)).toEqual(
      expect.arrayContaining(["Transport/offsite Failed", "Verify/offsite Done", "Prune/offsite Done"]),
    );
    expect(scenario.status.copies?.[2]).toMatchObject({ location: "offsite", state: "Verified" });
    expect(summary(scenario)).toMatchObject({ result: "Complete", app: "Up", code: "HO-T503" });
  });
  test("never gives up a copy while the source looks whether it is there", async () => {
    const scenario = Scenario.run();
    await scenario.until(() => scenario.step("Prune/source")?.state === "Running");
    expect(scenario.step("Verify/vault")?.state).toBe("Done");
    expect(scenario.step("Prune/vault")?.state).toBe("Pending");
  });
  test("and is not required leaves it complete", async () => {
    expect(summary(await Scenario.run({ policy: two(false), script: offsite }).settle())).toMatchObject({
      result: "Complete",
      code: "",
    });
  });
  test("and does not find the copy at its check leaves it at risk, with a code", async () => {
    const scenario = Scenario.run();
    await scenario.until(() => scenario.step("Transport/vault")?.state === "Done");
    scenario.kubelet.truth.sinks.get("vault")!.stored.clear();
    await scenario.settle();
    expect(summary(scenario)).toMatchObject({ result: "AtRisk", code: "HO-V602" });
  });
  test("whose check is not asked for counts when the copy is there", async () => {
    const policy = aPolicy()
      .sinks(sink("vault", { verify: "None" }))
      .build();
    const scenario = await Scenario.run({ policy }).settle();
    expect(summary(scenario)).toMatchObject({ result: "Complete" });
    expect(scenario.status.copies?.[1]?.state).toBe("Stored");
  });
  test("never delays the app", async () => {
    const scenario = Scenario.run({ script: ends({ "transport/vault": "hangs" }) });
    await scenario.until(
      () => scenario.step("Transport/vault")?.state === "Running" && scenario.step("GiveBack")?.state === "Done",
    );
    expect(scenario.replicas()).toBe(3);
  });
});
