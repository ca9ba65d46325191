/** Runs of the configuration: nothing is stopped, and when nothing has changed nothing is made. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, Job } from "../../../operator/api/kinds.ts";
import { runs } from "../../../operator/api/kinds.ts";
import { taskVariable } from "../../../operator/contract/mounts.ts";
import { type MoverTask, parseTask } from "../../../operator/contract/task.ts";
import { formatInstant } from "../../../operator/domain/instant.ts";
import { aPolicy, aRun, at, doneStep, sink } from "../../support/builders.ts";
import { Scenario, type Story } from "../../simulator/scenario.ts";

const before = "000001-20261120T010000Z-config";
const config = {
  configMaps: [{ name: "settings" }],
  secrets: [{ name: "keys", keys: ["session", "saml.pem"] }],
};
const policy = aPolicy().spec({ config });
const run = (story: Story = {}): Scenario =>
  Scenario.run({ run: aRun().of("Config").build(), policy: policy.build(), ...story });

interface PodSpec {
  readonly containers: readonly { readonly name: string; readonly env: readonly { name: string; value?: string }[] }[];
  readonly volumes: readonly Readonly<Record<string, unknown>>[];
}
const podOf = ({ moverJobs }: Scenario, step: string): PodSpec => {
  const job = moverJobs.find(({ metadata }) => metadata.name === `shop-1-${step}-1`) as Job;
  return (job.spec as { readonly template: { readonly spec: PodSpec } }).template.spec;
};
const tasksOf = (scenario: Scenario, step: string): readonly MoverTask[] =>
  podOf(scenario, step).containers.map(({ env }) =>
    parseTask(env.find(({ name }) => name === taskVariable)?.value ?? ""),
  );

describe("a run of the configuration", () => {
  test("collects it beside the running app and makes a generation of its own", async () => {
    const scenario = await run().settle();
    expect(scenario.status).toMatchObject({
      result: "Complete",
      app: "Up",
      code: "",
      generation: { type: "Config", consistency: "Running", parent: "" },
      display: { copies: "2/2", message: "captured while the app ran, 10 keys" },
    });
    expect(scenario.status.generation?.id).toMatch(/-config$/);
    expect(scenario.status.steps?.map(({ name }) => name)).toEqual([
      "Accept",
      "Preflight",
      "Capture",
      "Seal",
      "Transport/vault",
      "Verify/vault",
      "Prune/source",
      "Prune/vault",
    ]);
    expect(scenario.world.writes.some(({ verb, plural }) => verb === "scale" || plural === "leases")).toBe(false);
  });

  test("its pod has what the policy names, read-only, and no other secret, volume or database", async () => {
    const scenario = await run().settle();
    expect(tasksOf(scenario, "preflight")).toMatchObject([{ type: "Config", databases: [], volumes: [] }]);
    const configs = [
      { kind: "ConfigMap", name: "settings" },
      { kind: "Secret", name: "keys", keys: ["session", "saml.pem"] },
    ];
    expect(tasksOf(scenario, "capture")).toEqual([expect.objectContaining({ step: "collect", configs })]);
    expect(tasksOf(scenario, "seal")).toMatchObject([{ type: "Config", databases: [], volumes: [], configs }]);
    const items = [
      { key: "session", path: "session" },
      { key: "saml.pem", path: "saml.pem" },
    ];
    const { volumes, containers } = podOf(scenario, "capture");
    expect(volumes.filter(({ name }) => !["scratch", "signal"].includes(String(name)))).toEqual([
      { name: "store", persistentVolumeClaim: { claimName: "shop-backups" } },
      { name: "config-0", configMap: { name: "settings", optional: true, defaultMode: 0o444 } },
      { name: "config-1", secret: { secretName: "keys", optional: true, defaultMode: 0o444, items } },
    ]);
    expect(containers[0]).toMatchObject({
      volumeMounts: expect.arrayContaining([
        { name: "config-0", mountPath: "/config/configmap/settings", readOnly: true },
        { name: "config-1", mountPath: "/config/secret/keys", readOnly: true },
      ]),
    });
    for (const step of ["preflight", "seal", "transport-vault"])
      expect(JSON.stringify(podOf(scenario, step).volumes)).not.toMatch(/"secret"|configMap/);
  });

  test("that finds no change makes no generation, is Complete and says so", async () => {
    const scenario = await run({ sealed: [before] }).settle();
    expect(scenario.status).toMatchObject({
      result: "Complete",
      app: "Up",
      code: "",
      unchanged: before,
      copies: [],
      display: { size: "", copies: "", message: `no change since ${before}` },
    });
    expect(scenario.status.generation).toBeUndefined();
    expect(scenario.moverJobs.length).toBe(2);
    const skipped = scenario.status.steps?.filter(({ state }) => state === "Skipped") ?? [];
    expect(skipped.map(({ name }) => name)).toEqual([
      "Seal",
      "Transport/vault",
      "Verify/vault",
      "Prune/source",
      "Prune/vault",
    ]);
    for (const { message } of skipped) expect(message).toBe(`no change since ${before}`);
    expect([scenario.condition("Succeeded"), scenario.condition("Finished")]).toEqual([
      "True Complete",
      "True Complete",
    ]);
  });

  test("ends the same when the controller dies and forgets at any moment", async () => {
    const scenario = run({ sealed: [before] });
    await scenario.until(() => scenario.status.unchanged !== undefined);
    for (const process of scenario.processes) process.restart();
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Complete", unchanged: before });
    await scenario.lookAgain();
    expect(scenario.status).toMatchObject({ result: "Complete", unchanged: before });
  });

  describe("that finds no change, and a sink that lacks what is there", () => {
    const made = (state: "Missing" | "Pruned", triedAt = "2026-11-20T01:00:00.000Z"): BackupRun => {
      const { status, ...rest } = aRun("made")
        .of("Config")
        .finished(state === "Missing" ? "AtRisk" : "Complete", before, {
          policy: policy.build().spec,
          policyUID: "shop-policy-uid",
          copies: [{ location: "vault", state, required: true }],
          steps: [doneStep("Transport/vault", triedAt)].map((step) =>
            state === "Missing" ? { ...step, state: "Failed", code: "HO-T501", message: "away" } : step,
          ),
        })
        .build();
      const conditions = status?.conditions?.map((condition) => ({ ...condition, observedGeneration: 1 })) ?? [];
      return { ...rest, status: { ...status, observedGeneration: 1, conditions } };
    };
    const brings = ({ status }: Scenario): readonly unknown[] =>
      ["Seal", "Transport/vault", "Verify/vault", "Prune/vault"].map(
        (name) => status.steps?.find((step) => step.name === name)?.state,
      );
    const madeIn = ({ world }: Scenario): BackupRun | undefined => world.find<BackupRun>(runs, "made");

    test("brings it there", async () => {
      const scenario = await run({ sealed: [before], runs: [made("Missing")] }).settle();
      expect(brings(scenario)).toEqual(["Skipped", "Done", "Done", "Skipped"]);
      expect(scenario.status).toMatchObject({ result: "Complete", unchanged: before, copies: [] });
      expect(madeIn(scenario)?.status).toMatchObject({ result: "Complete", copies: [{ state: "Verified" }] });
    });
    test.each([
      ["AtRisk", true],
      ["Complete", false],
    ] as const)("is %s when it cannot, and the sink is required: %s", async (result, required) => {
      const ending = (step: string) => (step === "transport/vault" ? ({ code: "HO-T501" } as const) : ("ok" as const));
      const of = policy.sinks(sink("vault", { required })).build();
      const scenario = await run({
        policy: of,
        sealed: [before],
        runs: [made("Missing")],
        script: { ending },
      }).settle();
      expect(brings(scenario)).toEqual(["Skipped", "Failed", "Skipped", "Skipped"]);
      expect(scenario.status.result).toBe(result);
      expect(madeIn(scenario)?.status?.copies).toMatchObject([{ state: "Missing" }]);
    });
    test.each([
      ["Pruned", "2026-11-20T01:00:00.000Z"],
      // Within the hour: looks come often.
      ["Missing", formatInstant(at("00:30"))],
    ] as const)("or does not try, when it is %s there since %s", async (state, since) => {
      const scenario = await run({ sealed: [before], runs: [made(state, since)] }).settle();
      expect(brings(scenario)).toEqual(["Skipped", "Skipped", "Skipped", "Skipped"]);
      expect(scenario.moverJobs.length).toBe(2);
    });
  });

  test.each(["000001-20261120T010000Z-full", "nothing"])(
    "is a failure when what has not changed is %s",
    async (unchanged) => {
      const reports = (step: string): object | undefined => (step === "capture" ? { unchanged } : undefined);
      const scenario = await run({ script: { reports } }).settle();
      expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-A407", app: "Up" });
      expect(scenario.status.generation).toBeUndefined();
    },
  );

  test("fails when an object is missing, and without any configuration it is refused", async () => {
    const missing = await run({
      script: { ending: (step) => (step === "capture" ? { code: "HO-P117" } : "ok") },
    }).settle();
    expect(missing.status).toMatchObject({ result: "Failed", code: "HO-P117", app: "Up" });
    const refused = await run({ policy: aPolicy().build() }).settle();
    expect(refused.status).toMatchObject({ result: "Failed", code: "HO-P108" });
  });
});
