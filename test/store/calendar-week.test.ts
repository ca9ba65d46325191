/**
 * A week of the handbook's calendar in virtual time with real captures: the controller in the simulated cluster decides what runs when,
 * the steps of its Jobs work on real directories and a real database, and the app changes in between. A night is missed, the vault is
 * away for a day, and what a night is to be based on gets damaged. After each run whatever lies in view can be restored.
 */
import { afterAll, expect, jest, test } from "@jest/globals";
import { mkdirSync, renameSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { BackupRun } from "../../operator/api/kinds.ts";
import { holdsVolumes } from "../../operator/domain/generation.ts";
import type { Instant } from "../../operator/domain/instant.ts";
import { volumeArchive } from "../../operator/mover/store/layout.ts";
import type { GenerationEntry } from "../../operator/mover/store/listing.ts";
import { at } from "../support/builders.ts";
import { randomOf } from "../support/mutations.ts";
import { Eyes, type Place } from "./calendar/restorable.ts";
import { Shop } from "./calendar/shop.ts";
import { leaveTally } from "./calendar/tally.ts";
import { Week } from "./calendar/week.ts";

jest.setTimeout(3_600_000);

/** Of a year in which every real file is old, and with a Tuesday as the first of December. */
const on = (day: string, clock: string): Instant => at(clock, `2093-${day}`);
const hour = 3_600_000;
const [begin, end] = [on("11-25", "00:30"), on("12-02", "02:30")];

const shop = await Shop.open(20_261_125);
// The calendar alone: real processes and timers take the time that they take.
jest.useFakeTimers({
  now: begin,
  doNotFake: [
    "hrtime",
    "nextTick",
    "performance",
    "queueMicrotask",
    "setImmediate",
    "clearImmediate",
    "setInterval",
    "clearInterval",
    "setTimeout",
    "clearTimeout",
  ],
});
afterAll(async () => {
  jest.useRealTimers();
  await shop.close();
});
const week = new Week(shop, begin);
const eyes = new Eyes(shop, { namespace: "shop", policy: "shop", policyUID: "shop-policy-uid" });
const random = randomOf(7);
const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];

type View = ReadonlyMap<string, GenerationEntry>;
/** What was found to be wrong, when and where. */
const wrong: string[] = [];
let away = false;
/** Damaged by us at the source: whatever is based on it there is lost there. */
let damaged = "";
const isSpoilt = ({ id, manifest }: GenerationEntry): boolean =>
  id === damaged || manifest.chain.some((member) => member.id === damaged);

async function restore(id: string, views: ReadonlyMap<Place, View>): Promise<void> {
  const state = week.movers.made.get(id);
  const found = pick(
    [...views]
      .flatMap(([place, view]) => [...view.values()].map((one) => ({ place, one })))
      .filter(({ one }) => one.id === id),
  );
  if (state === undefined || found === undefined) return void wrong.push(`${id} is nowhere in view`);
  const difference = await eyes.restore(found.one, found.place, state);
  if (difference !== undefined) wrong.push(`${id} at ${found.place}: ${difference}`);
}

async function look(run: BackupRun): Promise<void> {
  const views = new Map<Place, View>();
  for (const place of ["source", "archive", ...(away ? [] : (["vault"] as const))] as const) {
    const all = await eyes.view(place);
    const view = place === "source" ? new Map([...all].filter(([, one]) => !isSpoilt(one))) : all;
    wrong.push(...eyes.broken(view).map((id) => `${id} at ${place} after ${run.metadata.name}`));
    views.set(place, view);
  }
  const { id } = run.status?.generation ?? {};
  if (id === undefined) return;
  // One dump is like the other: to load each of them would take as long as everything else.
  if (run.spec.type !== "Database" || week.movers.made.size % 4 === 0) await restore(id, views);
  if (!holdsVolumes(run.spec.type)) return;
  const others = [...views.values()].flatMap((view) => [...view.values()]);
  const older = pick(others.filter((one) => one.id !== id && holdsVolumes(one.manifest.type)));
  if (older !== undefined) await restore(older.id, views);
}

