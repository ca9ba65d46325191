/** Volumes of class Config: which runs capture them, what stands against it, and what is known of the policy. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, PolicySpec } from "../../../operator/api/kinds.ts";
import type { ResultOf } from "../../../operator/contract/result.ts";
import { type Candidate, checkCandidate } from "../../../operator/decide/checks.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { type RunJobContext, buildRunJob } from "../../../operator/decide/run-jobs.ts";
import { describe as tell } from "../../../operator/decide/run-reports.ts";
import type { GenerationType } from "../../../operator/domain/generation.ts";
import { aClaim, aPolicy, aRun, anApp, at, settings } from "../../support/builders.ts";
import { aCandidate } from "../../support/candidate.ts";
import { mountsOf, secretsOf, tasksOf } from "../../support/job-views.ts";
import { Scenario } from "../../simulator/scenario.ts";

const [uploads] = aPolicy().build().spec.volumes ?? [];
const conf = { name: "conf", claimName: "shop-conf", class: "Config" as const, paths: ["."], exclude: ["*.swp"] };
const confRef = { name: "conf", claimName: "shop-conf", paths: ["."], exclude: ["*.swp"] };
const volumes = [uploads!, conf];
const policy = aPolicy().spec({ volumes });
const app = (change: Readonly<Record<string, ReturnType<typeof aClaim> | undefined>> = {}) => {
  const claims = new Map([...anApp().claims, ["shop-conf", aClaim("shop-conf")] as const]);
  for (const [name, claim] of Object.entries(change)) {
    if (claim === undefined) claims.delete(name);
    else claims.set(name, claim);
  }
  return anApp({ claims });
};

describe("the Jobs of a run", () => {
  const jobOf = (step: string, type: GenerationType, spec: PolicySpec = policy.build().spec) => {
    const context: RunJobContext = {
      run: aRun().of(type).status({ seq: 7 }).build(),
      policy: spec,
      policyUID: "policy-uid",
      acknowledgements: {},
      uuids: new Map(),
      sinks: [],
      siblings: [],
      settings,
    };
    return buildRunJob(step, "job", context);
  };
  const namesIn = (task: unknown): unknown =>
    (task as { volumes?: { name: string }[] }).volumes?.map(({ name }) => name);

  test.each<[GenerationType, readonly string[]]>([
    ["Full", ["uploads", "conf"]],
    ["Incremental", ["uploads", "conf"]],
    ["Differential", ["uploads", "conf"]],
    ["Database", []],
    ["Config", ["conf"]],
  ])("of type %s look at and seal their volumes, and see no others", (type, names) => {
    for (const step of ["Preflight", "Seal"]) expect(tasksOf(jobOf(step, type)).map(namesIn)).toEqual([names]);
    for (const step of ["Preflight", "Capture"])
      expect(mountsOf(jobOf(step, type)).filter((mount) => mount.startsWith("volume-"))).toEqual(
        names.map((name) => `volume-${name}=shop-${name}`),
      );
  });

  test("of the configuration capture them in one container, read-only, with the keys or without", () => {
    const job = jobOf("Capture", "Config");
    expect(tasksOf(job)).toMatchObject([{ step: "collect", seq: 7, configs: [], volumes: [confRef] }]);
    expect(mountsOf(job)).toEqual(["store=shop-backups!", "volume-conf=shop-conf"]);
    expect(secretsOf(job)).toEqual([]);
    const config = { configMaps: [{ name: "settings" }] };
    expect(tasksOf(jobOf("Capture", "Config", policy.spec({ config }).build().spec))).toMatchObject([
      { step: "collect", configs: [{ kind: "ConfigMap", name: "settings" }], volumes: [confRef] },
    ]);
  });

  test("that were accepted before there were classes take a volume for data", () => {
    const { class: _class, ...old } = conf;
    const spec = { ...policy.build().spec, volumes: [old as typeof conf] };
    expect(tasksOf(jobOf("Capture", "Config", spec))).toMatchObject([{ step: "collect", volumes: [] }]);
    expect(tasksOf(jobOf("Capture", "Full", spec))[1]).toMatchObject({ step: "archive", volumes: [confRef] });
  });
});

describe("a run of the configuration", () => {
  const story = { run: aRun().of("Config").build(), policy: policy.build() };
  test("captures them beside the running app", async () => {
    const scenario = await Scenario.run(story).settle();
    expect(scenario.status).toMatchObject({
      result: "Complete",
      app: "Up",
      generation: { type: "Config", consistency: "Running" },
      display: { message: "captured while the app ran, 10 files" },
    });
    expect(scenario.status.steps?.map(({ name }) => name)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(Warm|Quiesce|GiveBack)$/)]),
    );
    expect(scenario.world.writes.some(({ verb, plural }) => verb === "scale" || plural === "leases")).toBe(false);
  });

  test("that finds no change makes nothing and is Complete", async () => {
    const before = "000001-20261120T010000Z-config";
    const scenario = await Scenario.run({ ...story, sealed: [before] }).settle();
    expect(scenario.status).toMatchObject({ result: "Complete", unchanged: before, copies: [] });
    expect(scenario.status.generation).toBeUndefined();
  });
});

describe("what stands against a run", () => {
  const lost = { ...aClaim("shop-conf"), status: { phase: "Pending" } };
  const onePod = { ...aClaim("shop-conf"), spec: { accessModes: ["ReadWriteOncePod"] } };
  test.each<[string, Partial<Candidate>, string | undefined]>([
    ["nothing", {}, undefined],
    ["no volume of class Config", { policy: aPolicy().build() }, "HO-P108"],
    ["the claim is missing", { app: app({ "shop-conf": undefined }) }, "HO-P102"],
    ["the claim is not bound", { app: app({ "shop-conf": lost }) }, "HO-P103"],
    ["no second pod can mount it", { app: app({ "shop-conf": onePod }) }, "HO-P115"],
    ["another volume is missing: nothing", { app: app({ "shop-uploads": undefined }) }, undefined],
    [
      "no second pod can mount another: nothing",
      { app: app({ "shop-uploads": { ...onePod, metadata: aClaim("shop-uploads").metadata } }) },
      undefined,
    ],
    ["of a full run: another is missing", { type: "Full", app: app({ "shop-uploads": undefined }) }, "HO-P102"],
  ])("%s", (_what, seen, code) => {
    const candidate = { ...aCandidate, policy: policy.build(), app: app(), type: "Config" as const, stops: false };
    expect(checkCandidate({ ...candidate, ...seen })?.code).toBe(code);
  });
});

test("a look that failed is told of as long as there is a volume of class Config", () => {
  const made = { ...policy.build().spec };
  const full = aRun("full").finished("Complete", "000002-20261120T020000Z-full", { policy: made }).build();
  const failed: BackupRun = aRun("failed")
    .of("Config")
    .created("2026-11-21T09:00:00Z")
    .finished("Failed", undefined, { display: { message: "HO-A401 unreadable" } })
    .build();
  const stateOf = (of: typeof policy): unknown =>
    decidePolicy({ policy: of.build(), runs: [full, failed], restores: [], takenNames: new Set() }, at("23:00")).status
      .state;
  expect(stateOf(policy)).toBe("AtRisk");
  expect(stateOf(aPolicy())).toBe("Protected");
});

test.each<[Pick<ResultOf<"collect">, "files" | "objects" | "volumeFiles" | "warnings">, string]>([
  [{ files: 3, objects: 2 }, "3 keys of 2 objects, 2.0 KiB"],
  [{ files: 3, objects: 2, volumeFiles: 7, warnings: ["one"] }, "3 keys of 2 objects, 7 files, 2.0 KiB; one"],
  [{ files: 0, objects: 0, volumeFiles: 1, warnings: [] }, "1 file, 2.0 KiB"],
])("what was collected is told: %j", (result, text) => {
  expect(tell([{ version: 1, ok: true, step: "collect", bytes: 2048, ...result }])).toBe(text);
});
