/** Durations and byte counts: what is read, what is refused, how they are written for people. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { formatBytes, formatDuration, parseDuration } from "../../../operator/domain/quantities.ts";

const units = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const parts = fc.array(
  fc.record({
    amount: fc.nat(1_000),
    unit: fc.constantFrom<keyof typeof units>("w", "d", "h", "m", "s", "ms"),
  }),
  { minLength: 1, maxLength: 5 },
);

describe("a duration", () => {
  test("is the sum of its parts, in any order", () => {
    fc.assert(
      fc.property(parts, (list) => {
        const text = list.map(({ amount, unit }) => `${amount}${unit}`).join("");
        expect(parseDuration(text)).toBe(list.reduce((sum, { amount, unit }) => sum + amount * units[unit], 0));
      }),
    );
  });
  test.each(["", "10", "m", "1.5h", "-1m", "1 m", "1h ", "1M", "1y", "1h2", "h1"])("%p is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
  test.each([
    [0, "0ms"],
    [-5, "0ms"],
    [820, "820ms"],
    [999.4, "999ms"],
    [1_000, "1.0s"],
    [1_250, "1.3s"],
    [9_949, "9.9s"],
    [9_999, "10s"],
    [12_000, "12s"],
    [59_499, "59s"],
    [59_500, "1m"],
    [60_000, "1m"],
    [130_000, "2m10s"],
    [3_599_499, "59m59s"],
    [3_600_000, "1h"],
    [3_720_000, "1h2m"],
    [86_399_999, "1d"],
    [86_400_000, "1d"],
    [273_600_000, "3d4h"],
  ])("of %p ms is written %p", (millis, text) => {
    expect(formatDuration(millis)).toBe(text);
  });
  test("is written so that reading it gives it back, but for the unit that does not matter", () => {
    fc.assert(
      fc.property(fc.integer({ min: 10_000, max: 400 * 86_400_000 }), (millis) => {
        const slack = millis < 3_600_000 ? 1_000 : millis < 86_400_000 ? 60_000 : 3_600_000;
        expect(Math.abs((parseDuration(formatDuration(millis)) ?? NaN) - millis)).toBeLessThanOrEqual(slack);
      }),
    );
  });
  test("never looks shorter than a shorter one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 10_000, max: 1e9 }), fc.nat(1e8), (millis, more) => {
        expect(parseDuration(formatDuration(millis + more))).toBeGreaterThanOrEqual(
          parseDuration(formatDuration(millis)) ?? NaN,
        );
      }),
    );
  });
});

describe("bytes", () => {
  test.each([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_024, "1.0 KiB"],
    [102_390, "100 KiB"],
    [1_048_575, "1.0 MiB"],
    [1_536, "1.5 KiB"],
    [102_400, "100 KiB"],
    [641_728_512, "612 MiB"],
    [44_882_408_243, "41.8 GiB"],
    [2 ** 40, "1.0 TiB"],
    [5 * 2 ** 50, "5120 TiB"],
  ])("%p are written %p", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
  test("are written with a number and a unit, within one part in twenty", () => {
    const power: Readonly<Record<string, number>> = { B: 0, KiB: 1, MiB: 2, GiB: 3, TiB: 4 };
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        const [number = "", unit = ""] = formatBytes(bytes).split(" ");
        const shown = Number(number) * 1_024 ** (power[unit] ?? NaN);
        expect(Math.abs(shown - bytes)).toBeLessThanOrEqual(bytes / 20 + 0.5);
      }),
    );
  });
});
