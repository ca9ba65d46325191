/**
 * The API server hangs for a minute, with one app in the freeze and two about as far in a restore and in a backup: none can be given
 * back meanwhile, and each is afterwards. And the installed controller killed and drained in a freeze.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { operatorNamespace } from "../../demo/stage.ts";
import { installReaper, stopApiServer } from "../support/api-server.ts";
import { claim, database, idle, lockTable, podSpec, policy, toolbox, workload } from "../support/app.ts";
import { Bed, stepOf, triesOf, waitUntil } from "../support/bed.ts";
import { crashController, killController, leader, scaleController, startOfController } from "../support/controller.ts";
import { expectWhole } from "../support/oracles.ts";
import { reportFigures } from "../support/report-figures.ts";
import { type Timeline, watchTimeline } from "../support/timeline.ts";

jest.setTimeout(900_000);

const command = "node test/run.ts cluster";
const apps = ["frozen", "restored", "moving"] as const;

let bed: Bed;
let timeline: Timeline;
let unlock: (() => Promise<void>) | undefined;

beforeAll(async () => {
  bed = await Bed.open("e2e-silence");
  await bed.apply(claim("store"), claim("vault"), ...database(), toolbox({ "/store": "store", "/vault": "vault" }));
  for (const name of apps)
    await bed.apply(claim(name), workload("Deployment", name, podSpec({ script: idle, claims: { "/data": name } })));
  await Promise.all([installReaper(bed), ...["db", "toolbox", ...apps].map((name) => bed.ready(name))]);
  await bed.sql("shop", "SET ROLE shop; CREATE TABLE orders AS SELECT generate_series(1, 1000) id");
  for (const name of apps) {
    await bed.sh(`deploy/${name}`, "echo text >/data/file");
    const volumes = [{ name: "data", claimName: name }];
    const databases = name === "frozen" ? {} : { databases: [] };
    await bed.apply(policy(name, { app: { workloads: [{ kind: "Deployment", name }] }, volumes, ...databases }));
  }
  await bed.run("first", "restored");
  await bed.sh("deploy/restored", "echo lost >/data/file");
  timeline = watchTimeline(bed);
});
afterAll(async () => {
  await unlock?.();
  await timeline?.stop();
  await bed?.close();
});

/** From a moment to the app's replicas, as the API shows them. */
const backAfter = (name: string, moment: number): number => {
  const back = timeline.scales.findLast((scale) => scale.name === name);
  expect(back?.replicas).toBe(1);
  return ((back?.at ?? 0) - moment) / 1_000;
};

test("the API server is silent for a minute, and every app is back after it", async () => {
  unlock = await lockTable(bed);
  await bed.start("frozen", "frozen");
  await bed.startRestore("restored", "restored", { from: { latest: true } });
  await bed.start("moving", "moving");
  await bed.step("frozen", "Capture", ["Running"]);
  // The session that holds up the capture is ended in the middle of the silence, so the app is due when nobody can be told.
  const returnedAt = await stopApiServer(bed, { seconds: 60, ends: "postgres: postgres shop ?local? SELECT" });
  unlock = undefined;
  const frozen = await bed.finished("frozen");
  expect(frozen.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
  expect((await bed.finished("moving")).status).toMatchObject({ result: "Complete", app: "Up", code: "" });
  const restored = await bed.finished("restored", "RestoreRequest");
  expect(restored.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
  expect(await bed.sh("deploy/restored", "cat /data/file")).toBe("text\n");
  await expectWhole(bed, apps, apps);
  reportFigures([
    { name: "cluster.giveback_after_outage_seconds", value: backAfter("frozen", returnedAt), unit: "s", command },
  ]);
});

test("the installed controller is killed in the freeze, and gives the app back as soon as it runs again", async () => {
  unlock = await lockTable(bed);
  await bed.start("killed", "frozen");
  await bed.step("killed", "Capture", ["Running"]);
  await killController(bed);
  await unlock();
  unlock = undefined;
  const run = await bed.finished("killed");
  expect(run.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
  await expectWhole(bed, apps, apps);
  const seconds = backAfter("frozen", await startOfController(bed));
  reportFigures([{ name: "cluster.giveback_after_restart_seconds", value: seconds, unit: "s", command }]);
});

test("the pod of the installed controller crashes in the freeze, and the one that comes after it gives the app back", async () => {
  unlock = await lockTable(bed);
  await bed.start("crashed", "frozen");
  await bed.step("crashed", "Capture", ["Running"]);
  await crashController(bed);
  const killedAt = Date.now();
  await unlock();
  unlock = undefined;
  const run = await bed.finished("crashed");
  expect(run.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
  expect(stepOf(run, "Capture")?.attempt).toBe(1);
  await expectWhole(bed, apps, apps);
  reportFigures([
    { name: "cluster.giveback_after_crash_seconds", value: backAfter("frozen", killedAt), unit: "s", command },
  ]);
});

test("of two controllers one works, and the other goes on when it is drained in the freeze", async () => {
  await scaleController(bed, 2);
  try {
    const first = await waitUntil(
      "one leads",
      () => leader(bed),
      (name) => name !== "",
    );
    unlock = await lockTable(bed);
    await bed.start("drained", "frozen");
    await bed.step("drained", "Capture", ["Running"]);
    expect(await leader(bed)).toBe(first);
    await bed.kubectl("-n", operatorNamespace, "delete", "pod", first, "--wait=false");
    await unlock();
    unlock = undefined;
    const run = await bed.finished("drained");
    expect(await leader(bed)).not.toBe(first);
    expect(run.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
    // What the first had begun went on without it.
    expect(run.status.steps.filter((step) => triesOf(step) !== 1)).toEqual([]);
    await expectWhole(bed, apps, apps);
  } finally {
    await scaleController(bed, 1);
  }
});
