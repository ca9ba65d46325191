/** Three numbers instead of one: a single run on a busy machine says little. */

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** NaN when there is nothing. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    min: at(0),
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    max: at(sorted.length - 1),
  };
}

/** How many times more theirs is than ours, round by round, so that what disturbed a round disturbed both. */
export function ratiosOf(theirs: readonly number[], ours: readonly number[]): Spread {
  return spreadOf(theirs.slice(0, ours.length).map((value, index) => value / (ours[index] ?? Number.NaN)));
}

const short = (value: number): string =>
  Number.isNaN(value) ? "-" : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/** `1.20 (1.10-1.40)` */
export const formatSpread = ({ min, median, max }: Spread): string =>
  Number.isNaN(median) ? "-" : min === max ? short(median) : `${short(median)} (${short(min)}-${short(max)})`;
