/** What the movers of a backup run are told, and which claims their pods get. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, PolicySpec } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import type { JobManifest } from "../../../operator/decide/decision.ts";
import { type RunJobContext, adoptionIn, buildRunJob, identitiesOf } from "../../../operator/decide/run-jobs.ts";
import { aPolicy, aRun, settings, sink } from "../../support/builders.ts";
import { mountsOf, secretsOf, tasksOf } from "../../support/job-views.ts";

const spec = aPolicy()
  .spec({
    sinks: [
      sink("vault", { verify: "Sample" }),
      sink("attic", { required: false, verify: "None", retention: { last: 30, minVerified: 3 } }),
    ],
    volumes: [{ name: "uploads", claimName: "shop-uploads", class: "Data", paths: ["a", "b"], exclude: ["*.tmp"] }],
  })
  .build().spec;
const uuids = new Map([
  ["source", "uuid-source"],
  ["vault", "uuid-vault"],
]);
const full = aRun().status({ seq: 7 }).build();

const jobOf = (step: string, change: Partial<RunJobContext> = {}): JobManifest =>
  buildRunJob(step, "job", {
    run: full,
    policy: spec,
    policyUID: "policy-uid",
    acknowledgements: {},
    uuids,
    sinks: spec.sinks,
    siblings: [],
    settings,
    ...change,
  });
const without = (...keys: readonly ("databases" | "volumes")[]): PolicySpec =>
  Object.fromEntries(Object.entries(spec).filter(([key]) => !keys.some((one) => one === key))) as never;

const common = {
  version: 1,
  namespace: "shop",
  policy: "shop",
  policyUID: "policy-uid",
  run: "shop-1",
  runUID: "shop-1-uid",
};
const databases = [
  { name: "shop", host: "shop-db", port: 5432, database: "shop", secret: "shop-db", release: "AfterSnapshot" },
];
const volumes = [{ name: "uploads", claimName: "shop-uploads", paths: ["a", "b"], exclude: ["*.tmp"] }];

test("a Job is owned by its run, and has its time", () => {
  const job = jobOf("Seal");
  expect(job.metadata).toMatchObject({
    name: "job",
    namespace: "shop",
    ownerReferences: [
      {
        apiVersion: "backup.handover.dev/v1alpha1",
        kind: "BackupRun",
        name: "shop-1",
        uid: "shop-1-uid",
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  });
  expect(job.spec).toMatchObject({ activeDeadlineSeconds: 86_400 });
  expect(jobOf("Preflight").spec).toMatchObject({ activeDeadlineSeconds: 900 });
  expect(jobOf("Prune/source").spec).toMatchObject({ activeDeadlineSeconds: 7_200 });
});

describe("Preflight", () => {
  test("looks at everything", () => {
    const job = jobOf("Preflight");
    expect(tasksOf(job)).toMatchObject([
      {
        ...common,
        step: "preflight",
        type: "Full",
        databases,
        volumes,
        store: { name: "source", uuid: "uuid-source" },
        sinks: [{ name: "vault", uuid: "uuid-vault" }, { name: "attic" }],
        trash: { millis: 86_400_000, holds: [], known: { since: 1, ranges: "" } },
      },
    ]);
    expect(mountsOf(job)).toEqual([
      "store=shop-backups!",
      "sink-vault=vault!",
      "sink-attic=attic!",
      "volume-uploads=shop-uploads",
    ]);
    expect(secretsOf(job)).toEqual(["secret-shop"]);
  });
  test("of databases alone sees no volume", () => {
    const job = jobOf("Preflight", { run: aRun().of("Database").build() });
    expect(tasksOf(job)).toMatchObject([{ type: "Database", databases, volumes: [] }]);
    expect(mountsOf(job)).not.toContain("volume-uploads=shop-uploads");
  });
  test("looks at the sinks of this run alone", () => {
    const job = jobOf("Preflight", { sinks: spec.sinks.slice(0, 1) });
    expect(tasksOf(job)).toMatchObject([{ sinks: [{ name: "vault" }] }]);
    expect(mountsOf(job)).not.toContain("sink-attic=attic!");
  });
  test("hears what the administrator has said, and nothing else", () => {
    const [quiet] = tasksOf(jobOf("Preflight"));
    expect(quiet).not.toHaveProperty("acceptEmpty");
    expect(quiet).not.toHaveProperty("adopt");
    const acknowledgements = { [annotations.acceptEmpty]: "uploads , media", [annotations.adoptLineage]: "old-uid" };
    expect(tasksOf(jobOf("Preflight", { acknowledgements }))).toMatchObject([
      { acceptEmpty: ["uploads", "media"], adopt: "old-uid" },
    ]);
  });
  test("of a policy without databases and volumes looks at the store", () => {
    const job = jobOf("Preflight", { policy: without("databases", "volumes") });
    expect(tasksOf(job)).toMatchObject([{ databases: [], volumes: [] }]);
    expect(mountsOf(job)).toEqual(["store=shop-backups!", "sink-vault=vault!", "sink-attic=attic!"]);
    expect(secretsOf(job)).toEqual([]);
  });
});

test("Warm copies from the volumes into the store", () => {
  const job = jobOf("Warm");
  expect(tasksOf(job)).toMatchObject([{ ...common, step: "warm", seq: 7, volumes }]);
  expect(mountsOf(job)).toEqual(["store=shop-backups!", "volume-uploads=shop-uploads"]);
  expect(tasksOf(jobOf("Warm", { run: aRun().build() }))).toMatchObject([{ seq: 1 }]);
});

describe("Capture", () => {
  const running = aPolicy().app({ quiesce: "None" }).build().spec.app;
  const dump = { ...common, step: "dump", seq: 7, databases };
  const archive = { ...common, step: "archive", seq: 7, volumes, frozen: true };
  test.each<[string, Partial<RunJobContext>, readonly unknown[]]>([
    ["all", {}, [dump, archive, { ...common, step: "release", parts: ["dump", "archive"] }]],
    [
      "without databases",
      { policy: without("databases") },
      [archive, { ...common, step: "release", parts: ["archive"] }],
    ],
    ["without volumes", { policy: without("volumes") }, [dump, { ...common, step: "release", parts: ["dump"] }]],
    ["of an app that runs on", { policy: { ...spec, app: running } }, [dump, { ...archive, frozen: false }]],
    ["of databases alone", { run: aRun().of("Database").status({ seq: 7 }).build() }, [dump]],
  ])("%s", (_what, change, expected) => {
    expect(tasksOf(jobOf("Capture", change))).toMatchObject(expected);
  });
  test("sees what it captures", () => {
    expect(mountsOf(jobOf("Capture"))).toEqual(["store=shop-backups!", "volume-uploads=shop-uploads"]);
    expect(secretsOf(jobOf("Capture"))).toEqual(["secret-shop"]);
    expect(mountsOf(jobOf("Capture", { run: aRun().of("Database").build() }))).toEqual(["store=shop-backups!"]);
  });
});

describe("Seal", () => {
  const workloads = [{ kind: "Deployment" as const, name: "shop", uid: "shop-uid", replicas: 3 }];
  const times = { goneAt: "2026-11-21T01:02:03Z", releasedAt: "2026-11-21T01:03:03Z" };
  const sealOf = (run: BackupRun, policy = spec): unknown => tasksOf(jobOf("Seal", { run, policy }))[0];
  test("is of the moment at which the app was gone", () => {
    const run = aRun().status({ seq: 7, times, capturePodUID: "pod", workloads }).build();
    expect(sealOf(run)).toMatchObject({
      ...common,
      step: "seal",
      seq: 7,
      id: "000007-20261121T010203Z-full",
      type: "Full",
      consistency: "Quiesced",
      time: "2026-11-21T01:02:03Z",
      stagingPodUID: "pod",
      workloads,
      databases,
      volumes,
    });
    expect(mountsOf(jobOf("Seal"))).toEqual(["store=shop-backups!"]);
  });
  test.each([
    { what: "was released", status: { times: { releasedAt: "2026-11-21T01:03:03Z" } }, time: "2026-11-21T01:03:03Z" },
    { what: "has begun", status: { times: {} }, time: "2026-11-21T01:00:00Z" },
    { what: "has begun, without times", status: {}, time: "2026-11-21T01:00:00Z" },
  ])("else of that at which it $what", ({ status, time }) => {
    expect(sealOf(aRun().status(status).build())).toMatchObject({ time, stagingPodUID: "", workloads: [] });
  });
  test("of an app that runs on, or of databases alone, is of a running app", () => {
    const running = aPolicy().app({ quiesce: "None" }).build().spec.app;
    expect(sealOf(full, { ...spec, app: running })).toMatchObject({ consistency: "Running" });
    expect(sealOf(aRun().of("Database").build())).toMatchObject({
      consistency: "Running",
      type: "Database",
      volumes: [],
      id: "000001-20261121T010000Z-database",
    });
  });
});

describe("at a sink", () => {
  test("Transport reads the store and writes there", () => {
    const job = jobOf("Transport/vault");
    expect(tasksOf(job)).toMatchObject([
      { ...common, step: "transport", seq: 7, sink: { name: "vault", uuid: "uuid-vault" } },
    ]);
    expect(mountsOf(job)).toEqual(["store=shop-backups", "sink-vault=vault!"]);
  });
  test("Verify checks as this sink is to be checked", () => {
    const job = jobOf("Verify/vault");
    expect(tasksOf(job)).toMatchObject([
      { ...common, step: "verify", sink: { name: "vault", uuid: "uuid-vault" }, mode: "Sample" },
    ]);
    expect(mountsOf(job)).toEqual(["sink-vault=vault!"]);
    expect(tasksOf(jobOf("Verify/attic"))).toMatchObject([{ sink: { name: "attic" }, mode: "None" }]);
    expect(mountsOf(jobOf("Verify/attic"))).toEqual(["sink-attic=attic!"]);
  });
  test("of a name that the policy does not know nothing is mounted", () => {
    const job = jobOf("Verify/moon");
    expect(tasksOf(job)).toMatchObject([{ sink: { name: "moon" }, mode: "Full" }]);
    expect(mountsOf(job)).toEqual([]);
    expect(tasksOf(jobOf("Prune/moon"))).toMatchObject([{ keep: { last: 7, minVerified: 2 }, verify: "Full" }]);
  });
  test.each([
    { name: "vault", of: "all sinks", keep: { last: 7, minVerified: 2 }, verify: "Sample" },
    { name: "attic", of: "its own", keep: { last: 30, minVerified: 3 }, verify: "None" },
  ])("Prune/$name keeps by the rule of $of", ({ name, keep, verify }) => {
    const job = jobOf(`Prune/${name}`);
    expect(tasksOf(job)).toMatchObject([
      { ...common, step: "prune", location: { name }, keep, verify, requiredSinks: [], acknowledged: [] },
    ]);
    expect(mountsOf(job)).toEqual([`sink-${name}=${name}!`]);
  });
});

describe("Prune/source", () => {
  test("keeps what a required sink does not have, and sees these sinks", () => {
    const job = jobOf("Prune/source");
    expect(tasksOf(job)).toMatchObject([
      {
        ...common,
        step: "prune",
        location: { name: "source", uuid: "uuid-source" },
        keep: { last: 2, minVerified: 1 },
        verify: "Full",
        requiredSinks: [{ name: "vault", uuid: "uuid-vault", verify: "Sample" }],
        acknowledged: [],
      },
    ]);
    expect(mountsOf(job)).toEqual(["store=shop-backups!", "sink-vault=vault"]);
  });
  test.each([
    { said: "true", acknowledged: [] },
    { said: "0123456789a", acknowledged: [] },
    { said: "0123456789ab", acknowledged: ["0123456789ab"] },
    { said: " 0123456789ab,0123456789abcdef, ABCDEF012345", acknowledged: ["0123456789ab", "0123456789abcdef"] },
  ])("passes on the digests that the administrator has said, and said $said", ({ said, acknowledged }) => {
    const job = jobOf("Prune/source", { acknowledgements: { [annotations.acknowledgePrune]: said } });
    expect(tasksOf(job)).toMatchObject([{ acknowledged }]);
  });
});

test("another step has no Job", () => {
  expect(() => jobOf("Quiesce")).toThrow("step Quiesce has no Job");
});

test("a place has the identity that was told of last, and one without is unknown", () => {
  const told = [{ name: "a", uuid: "1" }, { name: "b" }, { name: "a", uuid: "2" }];
  expect([...identitiesOf(told)]).toEqual([["a", "2"]]);
});

test("without annotations nothing is adopted", () => {
  expect(adoptionIn(undefined)).toEqual({});
});
