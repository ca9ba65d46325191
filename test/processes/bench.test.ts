/** The bench at a tiny size: every turn of a contestant runs, and no figure is made of what was not measured. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { figuresIn } from "../../bench/figures.ts";
import { parseOptions } from "../../bench/options.ts";
import { formatReport } from "../../bench/report.ts";
import { runBench } from "../../bench/run.ts";

jest.setTimeout(240_000);

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "handover-bench-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a tiny bench runs through, from data to report", async () => {
  const options = parseOptions(
    "--files 60 --megabytes 3 --database-megabytes 0 --unchanged-files 0 --rounds 1 --peers script --mover source".split(
      " ",
    ),
  );
  const measured = await runBench(options, directory);
  const { handover, script } = Object.fromEntries(measured.files);
  for (const phase of ["first", "verify", "restore", "increment"] as const) {
    expect(handover?.[phase]).toHaveLength(1);
    expect(script?.[phase]).toHaveLength(1);
  }
  // The mover's children are in it: node alone has more than this, and a tool that did nothing has none.
  expect(handover?.first[0]?.peakMiB).toBeGreaterThan(20);
  expect(handover?.first[0]?.storedBytes).toBeGreaterThan(1_000_000);
  const names = figuresIn(measured, "test").map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["bench.first_vs_script", "bench.mover_peak_mib"]));
  expect(names.includes("bench.increment_vs_script")).toBe(measured.isIncremental);
  expect(measured.notes.length === 0).toBe(measured.isIncremental);
  const report = formatReport(measured, {
    command: "test",
    options,
    machine: ["a machine"],
    at: "2026-11-29T00:00:00Z",
  });
  expect(report).toContain("| bench.first_vs_script |");
  for (const note of measured.notes) expect(report).toContain(note);
});