const vault = join(shop.bed.root, "sinks/vault");
const stateRuns = (): readonly BackupRun[] => week.finished.filter(({ spec }) => holdsVolumes(spec.type));
const resultsNow = (): readonly string[] => [...new Set(week.runs.map(({ status }) => status?.result ?? "none"))];

/** What happens beside the calendar, at half past. */
const happenings: Readonly<Record<string, () => Promise<void> | void>> = {
  "11-25T12": () => {
    renameSync(vault, `${vault}-away`);
    mkdirSync(vault);
    away = true;
  },
  "11-26T12": () => {
    expect(resultsNow()).toContain("AtRisk");
    rmSync(vault, { recursive: true });
    renameSync(`${vault}-away`, vault);
    away = false;
  },
  // What is late has come with the next run.
  "11-26T18": () => expect(resultsNow()).toEqual(["Complete"]),
  "11-27T05": async () => {
    const [, middle, last] = stateRuns().map(({ status }) => status?.generation?.id ?? "");
    const view = await eyes.view("vault");
    expect(view.get(last ?? "")?.manifest.chain.map(({ id }) => id)).toContain(middle);
    const generation = view.get(middle ?? "");
    const state = week.movers.made.get(middle ?? "");
    if (generation === undefined || state === undefined) throw new Error("the second night is not there");
    expect(generation.manifest.chain).toHaveLength(1);
    expect(eyes.byScript(generation, state)).toBeUndefined();
  },
  "11-27T23": () => week.switchOff(),
  "11-28T08": () => week.switchOn(),
  "11-28T09": () =>
    expect(week.policy?.status?.schedules?.find(({ name }) => name === "nightly")?.skipped).toBe(
      "missed by more than startingDeadline",
    ),
  "11-29T20": async () => {
    damaged = stateRuns().at(-1)?.status?.generation?.id ?? "";
    const path = (await eyes.view("source")).get(damaged)?.path ?? "";
    const archive = join(path, volumeArchive("uploads"));
    truncateSync(archive, statSync(archive).size - 1);
    eyes.forget(path);
  },
};

test("a week: whatever lies there can be restored after each run, and the calendar is kept", async () => {
  for (let now = begin; now < end; now += hour) {
    const count = (now - begin) / hour;
    await happenings[new Date(now).toISOString().slice(5, 13)]?.();
    if (count % 3 === 0) for (let change = 0; change < 4; change += 1) shop.changeFiles();
    if (count % 17 === 0) shop.editConfiguration(`${count}`);
    if (count % 37 === 0) shop.setSetting(`${count}`);
    await shop.takeOrders();
    await week.until(now + hour, look);
  }
  const unrestorable = new Set(wrong.map((text) => text.split(" ")[0])).size;
  leaveTally("calendar-week", { generations: week.movers.made.size, restores: eyes.restores, unrestorable });
  expect(wrong).toEqual([]);

  const told = stateRuns().map(({ spec, status }) =>
    [spec.scheduleName, spec.scheduledFor?.slice(5, 10), status?.generation?.type, status?.result].join(" "),
  );
  expect(told).toEqual([
    "nightly 11-25 Full Complete",
    "nightly 11-26 Incremental AtRisk",
    "nightly 11-27 Incremental Complete",
    "noon 11-28 Differential Complete",
    "weekly 11-29 Full Complete",
    "nightly 11-30 Full Complete",
    "monthly 12-01 Full Complete",
    "nightly 12-02 Incremental Complete",
  ]);
  const messages = week.scenario.world.events
    .filter(({ reason }) => reason === "FullInstead")
    .map(({ message }) => message);
  expect(messages).toEqual([
    expect.stringContaining("there is no generation yet"),
    expect.stringContaining(`generation ${damaged} is not whole: volumes/uploads.tar.zst`),
  ]);
  // Four a day, without that for which nobody was there.
  expect(week.finished.filter(({ spec }) => spec.type === "Database")).toHaveLength(7 * 4 - 1);
  expect(resultsNow()).toEqual(["Complete"]);
  expect((await eyes.view("source")).has(damaged)).toBe(false);
  const monthly = stateRuns().find(({ spec }) => spec.scheduleName === "monthly")?.status?.generation?.id ?? "";
  expect((await eyes.view("archive")).has(monthly)).toBe(true);
});
