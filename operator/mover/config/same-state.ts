/**
 * Whether two sorted lists of entries are of the same state. The numbers of inodes mean nothing, which names share one does. The
 * time of a directory is left out: what came or went is an entry by itself, and the rest are the editor's temporary files and what
 * the policy excludes.
 */
import { inodeOf, isLinked, LineCursor, withoutInode } from "../mirror/lines.ts";

type Lines = AsyncGenerator<readonly string[], undefined>;

/** Keys cannot be in a value: quotes in it are escaped. */
const comparable = (line: string): string =>
  line.includes(',"t":"d",') ? line.replace(/,"mt":"[0-9-]+"/, "") : withoutInode(line);

export async function isSameState(one: Lines, other: Lines): Promise<boolean> {
  const [left, right] = [new LineCursor(one), new LineCursor(other)];
  const [toRight, toLeft] = [new Map<string, string>(), new Map<string, string>()];
  const isSamePartner = (a: string, b: string): boolean => {
    if ((toRight.get(a) ?? b) !== b || (toLeft.get(b) ?? a) !== a) return false;
    toRight.set(a, b);
    toLeft.set(b, a);
    return true;
  };
  try {
    for (;;) {
      if (left.drained) await left.fill();
      if (right.drained) await right.fill();
      if (left.drained || right.drained) continue;
      const [a, b] = [left.current, right.current];
      if (a === undefined || b === undefined) return a === b;
      if (comparable(a) !== comparable(b)) return false;
      if (isLinked(a) && !isSamePartner(inodeOf(a), inodeOf(b))) return false;
      left.advance();
      right.advance();
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}
