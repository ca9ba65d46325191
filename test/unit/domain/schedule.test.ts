/** Slots: in every time zone each local time once, whatever its clocks do; forwards and backwards the same. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import {
  checkSchedule,
  identityOf,
  latestSlot,
  nextSlot,
  type Schedule,
  slotLabel,
} from "../../../operator/domain/schedule.ts";

const iso = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString().slice(0, 16);
const day = 86_400_000;

/** All slots after one moment and up to another. */
function slotsOf(schedule: Schedule, from: number, to: number): readonly number[] {
  const found: number[] = [];
  for (let at = nextSlot(schedule, from); at !== undefined && at <= to; at = nextSlot(schedule, at)) found.push(at);
  return found;
}
/** The clock on the wall there. */
const wall = (at: number, timeZone: string): string =>
  new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" }).format(at);

interface Change {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly from: string;
  /** In UTC. */
  readonly slots: readonly string[];
}
const changes: readonly Change[] = [
  {
    name: "Berlin, 02:30 is skipped: at the end of the gap",
    cron: "30 2 * * *",
    timeZone: "Europe/Berlin",
    from: "2026-03-28T12:00Z",
    slots: ["2026-03-29T01:00", "2026-03-30T00:30"],
  },
  {
    name: "Berlin, 02:30 is doubled: the first of the two",
    cron: "30 2 * * *",
    timeZone: "Europe/Berlin",
    from: "2026-10-24T12:00Z",
    slots: ["2026-10-25T00:30", "2026-10-26T01:30"],
  },
  {
    name: "Berlin, 03:00 follows the gap: once",
    cron: "0 3 * * *",
    timeZone: "Europe/Berlin",
    from: "2026-03-28T12:00Z",
    slots: ["2026-03-29T01:00", "2026-03-30T01:00"],
  },
  {
    name: "Berlin, every hour through the gap",
    cron: "0 * * * *",
    timeZone: "Europe/Berlin",
    from: "2026-03-28T23:30Z",
    slots: ["2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T02:00"],
  },
  {
    name: "Berlin, every hour through the overlap",
    cron: "0 * * * *",
    timeZone: "Europe/Berlin",
    from: "2026-10-24T23:30Z",
    slots: ["2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00"],
  },
  {
    name: "Lord Howe, a gap of half an hour",
    cron: "15 2 * * *",
    timeZone: "Australia/Lord_Howe",
    from: "2026-10-03T00:00Z",
    slots: ["2026-10-03T15:30", "2026-10-04T15:15"],
  },
  {
    name: "Lord Howe, an overlap of half an hour",
    cron: "45 1 * * *",
    timeZone: "Australia/Lord_Howe",
    from: "2026-04-04T00:00Z",
    slots: ["2026-04-04T14:45", "2026-04-05T15:15"],
  },
  {
    name: "Santiago, midnight is skipped",
    cron: "0 0 * * *",
    timeZone: "America/Santiago",
    from: "2026-09-05T12:00Z",
    slots: ["2026-09-06T04:00", "2026-09-07T03:00"],
  },
  {
    name: "Santiago, 23:30 is doubled",
    cron: "30 23 * * *",
    timeZone: "America/Santiago",
    from: "2026-04-04T12:00Z",
    slots: ["2026-04-05T02:30", "2026-04-06T03:30"],
  },
  {
    name: "UTC knows no changes",
    cron: "30 2 * * *",
    timeZone: "Etc/UTC",
    from: "2026-03-28T12:00Z",
    slots: ["2026-03-29T02:30", "2026-03-30T02:30"],
  },
  {
    name: "the 29th of February",
    cron: "0 4 29 2 *",
    timeZone: "Europe/Berlin",
    from: "2026-01-01T00:00Z",
    slots: ["2028-02-29T03:00", "2032-02-29T03:00"],
  },
];

describe("when clocks change", () => {
  test.each(changes)("$name", ({ cron, timeZone, from, slots }) => {
    let at = Date.parse(from);
    for (const slot of slots) {
      const next = nextSlot({ cron, timeZone }, at);
      expect(iso(next)).toBe(slot);
      expect(iso(latestSlot({ cron, timeZone }, at, next! + 1))).toBe(slot);
      at = next!;
    }
  });
});

const zones = fc.constantFrom("Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "Etc/UTC");
const daily = fc
  .record({ hour: fc.integer({ min: 0, max: 23 }), minute: fc.integer({ min: 0, max: 59 }), timeZone: zones })
  .map(({ hour, minute, timeZone }) => ({ cron: `${minute} ${hour} * * *`, timeZone }));
const any = fc.oneof(
  daily,
  zones.map((timeZone) => ({ cron: "*/20 * * * *", timeZone })),
  zones.map((timeZone) => ({ cron: "0 3 * * 0", timeZone })),
);
const starts = fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2030, 0) });

