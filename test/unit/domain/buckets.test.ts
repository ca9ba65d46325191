/** Where hours, days, weeks, months and years begin, in time zones whose clocks change. */
import { describe, expect, test } from "@jest/globals";
import { bucketsIn, isTimeZone, type Period } from "../../../operator/domain/buckets.ts";
import { parseInstant } from "../../../operator/domain/instant.ts";

const same = (timeZone: string, period: Period, a: string, b: string): boolean => {
  const bucketOf = bucketsIn(timeZone)!;
  return bucketOf(parseInstant(a)!, period) === bucketOf(parseInstant(b)!, period);
};

describe.each<[Period, string, string, string, string]>([
  // zone, the last moment of one, the first of the next
  ["yearly", "UTC", "2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"],
  ["yearly", "Europe/Berlin", "2026-12-31T22:59:59Z", "2026-12-31T23:00:00Z", "2026-06-01T00:00:00Z"],
  ["yearly", "Pacific/Kiritimati", "2026-12-31T09:59:59Z", "2026-12-31T10:00:00Z", "2026-01-01T00:00:00Z"],
  ["monthly", "UTC", "2028-02-29T23:59:59Z", "2028-03-01T00:00:00Z", "2028-02-01T00:00:00Z"],
  ["monthly", "America/New_York", "2026-03-01T04:59:59Z", "2026-03-01T05:00:00Z", "2026-02-02T00:00:00Z"],
  // Sunday and Monday; the week that holds the new year is one.
  ["weekly", "UTC", "2026-11-29T23:59:59Z", "2026-11-30T00:00:00Z", "2026-11-23T00:00:00Z"],
  ["weekly", "UTC", "2027-01-03T23:59:59Z", "2027-01-04T00:00:00Z", "2026-12-28T00:00:00Z"],
  ["weekly", "UTC", "1970-01-04T23:59:59Z", "1970-01-05T00:00:00Z", "1970-01-01T00:00:00Z"],
  ["weekly", "Asia/Tokyo", "2026-11-29T14:59:59Z", "2026-11-29T15:00:00Z", "2026-11-22T15:00:00Z"],
  ["daily", "UTC", "2028-02-28T23:59:59Z", "2028-02-29T00:00:00Z", "2028-02-28T00:00:00Z"],
  // A day of 23 hours and one of 25.
  ["daily", "Europe/Berlin", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z", "2026-03-28T23:00:00Z"],
  ["daily", "Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z", "2026-10-24T22:00:00Z"],
  // Samoa had no 30 December 2011.
  ["daily", "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z", "2011-12-29T10:00:00Z"],
  ["hourly", "UTC", "2026-11-21T01:59:59Z", "2026-11-21T02:00:00Z", "2026-11-21T01:00:00Z"],
  // 02:30 twice, and then 03:00.
  ["hourly", "Europe/Berlin", "2026-10-25T00:59:59Z", "2026-10-25T01:00:00Z", "2026-10-25T00:00:00Z"],
  ["hourly", "Europe/Berlin", "2026-10-25T01:59:59Z", "2026-10-25T02:00:00Z", "2026-10-25T01:00:00Z"],
  ["hourly", "Asia/Kolkata", "2026-11-21T00:29:59Z", "2026-11-21T00:30:00Z", "2026-11-20T23:30:00Z"],
  // Clocks that go back by half an hour: 01:30 to 01:59 twice.
  ["hourly", "Australia/Lord_Howe", "2026-04-04T14:59:59Z", "2026-04-04T15:00:00Z", "2026-04-04T14:30:00Z"],
])("%s in %s", (period, timeZone, last, next, first) => {
  test(`${first} to ${last} is one, and ${next} another`, () => {
    expect([same(timeZone, period, first, last), same(timeZone, period, last, next)]).toEqual([true, false]);
  });
});

test("midnight is the first hour of its day, not the 24th of the one before", () => {
  expect(bucketsIn("UTC")!(parseInstant("2026-11-21T00:30:00Z")!, "hourly")).toContain("2026-11-21 00");
});

test("a name that is not in the list is none", () => {
  expect(["UTC", "Europe/Berlin", "Mars/Olympus", "", "+02:00", "Europe/Berlin "].map(isTimeZone)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  expect(bucketsIn("Mars/Olympus")).toBeUndefined();
});
