/** Jobs of runs of another kind than a full one: of the configuration, and of what is based on another generation. */
import { describe, expect, test } from "@jest/globals";
import type { PolicySpec, RunStatus } from "../../../operator/api/kinds.ts";
import { buildRunJob, generationIdOf, locationRef } from "../../../operator/decide/run-jobs.ts";
import { aPolicy, aRun, settings } from "../../support/builders.ts";
import { mountsOf, podOf, secretsOf, tasksOf } from "../../support/job-views.ts";

const config = { configMaps: [{ name: "settings" }], secrets: [{ name: "keys", keys: ["session", "saml.pem"] }] };
const withConfig = aPolicy().spec({ config }).build().spec;
const jobOf = (step: string, run: ReturnType<typeof aRun>, policy: PolicySpec = withConfig) =>
  buildRunJob(step, "job", {
    run: run.build(),
    policy,
    policyUID: "policy-uid",
    acknowledgements: {},
    uuids: new Map(),
    sinks: policy.sinks,
    siblings: [],
    settings,
  });

describe("of the configuration", () => {
  const run = aRun().of("Config").status({ seq: 7 });
  const configs = [
    { kind: "ConfigMap", name: "settings" },
    { kind: "Secret", name: "keys", keys: ["session", "saml.pem"] },
  ];
  test("Capture collects it, and sees nothing else", () => {
    const job = jobOf("Capture", run);
    expect(tasksOf(job)).toEqual([expect.objectContaining({ step: "collect", seq: 7, configs })]);
    expect([mountsOf(job), secretsOf(job)]).toEqual([["store=shop-backups!"], []]);
  });
  test("Capture sees each object read-only, of a Secret the keys that are named, and starts although one is missing", () => {
    const { containers, volumes } = podOf(jobOf("Capture", run));
    const common = { optional: true, defaultMode: 0o444 };
    const items = ["session", "saml.pem"].map((key) => ({ key, path: key }));
    expect(volumes.filter(({ name }) => name.startsWith("config-"))).toEqual([
      { name: "config-0", configMap: { name: "settings", ...common } },
      { name: "config-1", secret: { secretName: "keys", ...common, items } },
    ]);
    expect(containers[0]?.volumeMounts.filter(({ name }) => name.startsWith("config-"))).toEqual([
      { name: "config-0", mountPath: "/config/configmap/settings", readOnly: true },
      { name: "config-1", mountPath: "/config/secret/keys", readOnly: true },
    ]);
  });
  test.each<[string, NonNullable<PolicySpec["config"]>, readonly unknown[]]>([
    ["objects alone", { configMaps: config.configMaps }, configs.slice(0, 1)],
    ["secrets alone", { secrets: config.secrets }, configs.slice(1)],
  ])("also of %s", (_what, only, expected) => {
    const policy = { ...withConfig, config: only };
    expect(tasksOf(jobOf("Capture", run, policy))).toMatchObject([{ step: "collect", configs: expected }]);
  });
  test("Seal says what it has", () => {
    expect(tasksOf(jobOf("Seal", run))).toMatchObject([
      { step: "seal", type: "Config", consistency: "Running", databases: [], volumes: [], configs },
    ]);
  });
  test("Preflight looks for no data, and needs no chain", () => {
    const [task] = tasksOf(jobOf("Preflight", run));
    expect(task).toMatchObject({ type: "Config", databases: [], volumes: [] });
    expect(task).not.toHaveProperty("maxChain");
  });
  test("there is nothing in a run of another type", () => {
    expect(JSON.stringify(tasksOf(jobOf("Capture", aRun())))).not.toContain("collect");
    expect(tasksOf(jobOf("Seal", aRun()))[0]).not.toHaveProperty("configs");
  });
});

describe("of what is based on another generation", () => {
  const base = { generation: "000006-20261120T010203Z-full", manifestSHA256: "a".repeat(64) };
  const passed = { id: base.generation, manifestSHA256: base.manifestSHA256 };
  const times = { goneAt: "2026-11-21T01:02:03Z" };
  const run = (status: RunStatus, type: "Incremental" | "Full" = "Incremental"): ReturnType<typeof aRun> =>
    aRun()
      .of(type)
      .status({ seq: 7, times, ...status });

  test("Preflight says how long a chain may be", () => {
    expect(tasksOf(jobOf("Preflight", run({})))).toMatchObject([{ type: "Incremental", maxChain: 30 }]);
    expect(tasksOf(jobOf("Preflight", run({}, "Full")))[0]).not.toHaveProperty("maxChain");
  });
  test("its base is told where it is captured and sealed", () => {
    const [, archive] = tasksOf(jobOf("Capture", run({ base })));
    expect(archive).toMatchObject({ step: "archive", base: passed });
    expect(tasksOf(jobOf("Seal", run({ base })))).toMatchObject([
      { id: "000007-20261121T010203Z-incremental", type: "Incremental", base: passed },
    ]);
  });
  test.each<[string, ReturnType<typeof aRun>]>([
    ["one that could not be based on anything", run({ base: { full: "the first one" } })],
    ["a full one", run({ base }, "Full")],
  ])("%s is full, and has no base", (_what, of) => {
    expect(tasksOf(jobOf("Capture", of))[1]).not.toHaveProperty("base");
    const [seal] = tasksOf(jobOf("Seal", of));
    expect(seal).toMatchObject({ id: "000007-20261121T010203Z-full", type: "Full" });
    expect(seal).not.toHaveProperty("base");
  });
  test("its id is of what is on record", () => {
    expect(generationIdOf(run({ base }).build())).toBe("000007-20261121T010203Z-incremental");
    expect(generationIdOf(aRun().build())).toBe("000001-20261121T010000Z-full");
  });
});

describe("a prune may carry out the plan on record for its place", () => {
  const approved = "b".repeat(64);
  const steps = [
    { name: "Prune/source", state: "Waiting" as const, approved },
    { name: "Prune/vault", state: "Waiting" as const },
  ];
  test.each<[string, string, RunStatus]>([
    ["not without a record", "Prune/source", {}],
    ["nor without its own", "Prune/source", { steps: steps.slice(1) }],
    ["not that of another", "Prune/vault", { steps }],
  ])("%s", (_what, step, status) => {
    expect(tasksOf(jobOf(step, aRun().status(status)))[0]).not.toHaveProperty("approved");
  });
  test("its own", () => {
    expect(tasksOf(jobOf("Prune/source", aRun().status({ steps: steps.toReversed() })))).toMatchObject([{ approved }]);
  });
});

test("of a place whose identity nobody knows the name is passed alone", () => {
  expect(locationRef("vault", new Map())).toStrictEqual({ name: "vault" });
});
