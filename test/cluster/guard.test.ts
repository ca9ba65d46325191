/** The guard on a real cluster: the app comes back although nobody is left who knows of the run. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { installApp, policy } from "../support/app.ts";
import { Bed, type Task, type WorkloadBody, waitUntil } from "../support/bed.ts";
import { scaleController } from "../support/controller.ts";

jest.setTimeout(600_000);

const guardLabel = "backup.handover.dev/guard";
const guardKinds = "serviceaccounts,roles,rolebindings,jobs,pods";

let bed: Bed;
beforeAll(async () => {
  bed = await Bed.open("e2e-guard");
  await installApp(bed);
  await bed.apply(policy("shop", { app: { maxDowntime: "15s" } }));
});
afterAll(() => bed?.close());

const guards = (): Promise<string> => bed.k("get", guardKinds, "-l", guardLabel, "-o", "name");

test("the controller is gone while the app is stopped, and the guard gives the app back", async () => {
  await bed.start("orphan", "shop");
  await waitUntil(
    "the app is at zero",
    () => bed.get<WorkloadBody>("Deployment", "web"),
    ({ spec }) => spec.replicas === 0,
  );
  await scaleController(bed, 0);
  try {
    expect((await guards()).trim().split("\n").length).toBe(5);
    await waitUntil(
      "the guard has given the app back",
      () => bed.get<WorkloadBody>("Deployment", "web"),
      ({ spec }) => spec.replicas === 1,
    );
    await bed.ready("web");
    await waitUntil("record and guard are gone", guards, (left) => left.trim() === "");
    expect(await bed.list("Lease", "?labelSelector=backup.handover.dev/quiesce-record")).toEqual([]);
  } finally {
    await scaleController(bed, 1);
  }
  const run: Task = await bed.finished("orphan");
  expect(run.status).toMatchObject({ result: "Failed", app: "Up" });
  await bed.ready("web");
});

test("an app is not stopped when its guard finds no room, and the run says what is in the way", async () => {
  const quota = { hard: { "count/serviceaccounts": "1" } };
  await bed.apply({ apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "tight" }, spec: quota });
  const before = await bed.get<WorkloadBody>("Deployment", "web");
  await bed.start("unguarded", "shop");
  const run = await bed.finished("unguarded");
  expect(run.status).toMatchObject({ result: "Failed", app: "Up", code: "HO-S212" });
  expect((await bed.get<WorkloadBody>("Deployment", "web")).metadata.generation).toBe(before.metadata.generation);
  expect(await bed.list("Lease", "?labelSelector=backup.handover.dev/quiesce-record")).toEqual([]);
});
