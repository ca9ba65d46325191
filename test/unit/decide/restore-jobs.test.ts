/** What the movers of a restore are told, and which claims their pods get. */
import { describe, expect, test } from "@jest/globals";
import type { PolicySpec, RestoreSpec } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import type { JobManifest } from "../../../operator/decide/decision.ts";
import { type RestoreJobContext, buildRestoreJob, isIncluded } from "../../../operator/decide/restore-jobs.ts";
import { aClaim, aPolicy, aRestore, anApp, settings, sink } from "../../support/builders.ts";
import { mountsOf, secretsOf, tasksOf } from "../../support/job-views.ts";

const base = aPolicy().build().spec;
const spec: PolicySpec = {
  ...base,
  databases: ["shop", "stock"].map((name) => ({
    ...base.databases![0]!,
    name,
    postgres: { host: `${name}-db`, port: 5432, database: name, secretRef: { name: `${name}-db` } },
  })),
  volumes: ["uploads", "media"].map((name) => ({
    name,
    claimName: `shop-${name}`,
    class: "Data",
    paths: ["."],
    exclude: [],
  })),
  sinks: [sink("vault"), sink("attic")],
};
const database = (name: string) => ({
  name,
  host: `${name}-db`,
  port: 5432,
  database: name,
  secret: `${name}-db`,
  release: "AfterSnapshot",
});
const volume = (name: string) => ({ name, claimName: `shop-${name}`, paths: ["."], exclude: [] });
const common = {
  version: 1,
  namespace: "shop",
  policy: "shop",
  policyUID: "policy-uid",
  run: "back",
  runUID: "back-uid",
};
const all = { databases: ["shop", "stock"].map(database), volumes: ["uploads", "media"].map(volume) };
const targets = (mode: string): readonly string[] => [
  `volume-uploads=shop-uploads${mode}`,
  `volume-media=shop-media${mode}`,
];

interface Story {
  readonly request?: Partial<RestoreSpec>;
  readonly plan?: Partial<NonNullable<RestoreJobContext["plan"]>>;
  readonly swapped?: boolean;
  readonly claims?: readonly ReturnType<typeof aClaim>[];
  readonly annotated?: Readonly<Record<string, string>>;
  readonly forgotten?: boolean;
}
const bound = ["shop-backups", "vault", "attic"].map((name) => aClaim(name));
function jobOf(step: string, story: Story = {}): JobManifest {
  const { request = {}, plan, swapped = false, claims = bound, annotated = {}, forgotten = false } = story;
  const locations = [{ name: "source", uuid: "uuid-source" }, { name: "vault", uuid: "uuid-vault" }, { name: "attic" }];
  const policy = aPolicy().meta({ annotations: annotated }).status({ locations }).build();
  const app = anApp({ claims: new Map(claims.map((claim) => [claim.metadata.name, claim])) });
  const seen = {
    request: aRestore().spec(request).build(),
    policy: forgotten ? undefined : policy,
    runs: [],
    siblings: [],
    app,
    jobs: new Map(),
    settings,
  };
  return buildRestoreJob(step, "job", { seen, policy: spec, policyUID: "policy-uid", plan: plan as never, swapped });
}
const plan = {
  id: "000007-20261121T010203Z-full",
  location: "vault",
  manifestSHA256: "abc",
  databases: ["shop", "stock"],
  volumes: ["uploads", "media"],
};

test("a Job is owned by its request, and has its time", () => {
  expect(jobOf("Plan").metadata).toMatchObject({
    name: "job",
    namespace: "shop",
    ownerReferences: [{ kind: "RestoreRequest", name: "back", uid: "back-uid" }],
  });
  const seconds = ["Plan", "Stage", "Swap", "Cleanup"].map(
    (step) => (jobOf(step).spec as { readonly activeDeadlineSeconds?: unknown }).activeDeadlineSeconds,
  );
  expect(seconds).toEqual([900, 86_400, 3_600, 7_200]);
});

