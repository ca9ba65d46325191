/**
 * The controller killed with SIGKILL before and after every write of a backup and of a restore: the app comes back each time, and
 * both end as if nothing had happened. Meanwhile a third app, whose controller went for ever in the freeze, waits for its guard.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { installChart, operatorNamespace } from "../../demo/stage.ts";
import { installApp, lockTable, policy } from "../support/app.ts";
import { Bed, type Task, stage, triesOf, waitUntil } from "../support/bed.ts";
import { type FragileController, startFragile } from "../support/fragile-controller.ts";
import { expectWhole, strandedness } from "../support/oracles.ts";
import { reportFigures } from "../support/report-figures.ts";
import { type Timeline, watchTimeline } from "../support/timeline.ts";
import type { Point } from "../support/write-gate.ts";

jest.setTimeout(900_000);

const command = "node test/run.ts cluster";
const of = stage();
const points = ["before", "after"] as const;
/** Of the app whose controller never comes back. */
const budget = 15;

interface Story {
  readonly bed: Bed;
  readonly controller: FragileController;
  readonly timeline: Timeline;
  readonly stranded: readonly string[];
  readonly run: Task;
  readonly restore: Task;
}

const beds = new Map<string, Bed>();
const stories = new Map<Point, Promise<Story>>();
let guarded: Promise<{ readonly secondsOverBudget: number }>;
let unlock: (() => Promise<void>) | undefined;
/** Of the installed controller. */
const gone = Promise.withResolvers<void>();

const bedOf = (name: string): Bed => {
  const bed = beds.get(name);
  if (bed === undefined) throw new Error(`there is no bed ${name}`);
  return bed;
};

beforeAll(async () => {
  await Promise.all(
    [...points, "guard"].map(async (name) => {
      const bed = await Bed.open(`e2e-kills-${name}`);
      beds.set(name, bed);
      await installApp(bed);
    }),
  );
  guarded = beLeftAlone(bedOf("guard"));
  guarded.catch(() => "told by the test that waits for it");
  // The chart goes when its app is down, and only then may others work.
  await Promise.race([gone.promise, guarded]);
  for (const point of points) {
    const story = tell(bedOf(point), point);
    story.catch(() => "told by the test that waits for it");
    stories.set(point, story);
  }
});
afterAll(async () => {
  await unlock?.();
  await installChart(of);
  await Promise.all([...beds.values()].map((bed) => bed.close()));
  await of.api.close();
});

/** Uninstalled without its hook, which would give the app back at once. */
async function beLeftAlone(bed: Bed): Promise<{ readonly secondsOverBudget: number }> {
  await bed.apply(policy("shop", { app: { maxDowntime: `${budget}s` } }));
  unlock = await lockTable(bed);
  const timeline = watchTimeline(bed);
  await bed.start("orphan", "shop");
  await bed.step("orphan", "Capture", ["Running"]);
  await of.helm("uninstall", "handover", "--namespace", operatorNamespace, "--no-hooks", "--wait");
  gone.resolve();
  expect((await guardsOf(bed)).length).toBe(5);
  expect(await strandedness(bed)).toBeUndefined();
  await bed.ready("web");
  await timeline.stop();
  const changes = timeline.scales.filter(({ name }) => name === "web");
  expect(changes.map(({ replicas }) => replicas)).toEqual([1, 0, 1]);
  const [, down, up] = changes;
  return { secondsOverBudget: ((up?.at ?? 0) - (down?.at ?? 0)) / 1_000 - budget };
}

/** Everything of the guard, with its pod. */
async function guardsOf(bed: Bed): Promise<readonly string[]> {
  const kinds = "serviceaccounts,roles,rolebindings,jobs,pods";
  const names = await bed.k("get", kinds, "-l", "backup.handover.dev/guard", "-o", "name");
  return names.split("\n").filter((name) => name !== "");
}

/** A backup and a restore under a controller that is killed once at each of their writes. */
async function tell(bed: Bed, point: Point): Promise<Story> {
  const stranded: string[] = [];
  const met = new Set<string>();
  await bed.apply(policy("shop"));
  const timeline = watchTimeline(bed);
  const controller = await startFragile(bed, {
    strike: ({ what }) => {
      if (met.has(what)) return undefined;
      met.add(what);
      return point;
    },
    inspect: async ({ what }) => {
      const trouble = await strandedness(bed);
      if (trouble !== undefined) stranded.push(`killed ${point} ${what}: ${trouble}`);
    },
  });
  try {
    await bed.start("killed", "shop");
    const run = await bed.finished("killed", "BackupRun", 400);
    await bed.sh("deploy/web", "rm -r /uploads/docs");
    await bed.startRestore("back", "shop", { from: { latest: true, location: "vault" } });
    const restore = await bed.finished("back", "RestoreRequest", 400);
    await expectWhole(bed, ["web"], ["shop"]);
    return { bed, controller, timeline, stranded, run, restore };
  } finally {
    await timeline.stop();
    await controller.stop();
  }
}

