/**
 * The entries of a mirror as the generation before lists them and as they are now, in the order of both. The two lists are merged like
 * sorted streams; where the one is known to be the other but for some entries, only these are looked at.
 */
import { compareWalk, LineCursor, parseEntry, splitHolder, withoutInode } from "./lines.ts";
import { findPath, type Replacement } from "./patch.ts";

/** An entry before and now; at least one of them is there. */
export interface Pair {
  /** The line now. */
  readonly line: string | undefined;
  /** The line before, without holder. */
  readonly base: string | undefined;
  readonly holder: string;
  /** Whether the two are equal, but for which names share a file. */
  readonly equal: boolean;
}

type Lines = AsyncGenerator<readonly string[], undefined>;

/** Opens each stream of lines anew: they are read twice when files have several names. */
export interface States {
  readonly now: () => Lines;
  readonly base: () => Lines;
  /** Id of the base, where the content is of which its list names no other generation. */
  readonly baseId: string;
  /** All that tells `now` from `base`, in the order of both; `now` is not asked for then. */
  readonly replacements?: readonly Replacement[] | undefined;
}

/** Some entries: either lines of the base that are the same now, or pairs. */
export type Part = { readonly same: readonly string[] } | { readonly pairs: readonly Pair[] };

export async function* partsOf(states: States): AsyncGenerator<Part, undefined> {
  const { replacements } = states;
  if (replacements === undefined) for await (const batch of merged(states)) yield { pairs: batch };
  else yield* known(states, replacements);
  return undefined;
}

export const pairsOf = (part: Part, baseId: string): readonly Pair[] =>
  "pairs" in part ? part.pairs : part.same.map((listed) => pairOfSame(listed, baseId));

function pairOfSame(listed: string, baseId: string): Pair {
  const { bare, holder = baseId } = splitHolder(listed);
  return { line: bare, base: bare, holder, equal: true };
}

async function* known({ base, baseId }: States, replacements: readonly Replacement[]): AsyncGenerator<Part, undefined> {
  let next = 0;
  for await (const lines of base()) {
    const last = lines.at(-1);
    if (last === undefined) continue;
    const limit = parseEntry(last).path;
    let done = 0;
    for (let one = replacements[next]; one !== undefined; one = replacements[next]) {
      if (compareWalk(one.path, limit) > 0) break;
      const { index, found } = findPath(lines, one.path, done);
      if (index > done) yield { same: lines.slice(done, index) };
      yield { pairs: pairOf(one, found ? lines[index] : undefined, baseId) };
      done = found ? index + 1 : index;
      next += 1;
    }
    yield { same: done === 0 ? lines : lines.slice(done) };
  }
  yield { pairs: replacements.slice(next).flatMap((one) => pairOf(one, undefined, baseId)) };
  return undefined;
}

function pairOf({ line }: Replacement, listed: string | undefined, baseId: string): readonly Pair[] {
  if (listed === undefined) return line === undefined ? [] : [{ line, base: undefined, holder: baseId, equal: false }];
  const { bare, holder = baseId } = splitHolder(listed);
  return [{ line, base: bare, holder, equal: line !== undefined && isEqual(line, bare) }];
}

const isEqual = (line: string, bare: string): boolean => line === bare || withoutInode(line) === withoutInode(bare);

const pairsAtOnce = 1024;

async function* merged(states: States): AsyncGenerator<readonly Pair[], undefined> {
  const [left, right] = [new LineCursor(states.now()), new LineCursor(states.base())];
  try {
    for (let batch: Pair[] = []; ; batch = []) {
      while (batch.length < pairsAtOnce) {
        if (left.drained) await left.fill();
        if (right.drained) await right.fill();
        if (left.drained || right.drained) continue;
        const pair = nextPair(left.current, right.current, states.baseId);
        if (pair === undefined) break;
        if (pair.line !== undefined) left.advance();
        if (pair.base !== undefined) right.advance();
        batch.push(pair);
      }
      if (batch.length === 0) return undefined;
      yield batch;
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

function nextPair(line: string | undefined, listed: string | undefined, baseId: string): Pair | undefined {
  if (listed === undefined)
    return line === undefined ? undefined : { line, base: undefined, holder: baseId, equal: false };
  const { bare, holder = baseId } = splitHolder(listed);
  if (line === undefined) return { line, base: bare, holder, equal: false };
  if (line === bare) return { line, base: bare, holder, equal: true };
  const order = compareWalk(parseEntry(line).path, parseEntry(bare).path);
  if (order < 0) return { line, base: undefined, holder, equal: false };
  if (order > 0) return { line: undefined, base: bare, holder, equal: false };
  return { line, base: bare, holder, equal: isEqual(line, bare) };
}