describe("Plan", () => {
  test("asks every location, and changes nothing", () => {
    const job = jobOf("Plan");
    const [task] = tasksOf(job);
    expect(task).toMatchObject({
      ...common,
      ...all,
      step: "plan",
      from: { latest: true },
      included: false,
      locations: [{ name: "source", uuid: "uuid-source" }, { name: "vault", uuid: "uuid-vault" }, { name: "attic" }],
      passedOver: [],
    });
    expect(task).not.toHaveProperty("adopt");
    expect(mountsOf(job)).toEqual(["store=shop-backups", "sink-vault=vault", "sink-attic=attic", ...targets("")]);
    expect(secretsOf(job)).toEqual(["secret-shop", "secret-stock"]);
  });
  test("asks the one that is named", () => {
    const job = jobOf("Plan", { request: { from: { location: "attic" } } });
    expect(tasksOf(job)).toMatchObject([{ locations: [{ name: "attic" }], from: { location: "attic" } }]);
    expect(mountsOf(job)).toEqual(["sink-attic=attic", ...targets("")]);
  });
  test("passes over what cannot be read, and says why", () => {
    const job = jobOf("Plan", {
      claims: [aClaim("shop-backups", "Lost"), aClaim("vault"), aClaim("attic", "Pending")],
    });
    expect(tasksOf(job)).toMatchObject([
      {
        locations: [{ name: "vault" }],
        passedOver: [
          "location source is passed over: PersistentVolumeClaim shop-backups has lost its volume",
          "location attic is passed over: PersistentVolumeClaim attic is not bound",
        ],
      },
    ]);
    expect(mountsOf(job)).toEqual(["sink-vault=vault", ...targets("")]);
  });
  test("looks at the parts that are named", () => {
    const job = jobOf("Plan", { request: { include: { databases: ["stock"], volumes: ["media"] } } });
    expect(tasksOf(job)).toMatchObject([
      { included: true, databases: [database("stock")], volumes: [volume("media")] },
    ]);
    expect(mountsOf(job)).not.toContain("volume-uploads=shop-uploads");
    expect(mountsOf(job)).toContain("volume-media=shop-media");
    expect(secretsOf(job)).toEqual(["secret-stock"]);
  });
  test("hears of an adoption", () => {
    const job = jobOf("Plan", { annotated: { [annotations.adoptLineage]: "old-uid" } });
    expect(tasksOf(job)).toMatchObject([{ adopt: "old-uid" }]);
  });
  test("without a policy knows no identities", () => {
    const [task] = tasksOf(jobOf("Plan", { forgotten: true }));
    expect(task).toMatchObject({ locations: [{ name: "source" }, { name: "vault" }, { name: "attic" }] });
    expect(JSON.stringify(task)).not.toContain("uuid");
  });
});

describe("Stage", () => {
  test("reads what was planned where it was found, and writes beside the app", () => {
    const job = jobOf("Stage", { plan });
    expect(tasksOf(job)).toMatchObject([
      {
        ...common,
        ...all,
        step: "stage",
        id: plan.id,
        location: { name: "vault", uuid: "uuid-vault" },
        manifestSHA256: "abc",
      },
    ]);
    expect(mountsOf(job)).toEqual(["sink-vault=vault", ...targets("!")]);
    expect(secretsOf(job)).toEqual(["secret-shop", "secret-stock"]);
  });
  test("from the source", () => {
    const job = jobOf("Stage", { plan: { ...plan, location: "source" } });
    expect(tasksOf(job)).toMatchObject([{ location: { name: "source", uuid: "uuid-source" } }]);
    expect(mountsOf(job)).toEqual(["store=shop-backups", ...targets("!")]);
  });
  test("does what was planned of what was asked", () => {
    const job = jobOf("Stage", {
      plan: { ...plan, databases: ["stock"], volumes: ["uploads", "media"] },
      request: { include: { volumes: ["media"], databases: ["shop", "stock"] } },
    });
    expect(tasksOf(job)).toMatchObject([{ databases: [database("stock")], volumes: [volume("media")] }]);
    expect(mountsOf(job)).toEqual(["sink-vault=vault", "volume-media=shop-media!"]);
    expect(secretsOf(job)).toEqual(["secret-stock"]);
  });
  test("hears of an adoption", () => {
    const job = jobOf("Stage", { plan, annotated: { [annotations.adoptLineage]: "old-uid" } });
    expect(tasksOf(job)).toMatchObject([{ adopt: "old-uid" }]);
  });
});

test("Swap exchanges on the volumes, and reads no store", () => {
  const job = jobOf("Swap", { plan });
  expect(tasksOf(job)).toMatchObject([{ ...common, ...all, step: "swap" }]);
  expect(mountsOf(job)).toEqual(targets("!"));
});

test.each([true, false])("Cleanup knows whether the exchange is done: %s", (swapped) => {
  const job = jobOf("Cleanup", { plan, swapped });
  expect(tasksOf(job)).toMatchObject([{ ...common, ...all, step: "cleanup", swapped }]);
  expect(mountsOf(job)).toEqual(targets("!"));
});

test("another step has no Job", () => {
  expect(() => jobOf("Quiesce")).toThrow("step Quiesce has no Job");
});

test("a request that names parts of one kind asks for none of the other", () => {
  expect(isIncluded("volumes", "uploads", {})).toBe(true);
  expect(isIncluded("volumes", "uploads", { include: { databases: ["shop"] } })).toBe(false);
  expect(isIncluded("databases", "shop", { include: { databases: ["shop"] } })).toBe(true);
  expect(isIncluded("databases", "stock", { include: { databases: ["shop"] } })).toBe(false);
});
