/**
 * The list of a mirror of which most is known: the lines of an earlier one, but for the entries that differ since. Content is read of these
 * alone.
 */
import { MoverError } from "../errors.ts";
import { digestAttributes } from "./extended-attributes.ts";
import { closeLine, describe, digested, type Entry } from "./files-list.ts";
import type { Differences } from "./inventory.ts";
import { compareWalk, parseEntry } from "./lines.ts";
import { Tree } from "./tree.ts";

type Lines = AsyncGenerator<readonly string[], undefined>;

/** What an entry has become; no line when it is no longer there, or in no archive. */
export interface Replacement {
  readonly path: string;
  readonly line: string | undefined;
}

/** @returns in the order of `Tree.walk` */
export async function describeDifferences(
  { volume, mirror }: { readonly volume: string; readonly mirror: string },
  { before, now }: Differences,
  signal: AbortSignal,
): Promise<readonly Replacement[]> {
  const lines = new Map<string, string | undefined>(before.map(({ path }) => [path, undefined]));
  const attributes = await digestAttributes(
    mirror,
    now.map(({ path }) => path),
    signal,
  );
  const tree = new Tree(mirror);
  async function* entries(): AsyncGenerator<Entry> {
    for (const { path } of now.toSorted((a, b) => compareWalk(a.path, b.path))) {
      const stat = tree.stat(path === "" ? "." : path);
      if (stat === undefined)
        throw new MoverError("HO-A404", `the mirror changed while it was read: ${JSON.stringify(path)}`);
      yield { path, stat, attributes: attributes.get(path) };
    }
  }
  try {
    for await (const { entry, digest } of digested(tree, entries(), false)) {
      const line = describe(volume, tree, entry);
      lines.set(entry.path, line === undefined ? undefined : closeLine(line, digest));
      signal.throwIfAborted();
    }
  } finally {
    tree.close();
  }
  return [...lines].map(([path, line]) => ({ path, line })).toSorted((a, b) => compareWalk(a.path, b.path));
}

/** @param known lines in the order of `Tree.walk` @param replacements in the same order */
export async function* patched(known: Lines, replacements: readonly Replacement[]): Lines {
  let next = 0;
  for await (const lines of known) {
    const last = lines.at(-1);
    if (last === undefined) continue;
    const limit = parseEntry(last).path;
    const batch: string[] = [];
    let done = 0;
    for (let one = replacements[next]; one !== undefined; one = replacements[next]) {
      if (compareWalk(one.path, limit) > 0) break;
      const at = findPath(lines, one.path, done);
      batch.push(...lines.slice(done, at.index), ...(one.line === undefined ? [] : [one.line]));
      done = at.found ? at.index + 1 : at.index;
      next += 1;
    }
    yield done === 0 && batch.length === 0 ? lines : [...batch, ...lines.slice(done)];
  }
  yield replacements.slice(next).flatMap(({ line }) => (line === undefined ? [] : [line]));
  return undefined;
}

/** Where the path is in sorted lines, or would be. Most lines need not be parsed for that. */
export function findPath(
  lines: readonly string[],
  path: string,
  from: number,
): { readonly index: number; readonly found: boolean } {
  let [low, high] = [from, lines.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const order = compareWalk(parseEntry(lines[middle] ?? "").path, path);
    if (order === 0) return { index: middle, found: true };
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return { index: low, found: false };
}
