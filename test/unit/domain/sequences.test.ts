/** Sets of numbers in few bytes: nothing is told wrong, however little fits. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { formatSequences, hasSequence, lacksSequence } from "../../../operator/domain/sequences.ts";

describe("sequences", () => {
  test.each([
    [[], ""],
    [[7], "7"],
    [[12, 3, 4, 5, 9, 8, 5], "3-5,8-9,12"],
  ])("%j are written %j", (numbers, ranges) => {
    expect(formatSequences(numbers)).toEqual({ since: 1, ranges });
  });
  test("the lowest go when there are too many", () => {
    expect(formatSequences([1, 2, 4, 6, 7, 9], 6)).toEqual({ since: 5, ranges: "6-7,9" });
  });
  test("a number is there, is certainly not there, or is not told of", () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 }));
    fc.assert(
      fc.property(numbers, fc.integer({ min: 0, max: 80 }), fc.integer({ min: 1, max: 60 }), (all, limit, number) => {
        const told = formatSequences(all, limit);
        expect(told.ranges.length).toBeLessThanOrEqual(limit);
        const known = number >= told.since;
        expect(hasSequence(told, number)).toBe(known && all.includes(number));
        expect(lacksSequence(told, number)).toBe(
          known && !all.includes(number) && Math.max(0, ...all) > number && told.ranges !== "",
        );
      }),
    );
  });
});
