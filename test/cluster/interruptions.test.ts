/**
 * A sample of what may die during a run, on a real cluster: the run ends Complete and the app is back, whatever was killed
 * and when. Every moment is tried in the simulated suites.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { installApp, policy } from "../support/app.ts";
import { Bed, type Task, pathOf, stepOf, waitUntil } from "../support/bed.ts";
import { crashController, dropController, leader, reaper, scaleController } from "../support/controller.ts";

jest.setTimeout(900_000);

let bed: Bed;
beforeAll(async () => {
  bed = await Bed.open("e2e-interruptions");
  await installApp(bed);
  await bed.apply(policy("shop"), reaper);
  await bed.ready("reaper");
});
afterAll(() => bed?.close());

// A crash costs the time of a lease, so the moments at which nothing new could happen get the quicker end.
const moments = [
  ["Warm", dropController],
  ["Quiesce", crashController],
  ["Capture", crashController],
  ["GiveBack", crashController],
  ["Seal", dropController],
  ["Transport/vault", crashController],
  ["Verify/vault", dropController],
  ["Prune/source", dropController],
] as const;

async function expectComplete(run: Task): Promise<void> {
  expect(run.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
  expect(run.status.copies?.map(({ state }) => state)).toEqual(["Verified", "Verified"]);
  await bed.ready("web");
  expect(await bed.list("Lease", "?labelSelector=backup.handover.dev/quiesce-record")).toEqual([]);
  const stored = await bed.sh("deploy/toolbox", "ls /vault/e2e-interruptions/shop/store");
  expect(stored).toContain(run.status.generation?.id);
}

test("the controller is killed while each step is under way", async () => {
  await bed.start("killed", "shop");
  const met: string[] = [];
  for (const [moment, kill] of moments) {
    const run = await bed.step("killed", moment, ["Running", "Waiting", "Done"]);
    await kill(bed);
    met.push(`${moment} ${stepOf(run, moment)?.state === "Done" ? "was missed" : "was under way"}`);
  }
  const run = await bed.finished("killed");
  expect(met).toEqual(moments.map(([moment]) => `${moment} was under way`));
  await expectComplete(run);
  // Nothing was done twice: what a dead controller had begun went on without it.
  expect(run.status.steps.filter(({ attempt = 1 }) => attempt !== 1)).toEqual([]);
});

test("the pod of a transport is deleted, and the transport is tried again", async () => {
  await bed.start("evicted", "shop");
  await bed.step("evicted", "Transport/vault", ["Running"]);
  const selector = "batch.kubernetes.io/job-name=evicted-transport-vault-1";
  const [pod] = await waitUntil(
    "there is a pod to delete",
    () => bed.list<{ readonly metadata: { readonly name: string } }>("Pod", `?labelSelector=${selector}`),
    (pods) => pods.length === 1,
  );
  // Not by kubectl: by the time that it has started, so small a transport is over.
  const { status } = await bed.api.call(
    "DELETE",
    `${pathOf("Pod", bed.namespace, pod?.metadata.name)}?gracePeriodSeconds=0`,
  );
  expect(status).toBe(200);
  const run = await bed.finished("evicted");
  await expectComplete(run);
  expect(stepOf(run, "Transport/vault")).toMatchObject({ state: "Done", attempt: 2 });
});

test("of two controllers one works, and the other goes on when it is drained", async () => {
  await scaleController(bed, 2);
  try {
    await waitUntil(
      "one leads",
      () => leader(bed),
      (name) => name !== "",
    );
    await bed.start("drained", "shop");
    await bed.step("drained", "Capture", ["Running"]);
    const first = await leader(bed);
    await bed.kubectl("-n", "handover-system", "delete", "pod", first, "--wait=false");
    const run = await bed.finished("drained");
    expect(await leader(bed)).not.toBe(first);
    await expectComplete(run);
    expect(run.status.steps.filter(({ attempt = 1 }) => attempt !== 1)).toEqual([]);
  } finally {
    await scaleController(bed, 1);
  }
});
