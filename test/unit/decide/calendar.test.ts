/** The calendar of the samples in virtual time, over a month that begins with a Sunday and a clock change: which run starts when. */
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { parse } from "yaml";
import type { BackupPolicy, BackupRun, PolicySpec } from "../../../operator/api/kinds.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { type GenerationType, formatGenerationId, holdsVolumes } from "../../../operator/domain/generation.ts";
import { type Instant, formatInstant } from "../../../operator/domain/instant.ts";
import { aPolicy, aRun, at } from "../../support/builders.ts";

type Schedule = NonNullable<PolicySpec["schedules"]>[number];
type Created = BackupRun["spec"];
interface Sample {
  readonly spec: {
    readonly schedules: readonly Schedule[];
    readonly sinks: readonly { name: string; claim: { claimName: string }; required?: boolean }[];
  };
}
const { spec } = parse(
  readFileSync(new URL("../../../manifests/samples/policy-calendar.yaml", import.meta.url), "utf8"),
) as Sample;

const minute = 60_000;
const minutesOf: Readonly<Record<GenerationType, number>> = {
  Full: 40,
  Differential: 20,
  Incremental: 10,
  Database: 3,
  Config: 1,
};
/** In a run, from its creation to the moment that its state is of. */
const untilCapture = 2 * minute;

interface Started {
  readonly schedule: string;
  readonly type: GenerationType;
  readonly at: Instant;
}

/** All that starts, in order, each run for as long as its type takes. @param fails runs that leave no generation */
function live(
  from: Instant,
  until: Instant,
  schedules = spec.schedules,
  fails: (started: Started) => boolean = () => false,
): readonly Started[] {
  let policy: BackupPolicy = aPolicy()
    .sinks(...spec.sinks.map((one) => ({ verify: "Full" as const, required: true, ...one })))
    .schedules(...schedules.map((one) => ({ ...one, startingDeadline: one.startingDeadline ?? "6h" })))
    .build();
  const story: Started[] = [];
  let runs: readonly BackupRun[] = [];
  for (let now = from; now < until;) {
    const seen = { policy, runs, restores: [], takenNames: new Set<string>() };
    const { status, actions, wakeAfter = minute } = decidePolicy(seen, now);
    policy = { ...policy, status };
    const start = actions.find((action) => action.do === "createRun");
    if (start === undefined) {
      now += Math.max(wakeAfter, 1);
      continue;
    }
    const { type, scheduleName = "", scheduledFor = "", sinks } = start.spec as Created;
    const started = { schedule: scheduleName, type, at: now };
    story.push(started);
    const run = aRun(start.name).of(type).slot(scheduleName, scheduledFor).created(formatInstant(now));
    const id = formatGenerationId(story.length, formatInstant(now + untilCapture), type);
    const places = ["source", ...(sinks.length > 0 ? sinks : spec.sinks.map(({ name }) => name))];
    const copies = places.map((location) => ({ location, state: "Verified" as const, required: true }));
    const over = fails(started) ? run.finished("Failed") : run.finished("Complete", id, { copies });
    runs = [...runs.slice(-40), over.build()];
    now += minutesOf[type] * minute;
  }
  return story;
}

const berlin = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Berlin", dateStyle: "short", timeStyle: "short" });
const local = (moment: Instant): string => berlin.format(moment);
const stops = (story: readonly Started[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    story.filter(({ type }) => holdsVolumes(type)).map((one) => [local(one.at).slice(5, 16), one.schedule]),
  );
const days = (from: Instant, count: number): Instant => from + count * 24 * 60 * minute;
const stopping = spec.schedules.filter(({ type }) => holdsVolumes(type));

test("one stop a day, at two in the morning: the full one of the week or the month, or what differs", () => {
  const from = at("12:00", "2026-10-17");
  const story = live(from, days(from, 24), stopping);
  const found = stops(story);
  const full: Readonly<Record<string, string>> = {
    "10-18": "weekly",
    "10-25": "weekly",
    "11-01": "monthly",
    "11-08": "weekly",
  };
  expect(Object.keys(found).length).toBe(24);
  for (const [when, schedule] of Object.entries(found))
    expect([when, schedule]).toEqual([`${when.slice(0, 5)} 02:00`, full[when.slice(0, 5)] ?? "nightly"]);
  expect(story.length).toBe(24);
});

test("a dump for every hour, also for the one in which the app is stopped, and never one beside it", () => {
  // The local day has 25 hours, and a full run at two.
  const from = at("12:00", "2026-10-24");
  const story = live(from, days(from, 1));
  const dumps = story.filter(({ type }) => type === "Database").map((one) => local(one.at).slice(11));
  const before = ["21:00", "22:00", "23:00", "00:00", "01:00"];
  // It waits for the full run. Then the hour from two to three comes once more.
  expect(dumps.slice(6, 14)).toEqual([...before, "02:40", "02:00", "03:00"]);
  expect(dumps.length).toBe(23);
  expect(stops(story)).toEqual({ "10-25 02:00": "weekly" });
});

test("when the full one of a week fails, what differs is stored in that night all the same", () => {
  const from = at("12:00", "2026-10-17");
  const story = live(from, days(from, 2), stopping, ({ schedule }) => schedule === "weekly");
  expect(stops(story)).toMatchObject({ "10-18 02:00": "weekly", "10-18 02:40": "nightly", "10-19 02:00": "nightly" });
});