describe("slots", () => {
  test("of a day come once on each local day, in spring and in autumn, too", () => {
    fc.assert(
      fc.property(daily, fc.integer({ min: 2024, max: 2030 }), fc.constantFrom(2, 3, 8, 9), (schedule, year, month) => {
        const from = Date.UTC(year, month);
        const days = slotsOf(schedule, from, from + 35 * day).map((at) => wall(at, schedule.timeZone).slice(0, 10));
        expect(new Set(days).size).toBe(days.length);
        const steps = days.slice(1).map((text, index) => Date.parse(text) - Date.parse(days[index]!));
        expect(steps.filter((step) => step !== day)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
  test("lie after the moment asked for, on whole minutes", () => {
    fc.assert(
      fc.property(any, starts, (schedule, from) => {
        const next = nextSlot(schedule, from);
        expect(next).toBeGreaterThan(from);
        expect(next! % 60_000).toBe(0);
      }),
    );
  });
  test("are found backwards as forwards", () => {
    fc.assert(
      fc.property(any, starts, fc.integer({ min: 0, max: 10 * day }), (schedule, from, wait) => {
        expect(latestSlot(schedule, from, from + wait)).toBe(slotsOf(schedule, from, from + wait).at(-1));
      }),
      { numRuns: 60 },
    );
  });
  test("at the very moment are due, and are not found twice", () => {
    const schedule = { cron: "0 2 * * *", timeZone: "Etc/UTC" };
    const two = Date.parse("2026-11-21T02:00Z");
    expect(latestSlot(schedule, two - 1, two)).toBe(two);
    expect(latestSlot(schedule, two - 1, two - 1)).toBeUndefined();
    expect(latestSlot(schedule, two, two + 1)).toBeUndefined();
    expect(nextSlot(schedule, two)).toBe(two + day);
  });
  test("that never come have not come either", () => {
    const never = { cron: "0 0 30 2 *", timeZone: "Etc/UTC" };
    expect(latestSlot(never, 0, Date.parse("2026-11-21T00:00Z"))).toBeUndefined();
    expect(nextSlot(never, Date.parse("2026-11-21T00:00Z"))).toBeUndefined();
  });
  test("have labels of their own, also where the clock on the wall shows a time twice", () => {
    const list = slotsOf(
      { cron: "*/30 * * * *", timeZone: "Europe/Berlin" },
      Date.parse("2026-10-24T20:00Z"),
      Date.parse("2026-10-25T06:00Z"),
    );
    const names = list.map((at) => slotLabel(new Date(at).toISOString()));
    expect(new Set(names).size).toBe(names.length);
    expect(names[0]).toBe("20261024-2030");
  });
});

describe("slots of an interval", () => {
  const every: Schedule = { timeZone: "Etc/UTC", onChange: { interval: "10m" } };
  const of = (clock: string): number => Date.parse(`2026-11-21T${clock}:00Z`);
  test.each([
    { clock: "01:03", next: "01:10", latest: "01:00" },
    { clock: "01:09", next: "01:10", latest: "01:00" },
    { clock: "01:10", next: "01:20", latest: "01:10" },
    { clock: "01:11", next: "01:20", latest: "01:10" },
  ])("lie on its multiples: at $clock, $latest is over and $next comes", ({ clock, next, latest }) => {
    expect(nextSlot(every, of(clock))).toBe(of(next));
    expect(latestSlot(every, of("00:30"), of(clock))).toBe(of(latest));
  });
  test("are not found twice, and not before the schedule began", () => {
    expect(latestSlot(every, of("01:10") - 1, of("01:15"))).toBe(of("01:10"));
    expect(latestSlot(every, of("01:10"), of("01:15"))).toBeUndefined();
    expect(latestSlot(every, of("01:12"), of("01:15"))).toBeUndefined();
  });
});

test("a schedule is another one with other slots, and the same with another time limit", () => {
  const cron = { cron: "0 2 * * *", timeZone: "Europe/Berlin" };
  const every = { timeZone: "Europe/Berlin", onChange: { interval: "10m" } };
  const all = [
    cron,
    { ...cron, cron: "0 3 * * *" },
    { ...cron, timeZone: "Etc/UTC" },
    every,
    { ...every, onChange: { interval: "5m" } },
  ];
  expect(new Set(all.map(identityOf)).size).toBe(all.length);
  expect(identityOf({ ...every, timeZone: "Etc/UTC" })).toBe(identityOf(every));
  // On record in statuses: with another text every schedule would begin anew.
  expect([cron, every].map(identityOf)).toEqual(["0 2 * * * Europe/Berlin", "every 10m"]);
});

describe("a schedule that cannot work is found out", () => {
  test("but none of an interval, which needs no time zone and always comes", () => {
    const every: Schedule = { timeZone: "Europe/Atlantis", onChange: { interval: "10m" } };
    expect(checkSchedule(every, Date.parse("2026-11-21T00:00Z"))).toBeUndefined();
  });
  test.each([
    { cron: "0 2 * * *", timeZone: "Europe/Berlin", problem: undefined },
    { cron: "0 0 29 2 *", timeZone: "Etc/UTC", problem: undefined },
    { cron: "0 2 * * *", timeZone: "Europe/Atlantis", problem: "UnknownTimeZone" },
    { cron: "0 0 30 2 *", timeZone: "Etc/UTC", problem: "ScheduleNeverFires" },
    { cron: "0 25 * * *", timeZone: "Etc/UTC", problem: "CronNotUnderstood" },
    { cron: "0 0 2 * * *", timeZone: "Etc/UTC", problem: "CronNotUnderstood" },
    { cron: "nightly", timeZone: "Etc/UTC", problem: "CronNotUnderstood" },
  ])("$cron in $timeZone", ({ problem, ...schedule }) => {
    expect(checkSchedule(schedule, Date.parse("2026-11-21T00:00Z"))).toBe(problem);
  });
});
