/** The CRDs at a real API server: what it takes, what it fills in, what it refuses, and what the user then reads. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { type Answer, collection, connect, eventually, installCrds, type Manifest } from "../support/api.ts";
import { accepted } from "./bad-objects/accepted.ts";
import { type Bad, bases, changed, type Kind, kinds } from "./bad-objects/base.ts";
import { badMovers } from "./bad-objects/mover.ts";
import { badNames } from "./bad-objects/names.ts";
import { badPlaces } from "./bad-objects/places.ts";
import { after, badRequests, badUpdates, before } from "./bad-objects/runs.ts";
import { badConfigs } from "./bad-objects/config.ts";
import { badSchedules, badTimes } from "./bad-objects/schedules.ts";
import { badShapes } from "./bad-objects/shapes.ts";

const namespace = `handover-crds-${process.pid}`;
const samples = new URL("../../manifests/samples/", import.meta.url);

const api = connect();

beforeAll(async () => {
  await installCrds(api);
  await api.call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
}, 60_000);

afterAll(async () => {
  for (const kind of kinds) await api.call("DELETE", collection(kind, namespace));
  await api.call("DELETE", `/api/v1/namespaces/${namespace}`);
  await api.close();
});

const strict = "fieldValidation=Strict";
const dryRun = `?dryRun=All&${strict}`;
const create = (object: Manifest, query = dryRun): Promise<Answer> =>
  api.call("POST", collection(object.kind, namespace) + query, object);
const at = (object: Manifest): string => `${collection(object.kind, namespace)}/${String(object.metadata["name"])}`;

const stored = (kind: Kind): Manifest => changed(bases[kind], { "metadata.name": "stored" });

/** Creates the object for good, after whatever of that name was there. */
async function store(object: Manifest): Promise<Answer> {
  await api.call("DELETE", at(object));
  return eventually(
    () => create(object, `?${strict}`),
    (answer) => answer.status !== 409,
  );
}

const header = async (...args: readonly string[]): Promise<readonly string[]> =>
  (await api.kubectl("get", "-n", namespace, ...args)).split("\n")[0]!.trim().split(/\s+/);
const patch = (object: Manifest, body: unknown, below = ""): Promise<Answer> =>
  api.call("PATCH", `${at(object)}${below}?${strict}`, body, "application/merge-patch+json");

