/** Wrong input and a hostile world: each is named by its code with what it means for the app and for the data, and the app stays up. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { claim, podSpec, idle, installApp, policy, workload } from "../support/app.ts";
import { badInputs, badWorld, policiesOf } from "../support/bad-input.ts";
import { Bed, type Condition, type Task, type WorkloadBody, isTrue } from "../support/bed.ts";
import { makeSmallVolumes, removeSmallVolumes } from "../support/small-volume.ts";

jest.setTimeout(600_000);

let bed: Bed;
/** Of its own, because a quota holds for everybody. */
let tight: Bed;
let tightBefore: WorkloadBody;
const before = new Map<string, WorkloadBody>();
const watched = ["web", "scaled", "owned", "rolling"];

beforeAll(async () => {
  // First: how long a guard is waited for is more than all others take.
  tight = await Bed.open("e2e-tight");
  await leaveNoRoom();
  bed = await Bed.open("e2e-bad");
  await bed.apply(...badWorld);
  const owner = await bed.get<Task>("ConfigMap", "owner");
  const ownerReferences = [
    { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.metadata.uid, controller: true },
  ];
  const owned = workload("Deployment", "owned", podSpec({ script: idle }));
  await bed.apply({ ...owned, metadata: { ...owned.metadata, ownerReferences } });
  const places = { "/store": "store", "/vault": "vault", "/foreign": "foreign", "/small": "small-store" };
  await makeSmallVolumes(bed, { "small-store": 1024 });
  await installApp(bed, places);
  await Promise.all([
    bed.sh("deploy/web", "cd /uploads; echo secret >private.key; chmod 600 private.key"),
    bed.sql("shop", "CREATE DATABASE forbidden"),
    bed.sh(
      "deploy/toolbox",
      `touch /foreign/holiday.jpg
      echo '{"format":1,"uuid":"store"}' >/store/handover.json
      mkdir -p /store/e2e-bad/lineage
      echo '{"format":1,"namespace":"e2e-bad","policy":"lineage","policyUID":"0ther-uid"}' >/store/e2e-bad/lineage/lineage.json`,
    ),
    bed.ready("squatter"),
    bed.ready("rolling"),
  ]);
  await bed.sql("forbidden", "CREATE TABLE hidden (x int)");
  await bed.patch("Deployment", "rolling", {
    spec: { template: { spec: { terminationGracePeriodSeconds: 6, nodeSelector: { "example.org/none": "here" } } } },
  });
  await bed.until<WorkloadBody>(
    "Deployment",
    "rolling",
    "its rollout has begun",
    ({ status }) => status.replicas === 2,
  );
  for (const name of watched) before.set(name, await bed.get<WorkloadBody>("Deployment", name));
  // All at once: they do not touch the app, so they do not disturb each other, and some take their time to be sure.
  await bed.apply(...policiesOf(badInputs));
  for (const { name, run } of badInputs) await bed.start(name, name, run);
});
afterAll(async () => {
  await removeSmallVolumes(bed, ["small-store"]);
  await Promise.all([bed.close(), tight.close()]);
});

/** An app whose guard finds no room, and a run of it. */
async function leaveNoRoom(): Promise<void> {
  await tight.apply(
    ...["uploads", "store", "vault"].map((name) => claim(name)),
    workload("Deployment", "web", podSpec({ script: idle, claims: { "/uploads": "uploads" } })),
    policy("shop", { databases: [] }),
  );
  await tight.ready("web");
  const quota = { hard: { "count/serviceaccounts": "1" } };
  await tight.apply({ apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "tight" }, spec: quota });
  tightBefore = await tight.get<WorkloadBody>("Deployment", "web");
  await tight.start("unguarded", "shop");
}

describe("a run is refused before the app is stopped", () => {
  test.each(badInputs)("$what: $code", async ({ name, code, names, app = "Up" }) => {
    const { status } = await bed.finished(name, "BackupRun", 400);
    expect(status).toMatchObject({ result: "Failed", code, app });
    expect(status.advice).toMatch(
      new RegExp(`^${code} .*${names}.*\\. App: \\S.*\\. Data: \\S.*\\. Next: .*(kubectl|helm) `),
    );
    expect(status.display["message"]).toContain(names);
    expect(status.generation).toBeUndefined();
    expect(isTrue({ status } as Task, "AppRestored")).toBe(true);
    expect(await bed.k("get", "brun", name)).toMatch(new RegExp(`Failed\\s+Done.*${code}`));
  });

  test("nothing was scaled or changed, not even for a moment, and no record is left", async () => {
    for (const [name, { metadata, spec }] of before) {
      const now = await bed.get<WorkloadBody>("Deployment", name);
      expect({ name, generation: now.metadata.generation, replicas: now.spec.replicas }).toEqual({
        name,
        generation: metadata.generation,
        replicas: spec.replicas,
      });
    }
    await bed.ready("web");
    expect(await bed.list("Lease", "?labelSelector=backup.handover.dev/quiesce-record")).toEqual([]);
  });
});

describe("a policy whose schedule cannot work", () => {
  interface PolicyBody {
    readonly status: { readonly conditions: readonly Condition[] };
  }
  test.each([
    ["zone", { timeZone: "Europe/Atlantis", cron: "0 2 * * *" }, "HO-P110", "Europe/Atlantis"],
    ["never", { cron: "0 0 30 2 *" }, "HO-P111", "0 0 30 2 \\*"],
  ])("%s: is Stalled, with what to do", async (name, schedule, code, names) => {
    await bed.apply(policy(name, { more: { schedules: [{ name: "nightly", type: "Full", ...schedule }] } }));
    const { status } = await bed.until<PolicyBody>("BackupPolicy", name, "Stalled", (seen) =>
      isTrue(seen as unknown as Task, "Stalled"),
    );
    const find = (type: string): Condition | undefined =>
      status.conditions.find((condition) => condition.type === type);
    expect(find("Stalled")?.message).toMatch(
      new RegExp(`^${code} .*${names}.*\\. App: \\S.*\\. Data: \\S.*\\. Next: kubectl `),
    );
    expect(find("Ready")?.status).toBe("False");
    expect(find("Scheduled")?.status).toBe("False");
    expect(await bed.k("get", "bpol", name)).toContain(code);
  });
});

test("an app whose guard finds no room is not stopped, and the run says what is in the way", async () => {
  const { status } = await tight.finished("unguarded");
  expect(status).toMatchObject({ result: "Failed", app: "Up", code: "HO-S212" });
  expect(status.advice).toContain("quota");
  const { metadata } = await tight.get<WorkloadBody>("Deployment", "web");
  expect(metadata.generation).toBe(tightBefore.metadata.generation);
  expect(await tight.list("Lease", "?labelSelector=backup.handover.dev/quiesce-record")).toEqual([]);
});
