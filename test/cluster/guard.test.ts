/** No app is stopped without a guard. That the guard does its work, without a controller, is shown where controllers are killed. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { installApp, policy } from "../support/app.ts";
import { Bed, type WorkloadBody } from "../support/bed.ts";

jest.setTimeout(600_000);

let bed: Bed;
beforeAll(async () => {
  bed = await Bed.open("e2e-guard");
  await installApp(bed);
  await bed.apply(policy("shop"));
});
afterAll(() => bed?.close());

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
