/** The figures of the data path, each "times better than" and the median of the rounds. What was not measured is left out. */
import type { Figure } from "../demo/figures.ts";
import type { Measurements } from "./measurements.ts";
import { ratiosOf, spreadOf, type Spread } from "./statistics.ts";

export interface Ratio {
  readonly name: string;
  readonly what: string;
  readonly spread: Spread;
}

export function ratiosIn({ files, dumps, isIncremental }: Measurements): readonly Ratio[] {
  const of = (name: string) => files.get(name);
  const ours = of("handover");
  const script = of("script");
  const seconds = (costs: readonly { readonly seconds: number }[] = []): number[] => costs.map((cost) => cost.seconds);
  const stored = (costs: readonly { readonly storedBytes?: number }[] = []): number[] =>
    costs.map(({ storedBytes = Number.NaN }) => storedBytes);
  const ratios: Ratio[] = [];
  const add = (name: string, what: string, theirs: readonly number[], own: readonly number[]): void => {
    if (theirs.length > 0 && own.length > 0)
      ratios.push({ name: `bench.${name}`, what, spread: ratiosOf(theirs, own) });
  };
  const peers = [...files.keys()].filter((name) => name !== "handover");
  for (const peer of peers) {
    const theirs = of(peer);
    add(`first_vs_${peer}`, `first generation, against ${peer}`, seconds(theirs?.first), seconds(ours?.first));
    // A full generation in the place of an increment is no figure of increments.
    if (isIncremental)
      add(
        `increment_vs_${peer}`,
        `1 % generation, against ${peer}`,
        seconds(theirs?.increment),
        seconds(ours?.increment),
      );
    if (peer !== "script")
      add(
        `verify_vs_${peer}`,
        `everything read and compared, against ${peer}`,
        seconds(theirs?.verify),
        seconds(ours?.verify),
      );
    add(
      `restore_vs_${peer}`,
      `restored and compared, against ${peer}`,
      seconds(theirs?.restore),
      seconds(ours?.restore),
    );
  }
  if (isIncremental)
    add(
      "stored_vs_script",
      "bytes of a 1 % generation, against script",
      stored(script?.increment),
      stored(ours?.increment),
    );
  for (const peer of [...dumps.keys()].filter((name) => name !== "handover"))
    add(`dump_vs_${peer}`, `database, against ${peer}`, seconds(dumps.get(peer)), seconds(dumps.get("handover")));
  return ratios;
}

export function figuresIn(measurements: Measurements, command: string): readonly Figure[] {
  const { files, dumps, unchanged, isIncremental } = measurements;
  const figure = (name: string, value: number, unit: string): Figure => ({ name, value, unit, command });
  const all = [
    ...Object.values(files.get("handover") ?? {}).flat(),
    ...(dumps.get("handover") ?? []),
    ...(unchanged === undefined ? [] : [unchanged.first, unchanged.second]),
  ];
  return [
    ...ratiosIn(measurements).map(({ name, spread }) => figure(name, spread.median, "x")),
    figure("bench.mover_peak_mib", spreadOf(all.map(({ peakMiB }) => peakMiB)).max, "MiB"),
    ...(unchanged === undefined || !isIncremental
      ? []
      : [figure("bench.microseconds_per_unchanged_file", (unchanged.second.seconds / unchanged.files) * 1e6, "µs")]),
  ];
}
