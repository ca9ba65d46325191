/** Which generation a plan takes, and from where: real backups of volumes, no database. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { mkdirSync } from "node:fs";
import { basename } from "node:path";
import type { ResultOf } from "../../operator/contract/result.ts";
import type { VolumeRef } from "../../operator/contract/task.ts";
import { plan } from "../../operator/mover/steps/plan.ts";
import { type MoverBed, backUp, common, createBed, uploads } from "../support/mover-bed.ts";
import { backUpApp } from "../support/restore-bed.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(240_000);

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

describe("a generation that is named", () => {
  const attic: VolumeRef = { ...uploads, name: "attic", claimName: "shop-attic" };
  const cellar: VolumeRef = { ...uploads, name: "cellar", claimName: "shop-cellar" };
  /** It has uploads and attic. */
  async function planNamed(asked: readonly VolumeRef[], included: boolean): Promise<ResultOf<"plan">> {
    mkdirSync(bed.volume("attic"));
    const id = basename(await backUp(bed, { volumes: [uploads, attic] }));
    const from = { generation: id };
    const task = {
      databases: [],
      volumes: [...asked],
      included,
      from,
      locations: [{ name: "source" }],
      passedOver: [],
    };
    return await plan({ ...common, ...task, step: "plan" }, bed.context("restore-pod"));
  }

  test("gives what it has of the policy; the plan says what it lacks, and what the policy has no place for", async () => {
    const planned = await planNamed([uploads, cellar], false);
    expect(planned).toMatchObject({ databases: [], volumes: ["uploads"] });
    expect(planned.warnings).toEqual([
      "the generation has no volume cellar, which stays as it is",
      "volume attic is not in the policy and is not restored",
    ]);
  });
  test.each([
    { name: "all that the request includes", asked: [uploads, cellar], included: true },
    { name: "anything of the policy", asked: [cellar], included: false },
  ])("is refused when it has not $name", async ({ asked, included }) => {
    await expect(planNamed(asked, included)).rejects.toMatchObject({
      code: "HO-R805",
      message: expect.stringMatching(/has no volume cellar; it has volume uploads, volume attic$/),
    });
  });
});
