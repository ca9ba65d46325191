import { describe, expect, test } from "@jest/globals";
import { figuresIn, ratiosIn } from "../../../bench/figures.ts";
import type { Measurements } from "../../../bench/measurements.ts";
import { parseOptions } from "../../../bench/options.ts";
import { formatSpread, ratiosOf, spreadOf } from "../../../bench/statistics.ts";

const cost = (seconds: number, storedBytes = 0) => ({ seconds, cpuSeconds: 1, peakMiB: seconds * 10, storedBytes });
const costs = (first: number[], increment: number[], stored = 0) => ({
  first: first.map((seconds) => cost(seconds, stored)),
  verify: [],
  restore: [],
  increment: increment.map((seconds) => cost(seconds, stored)),
});
const measured = (isIncremental: boolean): Measurements => ({
  files: new Map([
    ["handover", costs([2, 4, 8], [1, 1, 1], 10)],
    ["script", costs([20, 20, 160], [30, 40, 50], 400)],
  ]),
  dumps: new Map([
    ["handover", [cost(2)]],
    ["script", [cost(14)]],
  ]),
  unchanged: undefined,
  isIncremental,
  versions: new Map(),
  notes: [],
});

describe("figures of the bench", () => {
  test("are ratios of the same round, and the median of the rounds", () => {
    expect(Object.fromEntries(figuresIn(measured(true), "c").map(({ name, value }) => [name, value]))).toEqual({
      // 10, 5 and 20
      "bench.first_vs_script": 10,
      "bench.increment_vs_script": 40,
      "bench.stored_vs_script": 40,
      "bench.dump_vs_script": 7,
      "bench.mover_peak_mib": 80,
    });
  });

  test("there are none of increments when a full generation was made in their place", () => {
    const names = ratiosIn(measured(false)).map(({ name }) => name);
    expect(names).toEqual(["bench.first_vs_script", "bench.dump_vs_script"]);
  });

  test("have their least and most", () => {
    expect(ratiosOf([20, 20, 160], [2, 4, 8])).toEqual({ min: 5, median: 10, max: 20 });
    expect(formatSpread({ min: 5, median: 10, max: 200 })).toBe("10.0 (5.00-200)");
    expect(spreadOf([1, 2])).toEqual({ min: 1, median: 1.5, max: 2 });
    expect(formatSpread(spreadOf([]))).toBe("-");
  });
});

describe("options of the bench", () => {
  test("have two sizes, and each number can be given", () => {
    expect(parseOptions([])).toMatchObject({ files: 3000, megabytes: 300 });
    expect(parseOptions(["--size", "full", "--rounds", "1"])).toMatchObject({ files: 30_000, rounds: 1 });
  });
  test.each([
    [["--size", "huge"], /small or full/],
    [["--rounds", "0"], /--rounds is a whole number of at least 1/],
    [["--peers", "script,nobody"], /nobody is none of/],
    [["--nothing"], /Unknown option/],
  ])("refuses %j", (argv, message) => expect(() => parseOptions(argv)).toThrow(message));
});