const storyOf = async (point: Point): Promise<Story> => {
  const story = await stories.get(point);
  if (story === undefined) throw new Error(`there is no story of ${point}`);
  return story;
};

test.each(points)(
  "killed %s each write, the run is complete and the app back; nothing was done twice",
  async (point) => {
    const { bed, run, stranded } = await storyOf(point);
    expect(stranded).toEqual([]);
    expect(run.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
    expect(run.status.copies?.map(({ state }) => state)).toEqual(["Verified", "Verified"]);
    expect(run.status.steps.filter((step) => step.state !== "Done" || triesOf(step) !== 1)).toEqual([]);
    expect(
      (await bed.sh("deploy/toolbox", "ls /vault/*/shop/store /store/*/shop/store")).match(/^\d{6}-/gm),
    ).toHaveLength(2);
  },
);

test.each(points)("killed %s each write, the restore is complete and the app back on what it had", async (point) => {
  const { bed, restore } = await storyOf(point);
  expect(restore.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
  expect(await bed.sh("deploy/web", "cat /uploads/docs/a.txt")).toBe("text\n");
  expect(await bed.sql("shop", "SELECT count(*) FROM orders")).toBe("1000");
  expect(await bed.sql("postgres", "SELECT count(*) FROM pg_database WHERE NOT datistemplate")).toBe("2");
});

test("every step was met before and after it was recorded to run and to be done", async () => {
  const steps = [
    "Preflight",
    "Warm",
    "Quiesce",
    "Capture",
    "GiveBack",
    "Seal",
    "Transport/vault",
    "Verify/vault",
  ].concat(["Prune/source", "Prune/vault", "Plan", "Stage", "Swap", "Cleanup"]);
  for (const point of points) {
    const { controller } = await storyOf(point);
    const facts = new Set(controller.kills.flatMap(({ what }) => what.replace(/^record /, "").split(", ")));
    const missed = steps
      .flatMap((step) => ["Running", "Done"].map((state) => `${step} ${state}`))
      .filter((fact) => !facts.has(fact));
    expect(missed).toEqual([]);
    const acts = [
      "create hold Intent",
      "update hold Stopping",
      "scale to 0",
      "update hold Down",
      "update hold Restoring",
      "scale to 1",
      "delete hold",
    ];
    expect(acts.filter((act) => !facts.has(act))).toEqual([]);
  }
});

test("an app whose chart is uninstalled in the freeze, without its hook, comes back by its guard", async () => {
  const { secondsOverBudget } = await guarded;
  const bed = bedOf("guard");
  await waitUntil(
    "record and guard are gone",
    () => guardsOf(bed),
    (left) => left.length === 0,
  );
  expect(await bed.list("Lease", "?labelSelector=backup.handover.dev/quiesce-record")).toEqual([]);
  await unlock?.();
  unlock = undefined;
  await installChart(of);
  const { status } = await bed.finished("orphan");
  expect(status).toMatchObject({ result: "Failed", app: "Up" });
  const next = await bed.run("next", "shop");
  expect(next.status.result).toBe("Complete");
  await expectWhole(bed, ["web"], ["shop"]);
  reportFigures([{ name: "cluster.guard_seconds_over_budget", value: secondsOverBudget, unit: "s", command }]);
});

test("figures: how often, and how soon the app was given back", async () => {
  const told = await Promise.all(points.map(storyOf));
  const kills = told.map(({ controller }) => controller.kills.length);
  const delays = told.flatMap(giveBacks);
  reportFigures([
    { name: "cluster.kills", value: kills.reduce((a, b) => a + b, 0), unit: "kills of the controller", command },
    { name: "cluster.stranded", value: told.flatMap(({ stranded }) => stranded).length, unit: "apps", command },
    {
      name: "cluster.giveback_after_start_seconds_max",
      value: Math.max(...delays.map(({ sinceStart }) => sinceStart)),
      unit: "s",
      command,
    },
    {
      name: "cluster.giveback_seconds_max",
      value: Math.max(...delays.map(({ sinceHeard }) => sinceHeard)),
      unit: "s",
      command,
    },
  ]);
  expect(Math.min(...kills)).toBeGreaterThanOrEqual(40);
});

/** From the moment at which the app was due and somebody was there to the write that scales it up. */
function giveBacks({
  controller,
  timeline,
}: Story): readonly { readonly sinceStart: number; readonly sinceHeard: number }[] {
  const due = timeline.ends
    .filter(({ container }) => container === "release" || container === "swap")
    .map(({ at }) => at);
  const ups = controller.writes.filter(({ what }) => what === "scale to 1").map(({ at }) => at);
  return ups.map((at) => {
    const since = Math.max(...due.filter((moment) => moment <= at));
    const life = controller.lives.findLast(({ startedAt }) => startedAt <= at);
    return {
      sinceStart: (at - Math.max(since, life?.startedAt ?? 0)) / 1_000,
      sinceHeard: (at - Math.max(since, life?.heardAt ?? 0)) / 1_000,
    };
  });
}