describe("installed", () => {
  test.each(["backuppolicies", "backupruns", "restorerequests"])("%s is established and structural", async (plural) => {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.backup.handover.dev`;
    const { body } = await api.call("GET", path);
    const conditions = body.status?.conditions ?? [];
    const isTrue = conditions.filter((condition) => condition.status === "True").map((condition) => condition.type);
    expect(isTrue).toEqual(expect.arrayContaining(["Established", "NamesAccepted"]));
    expect(isTrue).not.toContain("NonStructuralSchema");
  });

  test("short names and the category", async () => {
    const names = await api.kubectl("api-resources", "--api-group=backup.handover.dev", "-o", "wide", "--no-headers");
    for (const word of ["bpol", "brun", "rreq"]) expect(names).toContain(word);
    expect(names.match(/backups\n/g)).toHaveLength(3);
  });

  test("the columns of kubectl get", async () => {
    const run = await store(stored("BackupRun"));
    expect(run.status).toBe(201);
    const shown = ["NAME", "TYPE", "RESULT", "PHASE", "APP", "DOWNTIME", "SIZE", "COPIES", "AGE", "MESSAGE"];
    expect(await header("brun")).toEqual(shown);
    expect(await header("brun", "-o", "wide")).toEqual([
      ...shown,
      "POLICY",
      "SCHEDULE",
      "MADE",
      "PARENT",
      "FREEZE",
      "CODE",
      "FILES",
    ]);
  });

  test.each([
    ["backuppolicy", ["suspend", "app", "databases", "volumes", "store", "sinks", "schedules", "retention", "mover"]],
    ["backuprun", ["policyName", "type", "scheduleName", "scheduledFor", "sinks"]],
    ["restorerequest", ["policyName", "from", "include", "target", "planOnly"]],
  ])("kubectl explain %s.spec says what each field is for", async (kind, fields) => {
    const explained = await api.kubectl("explain", `${kind}.spec`);
    const listed = [...explained.matchAll(/^ {2}(\w+)\t.*\n(?: {2}enum:.*\n)?(?: {4}(.*))?/gm)].map(
      ([, name, text]) => [name, text] as const,
    );
    expect(listed.map(([name]) => name)).toEqual(expect.arrayContaining(fields));
    expect(listed.filter(([, text]) => text === undefined || text.trim().length < 10)).toEqual([]);
  });
});

describe("accepted", () => {
  test.each(readdirSync(samples))("manifests/samples/%s", async (file) => {
    const answer = await create(parse(readFileSync(new URL(file, samples), "utf8")));
    expect(answer.body.message ?? "created").toBe("created");
  });
  for (const { kind, because, object } of accepted) {
    test(`${kind} with ${because}`, async () => {
      const answer = await create(object);
      expect(answer.body.message ?? "created").toBe("created");
      expect(answer.body.status).toBeUndefined();
    });
  }
});

describe("defaults are stored", () => {
  const apiVersion = "backup.handover.dev/v1alpha1";
  test("of a policy", async () => {
    const databases = [{ name: "d", postgres: { host: "h", database: "d", secretRef: { name: "s" } } }];
    const volumes = [{ name: "v", claimName: "c" }];
    const { body } = await create({
      apiVersion,
      kind: "BackupPolicy",
      metadata: { name: "least" },
      spec: {
        app: { workloads: [{ kind: "Deployment", name: "w" }] },
        databases,
        volumes,
        store: { claimName: "store" },
        sinks: [{ name: "vault", claim: { claimName: "vault" }, retention: { last: 3 } }],
        schedules: [{ name: "nightly", type: "Full", cron: "0 2 * * *" }],
        mover: { tolerations: [{ key: "a" }] },
      },
    });
    expect(body.spec).toEqual({
      suspend: false,
      app: {
        workloads: [{ kind: "Deployment", name: "w" }],
        quiesce: "ScaleToZero",
        stopTimeout: "2m",
        maxDowntime: "10m",
      },
      databases: [{ name: "d", postgres: { ...databases[0]!.postgres, port: 5432 }, release: "AfterSnapshot" }],
      volumes: [{ name: "v", claimName: "c", class: "Data", paths: ["."], exclude: [] }],
      store: { claimName: "store" },
      sinks: [
        {
          name: "vault",
          claim: { claimName: "vault" },
          verify: "Full",
          required: true,
          retention: { last: 3, minVerified: 2 },
        },
      ],
      schedules: [{ name: "nightly", type: "Full", cron: "0 2 * * *", timeZone: "UTC", startingDeadline: "6h" }],
      maxChain: 30,
      retention: {
        timeZone: "UTC",
        trash: "24h",
        source: { last: 2, minVerified: 1 },
        sinks: { last: 7, minVerified: 2 },
      },
      mover: { runAsUser: 0, tolerations: [{ key: "a", operator: "Equal" }] },
    });
  });
  test("of a run", async () => {
    const { body } = await create({
      apiVersion,
      kind: "BackupRun",
      metadata: { generateName: "r-" },
      spec: { policyName: "shop" },
    });
    expect(body.spec).toEqual({ policyName: "shop", type: "Full", sinks: [] });
  });
  test("of a restore", async () => {
    const spec = { policyName: "shop", from: { latest: true } };
    const { body } = await create({ apiVersion, kind: "RestoreRequest", metadata: { name: "r" }, spec });
    expect(body.spec).toEqual({ ...spec, target: "InPlace", planOnly: false });
  });
});

describe("refused, with a message that names the field and the remedy", () => {
  const bad: readonly Bad[] = [
    ...badNames,
    ...badPlaces,
    ...badSchedules,
    ...badConfigs,
    ...badTimes,
    ...badMovers,
    ...badRequests,
    ...badShapes,
  ];

  test("the tables are as large as they are meant to be", () =>
    expect(bad.length + badUpdates.length).toBeGreaterThan(500));
  test.each(kinds)("the %s that they change is valid", async (kind) => {
    expect((await create(bases[kind])).body.message ?? "created").toBe("created");
  });

  for (const { kind, because, object, at: field, says } of bad) {
    test(`${kind}: ${because}`, async () => {
      const { status, body } = await create(object);
      expect(body.message ?? "created").toContain(field);
      expect(body.message).toContain(says);
      expect([400, 422]).toContain(status);
    });
  }

  test.each([
    ['"spec":{"policyName":"shop","policyName":"other"}', 'duplicate field "spec.policyName"'],
    ['"spec":{"policyName":"shop"},"data":{}', 'unknown field "data"'],
    ['"spec":null', "spec: Required value"],
    ['"status":{}', "spec: Required value"],
    ['"spec":{"policyName":null}', "spec.policyName: Required value"],
    ['"spec":[]', "spec: Invalid value"],
  ])("JSON with %s", async (json, says) => {
    const { apiVersion, kind } = bases.BackupRun;
    const text = `{"apiVersion":"${String(apiVersion)}","kind":"${kind}","metadata":{"name":"raw"},${json}}`;
    const { status, body } = await api.call("POST", collection(kind, namespace) + dryRun, text);
    expect(body.message ?? "created").toContain(says);
    expect([400, 422]).toContain(status);
  });
});

describe("refused as an update", () => {
  for (const update of badUpdates) {
    test(`${update.kind}: ${update.because}`, async () => {
      const first = await store(before(update));
      expect(first.body.message ?? "created").toBe("created");
      // A controller that runs here works on what is stored, so the version is read again until nobody was faster.
      const { status, body } = await eventually(
        async () => {
          const current = await api.call("GET", at(after(update)));
          const metadata = { ...after(update).metadata, resourceVersion: current.body.metadata?.resourceVersion };
          return api.call("PUT", at(after(update)) + dryRun, { ...after(update), metadata });
        },
        (answer) => answer.status !== 409,
      );
      expect(body.message ?? "updated").toContain(update.says);
      expect(status).toBe(422);
    });
  }
});

describe("updates that go through", () => {
  test("planOnly from true to false starts a restore", async () => {
    await store(stored("RestoreRequest"));
    const { body } = await patch(stored("RestoreRequest"), { spec: { planOnly: false } });
    expect(body.spec?.["planOnly"]).toBe(false);
  });

  test("labels and annotations of a run may change, and its generation stays", async () => {
    await store(stored("BackupRun"));
    const { body } = await patch(stored("BackupRun"), {
      metadata: { annotations: { "backup.handover.dev/cancel": "true" } },
    });
    expect([body.message, body.metadata?.generation]).toEqual([undefined, 1]);
  });

  test("everything in the spec of a policy may change", async () => {
    await store(stored("BackupPolicy"));
    const other = changed(bases.BackupPolicy, {
      "spec.store.claimName": "other",
      "spec.sinks.0.claim.claimName": "other-vault",
    });
    expect((await patch(stored("BackupPolicy"), { spec: other["spec"] })).body.metadata?.generation).toBe(2);
  });

  test.each(["True", "False"])("kubectl wait returns when a run has finished with Succeeded=%s", async (succeeded) => {
    await store(stored("BackupRun"));
    const condition = {
      lastTransitionTime: "2026-11-22T02:00:00Z",
      reason: "Ended",
      message: "",
      observedGeneration: 1,
    };
    const conditions = [
      { ...condition, type: "Finished", status: "True" },
      { ...condition, type: "Succeeded", status: succeeded },
    ];
    const waiting = api.kubectl("wait", "-n", namespace, "brun", "--all", "--for=condition=Finished", "--timeout=20s");
    expect(
      (await patch(stored("BackupRun"), { status: { result: "", conditions } }, "/status")).body.message,
    ).toBeUndefined();
    expect(await waiting).toContain("condition met");
  });
});
