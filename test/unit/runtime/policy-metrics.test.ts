/** The gauges of a policy: what its runs and restores say of the app, whichever of them has looked at it last. */
import { expect, test } from "@jest/globals";
import type { BackupRun, RestoreRequest, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { Metrics } from "../../../operator/runtime/metrics.ts";
import { publishPolicy } from "../../../operator/runtime/policy-metrics.ts";
import { aPolicy, aRestore, aRun, at, doneStep } from "../../support/builders.ts";

type App = NonNullable<RunStatus["app"]>;
type Told = Pick<RunStatus, "app" | "times" | "steps">;
const time = (hour: number): string => `2026-11-21T${String(hour).padStart(2, "0")}:00:00.000Z`;
const stopped = (hour: number, app: App, step?: StepRecord): Told => ({
  app,
  times: { stopAt: time(hour) },
  steps: [step ?? doneStep("GiveBack", time(hour))],
});
const untouched = (hour: number, app: App): Told => ({ app, steps: [doneStep("Accept", time(hour))] });
const run = (hour: number, told: Told): BackupRun => aRun(`run-${hour}`).created(time(hour)).status(told).build();
const restore = (hour: number, told: Told): RestoreRequest => aRestore().created(time(hour)).status(told).build();

async function gauge(name: string, runs: readonly BackupRun[], restores: readonly RestoreRequest[]): Promise<number> {
  const metrics = new Metrics({ version: "1" });
  const seen = { policy: aPolicy().build(), runs, restores, takenNames: new Set<string>() };
  publishPolicy(metrics, seen, {}, at("12:00"));
  const line = (await metrics.render()).split("\n").find((text) => text.startsWith(`${name}{`));
  return Number(line?.split(" ").at(-1));
}

const held: StepRecord = { name: "GiveBack", state: "Waiting", startedAt: time(4), code: "HO-R804", message: "half" };
test.each<{ name: string; runs?: readonly BackupRun[]; restores?: readonly RestoreRequest[]; down: number }>([
  { name: "nothing is known: not down", down: 0 },
  { name: "a run left it down", runs: [run(1, stopped(1, "Down"))], down: 1 },
  {
    name: "a run left it down, and the next was refused or did not look",
    runs: [run(1, stopped(1, "Down")), run(2, untouched(2, "Unknown"))],
    down: 1,
  },
  {
    name: "a run left it down, and the next has seen it up",
    runs: [run(1, stopped(1, "Down")), run(2, untouched(2, "Up"))],
    down: 0,
  },
  { name: "a restore holds it half exchanged", restores: [restore(4, stopped(4, "Down", held))], down: 1 },
  {
    name: "a restore that was created before a run and carried out after it counts as the later one",
    runs: [run(3, stopped(3, "Up"))],
    restores: [restore(1, stopped(4, "Down", held))],
    down: 1,
  },
  {
    name: "a run after a restore has brought it back",
    runs: [run(5, stopped(5, "Up"))],
    restores: [restore(4, stopped(4, "Down"))],
    down: 0,
  },
])("handover_app_down: $name", async ({ runs = [], restores = [], down }) => {
  expect(await gauge("handover_app_down", runs, restores)).toBe(down);
  expect(await gauge("handover_app_down", runs.toReversed(), restores)).toBe(down);
});

test("handover_app_stopped_seconds counts from the stop, of a run or of a restore", async () => {
  expect(await gauge("handover_app_stopped_seconds", [run(11, stopped(11, "Stopped"))], [])).toBe(3_600);
  expect(await gauge("handover_app_stopped_seconds", [], [restore(10, stopped(10, "Stopped"))])).toBe(7_200);
  expect(await gauge("handover_app_stopped_seconds", [run(11, stopped(11, "Up"))], [])).toBe(0);
});
