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
    for await (const { entry, digest } of digested(tree, entries())) {
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
  const before = (path: string): boolean => {
    const replacement = replacements[next];
    return replacement !== undefined && compareWalk(replacement.path, path) <= 0;
  };
  for await (const lines of known) {
    const last = lines.at(-1);
    // Most batches lie between two that differ.
    if (last === undefined || !before(parseEntry(last).path)) {
      yield lines;
      continue;
    }
    const batch: string[] = [];
    for (const line of lines) {
      const { path } = parseEntry(line);
      let replaced = false;
      for (; before(path); next += 1) {
        const replacement = replacements[next];
        if (replacement?.line !== undefined) batch.push(replacement.line);
        replaced ||= replacement?.path === path;
      }
      if (!replaced) batch.push(line);
    }
    yield batch;
  }
  yield replacements.slice(next).flatMap(({ line }) => (line === undefined ? [] : [line]));
  return undefined;
}
