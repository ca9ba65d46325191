/** Which generation a plan takes, and from where: real backups of volumes, no database. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { mkdirSync } from "node:fs";
import { plan } from "../../operator/mover/steps/plan.ts";
import { type MoverBed, createBed } from "../support/mover-bed.ts";
import { backUpApp } from "../support/restore-bed.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(60_000);

let bed: MoverBed;
beforeEach(() => {
  bed = createBed();
});
afterEach(() => bed.dispose());

describe("a location that cannot be read is passed over, and the plan says so", () => {
  const gone = "location offsite is passed over: PersistentVolumeClaim offsite does not exist";

  test("because its claim is missing, or because it is not the place that the policy knows", async () => {
    const app = await backUpApp(bed, undefined);
    mkdirSync(app.context.roots.sink("vault"), { recursive: true });
    const locations = [{ name: "vault", uuid: "another" }, { name: "source" }];
    const planned = await plan({ ...app.tasks.plan, locations, passedOver: [gone] }, app.context);
    expect(planned).toMatchObject({ id: app.id, location: "source" });
    expect(planned.warnings).toEqual([gone, expect.stringMatching(/^location vault is passed over: .*vault/)]);
  });

  test("but when none is left, the plan fails and says why", async () => {
    const app = await backUpApp(bed, undefined);
    await expect(plan({ ...app.tasks.plan, locations: [], passedOver: [gone] }, app.context)).rejects.toMatchObject({
      code: "HO-R801",
      message: expect.stringContaining(gone),
    });
  });
});
