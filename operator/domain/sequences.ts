/** Sets of sequence numbers in few bytes: a place may hold more generations than their ids would fit into a result. */

export interface Sequences {
  /** What is below this number is not told. */
  readonly since: number;
  /** `3-9,12`, ascending. */
  readonly ranges: string;
}

export const maxRangesLength = 500;

/** What does not fit is left out from the lowest number on, and `since` says so. */
export function formatSequences(numbers: readonly number[], limit = maxRangesLength): Sequences {
  const ranges: [first: number, last: number][] = [];
  for (const number of numbers.toSorted((a, b) => b - a)) {
    const lowest = ranges.at(-1);
    if (lowest !== undefined && number >= lowest[0] - 1) lowest[0] = number;
    else ranges.push([number, number]);
  }
  let text = "";
  let since = 1;
  for (const [first, last] of ranges) {
    const longer = `${first === last ? first : `${first}-${last}`}${text === "" ? "" : ","}${text}`;
    if (longer.length > limit) {
      since = last + 1;
      break;
    }
    text = longer;
  }
  return { since, ranges: text };
}

const rangesOf = ({ ranges }: Sequences): readonly (readonly [first: number, last: number])[] =>
  ranges === ""
    ? []
    : ranges.split(",").map((range) => {
        const [first = "", last = first] = range.split("-");
        return [Number(first), Number(last)];
      });

export const hasSequence = (sequences: Sequences, number: number): boolean =>
  rangesOf(sequences).some(([first, last]) => first <= number && number <= last);

/** Whether it is certain that the number is not among them: it is told of, and something newer is there. */
export const lacksSequence = (sequences: Sequences, number: number): boolean =>
  number >= sequences.since && !hasSequence(sequences, number) && rangesOf(sequences).some(([, last]) => number < last);
