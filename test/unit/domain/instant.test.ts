/** Moments and RFC 3339, against the Date of the language. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { elapsed, formatInstant, parseInstant } from "../../../operator/domain/instant.ts";

/** From the year 0 to the year 9999: what four digits can say. */
const instants = fc.integer({ min: Date.UTC(2000, 0) - 2000 * 365.2425 * 86_400_000, max: Date.UTC(9999, 11, 31) });
const nearLeaps = fc
  .record({
    year: fc.integer({ min: 1896, max: 2404 }),
    offset: fc.integer({ min: -2, max: 2 }),
    clock: fc.nat(86_399_999),
  })
  .map(({ year, offset, clock }) => Date.UTC(year, 1, 28 + offset) + clock);

describe("a moment", () => {
  test("is written as Date writes it", () => {
    fc.assert(
      fc.property(fc.oneof(instants, nearLeaps), (at) => expect(formatInstant(at)).toBe(new Date(at).toISOString())),
      { numRuns: 2_000 },
    );
  });
  test("is read as it was written", () => {
    fc.assert(
      fc.property(fc.oneof(instants, nearLeaps), (at) => expect(parseInstant(formatInstant(at))).toBe(at)),
      { numRuns: 2_000 },
    );
  });
  test("keeps each of the thousand milliseconds of a second", () => {
    for (let ms = 0; ms < 1_000; ms++)
      expect(parseInstant(`2026-11-21T01:02:03.${String(ms).padStart(3, "0")}Z`)).toBe(
        Date.UTC(2026, 10, 21, 1, 2, 3, ms),
      );
  });
  test("is read at any offset as Date reads it", () => {
    const offsets = fc.record({
      sign: fc.constantFrom("+", "-"),
      hours: fc.integer({ min: 0, max: 14 }),
      minutes: fc.constantFrom(0, 30, 45),
    });
    fc.assert(
      fc.property(instants, offsets, (at, { sign, hours, minutes }) => {
        const text = `${formatInstant(at).slice(0, 19)}${sign}${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
        expect(parseInstant(text)).toBe(Date.parse(text));
      }),
    );
  });
});

describe("text", () => {
  test.each([
    ["2026-11-21T01:02:03Z", "2026-11-21T01:02:03.000Z"],
    ["2026-11-21t01:02:03z", "2026-11-21T01:02:03.000Z"],
    ["2026-11-21T01:02:03.456789Z", "2026-11-21T01:02:03.456Z"],
    ["2026-11-21T01:02:03.4Z", "2026-11-21T01:02:03.400Z"],
    ["2026-11-21T00:30:00+01:00", "2026-11-20T23:30:00.000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
    ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"],
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"],
  ])("%s is %s", (text, meant) => {
    expect(formatInstant(parseInstant(text) ?? NaN)).toBe(meant);
  });
  test.each([
    undefined,
    "",
    "soon",
    "2026-11-21",
    "2026-11-21T01:02Z",
    "2026-11-21T01:02:03",
    "2026-11-21 01:02:03Z",
    " 2026-11-21T01:02:03Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-11-00T00:00:00Z",
    "2026-11-21T24:00:00Z",
    "2026-11-21T01:60:00Z",
    "2026-11-21T01:02:61Z",
    "12026-11-21T01:02:03Z",
  ])("%p is no moment", (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });
});

describe("between two records", () => {
  test.each([
    ["2026-11-21T01:00:00Z", "2026-11-21T01:00:01.5Z", 1_500],
    // Clocks run backwards at times; nothing lasts less than nothing.
    ["2026-11-21T01:00:01Z", "2026-11-21T01:00:00Z", 0],
    [undefined, "2026-11-21T01:00:00Z", undefined],
    ["2026-11-21T01:00:00Z", undefined, undefined],
  ])("%p to %p: %p", (from, to, millis) => {
    expect(elapsed(from, to)).toBe(millis);
  });
});
