/**
 * Compares the state of a mirror with that of the generation that a new one is based on, and says what the new one has to
 * store: which entries its archive holds, what is gone, and in which generation the content of every file is. Two sorted
 * streams are merged, so memory grows with the number of hard-linked files only.
 *
 * Whole lines are compared, so whatever is listed counts. An archive that is extracted over the state before, after what is
 * gone was removed, gives the new state; so with an entry it holds
 * - every name of its file: a link to an older copy would lose what the others share;
 * - every directory that it lies in: adding and removing names changes the times of a directory, though its line may be
 *   the same, and the archive can be extracted on its own, each directory with its own attributes;
 * - all below a directory that has other extended attributes or ACLs than before: extracting over it takes none away, so
 *   the directory is made anew.
 */
import { hasOwnContent, inodeOf, isLinked, hasContent, parseEntry, withHolder } from "./lines.ts";
import type { NameFile } from "./name-file.ts";
import { pairsOf, partsOf, type Pair, type States } from "./pairs.ts";

export type { States } from "./pairs.ts";

/** Judges pairs in their order. */
class Judge {
  /** A directory below which everything is made anew; with its slash. */
  #renewed: string | undefined;

  /** Whether what is equal is neither stored nor removed. */
  get isCalm(): boolean {
    return this.#renewed === undefined;
  }

  /** Whether the entry has to be stored (`changed`), and whether what was there has to be removed before (`removed`). */
  judge({ line, base, equal }: Pair): { readonly changed: boolean; readonly removed: boolean } {
    if (this.#renewed === undefined && equal) return { changed: false, removed: false };
    const now = line === undefined ? undefined : parseEntry(line);
    const before = base === undefined ? undefined : parseEntry(base);
    const path = now?.path ?? before?.path ?? "";
    if (this.#renewed !== undefined && path.startsWith(this.#renewed))
      return { changed: now !== undefined, removed: before !== undefined };
    this.#renewed = undefined;
    if (now === undefined || before === undefined) return { changed: now !== undefined, removed: before !== undefined };
    if (equal) return { changed: false, removed: false };
    const attributes = attributesOf(base);
    const renewed = now.type === "d" && path !== "" && attributes !== "" && attributes !== attributesOf(line);
    if (renewed) this.#renewed = `${path}/`;
    return { changed: true, removed: renewed || now.type !== before.type };
  }
}

/** Digest of extended attributes and ACLs in a line; "" when there are none. */
const attributesOf = (line = ""): string => /,"x":"[^"]*"/.exec(line)?.[0] ?? "";

/**
 * @returns inodes of the files of which any name is new, gone or different, or that share their names otherwise than before.
 */
export async function changedInodes(states: States): Promise<ReadonlySet<string>> {
  const changed = new Set<string>();
  /** Inode before, by inode now, and the other way round. */
  const before = new Map<string, string>();
  const now = new Map<string, string>();
  const judge = new Judge();
  for await (const part of partsOf(states)) {
    for (const pair of pairsOf(part, states.baseId)) {
      const verdict = judge.judge(pair);
      const { line, base } = pair;
      if (line === undefined || !isLinked(line)) continue;
      const inode = inodeOf(line);
      if (verdict.changed || base === undefined) {
        changed.add(inode);
        continue;
      }
      const old = inodeOf(base);
      const other = now.get(old);
      if (other !== undefined && other !== inode) {
        changed.add(inode);
        changed.add(other);
      }
      const known = before.get(inode);
      if (known !== undefined && known !== old) changed.add(inode);
      before.set(inode, old);
      now.set(old, inode);
    }
  }
  return changed;
}

export interface Difference {
  /** Entries that the archive has to hold. */
  readonly packed: number;
  readonly deleted: number;
}

/**
 * Yields the lines of the list of the new generation, and writes the names of what it stores, in an order in which a directory
 * comes before what is in it, and of what is gone, in which it does too.
 */
export async function* differ(
  states: States,
  changedFiles: ReadonlySet<string>,
  into: { readonly packed: NameFile; readonly deleted: NameFile },
): AsyncGenerator<string, Difference> {
  const judge = new Judge();
  const packed = new PackedNames(into.packed);
  // Always, so that an archive says of each directory in it what it is to be like.
  packed.addParents("");
  /** The last directory that is gone: those above its entries are named with it. */
  let gone: string | undefined;
  for await (const part of partsOf(states)) {
    let text = "";
    if ("same" in part && judge.isCalm && changedFiles.size === 0) {
      for (const line of part.same) text += `${hasOwnContent(line) ? withHolder(line, states.baseId) : line}\n`;
      if (text !== "") yield text;
      continue;
    }
    for (const pair of pairsOf(part, states.baseId)) {
      const verdict = judge.judge(pair);
      const { line, base, holder } = pair;
      if (base !== undefined && verdict.removed) {
        const { path, type } = parseEntry(base);
        into.deleted.add(path);
        const within = gone !== undefined && path.startsWith(gone);
        if (!within) packed.addParents(path);
        if (!within && type === "d") gone = `${path}/`;
      }
      if (line === undefined) continue;
      const changed = verdict.changed || (isLinked(line) && changedFiles.has(inodeOf(line)));
      if (changed) packed.add(parseEntry(line));
      text += changed || !hasContent(line) ? `${line}\n` : `${withHolder(line, holder)}\n`;
    }
    if (text !== "") yield text;
  }
  return { packed: packed.count, deleted: into.deleted.count };
}

/** Names every entry once, after the directories that it lies in. */
class PackedNames {
  readonly #file: NameFile;
  /** The directories that were named and that the last entry lies in, the root first; and that entry itself when it is one. */
  readonly #open: string[] = [];

  constructor(file: NameFile) {
    this.#file = file;
  }

  get count(): number {
    return this.#file.count;
  }

  add({ path, type }: { readonly path: string; readonly type: string }): void {
    this.addParents(path);
    // The root is its own parent.
    if (path === "") return;
    this.#file.add(path);
    if (type === "d") this.#open.push(path);
  }

  addParents(path: string): void {
    for (let last = this.#open.at(-1); last !== undefined; last = this.#open.at(-1)) {
      if (last === "" || path.startsWith(`${last}/`)) break;
      this.#open.pop();
    }
    if (this.#open.length === 0) this.#name("");
    const last = this.#open.at(-1) ?? "";
    for (let end = path.indexOf("/", last.length + 1); end > 0; end = path.indexOf("/", end + 1))
      this.#name(path.slice(0, end));
  }

  #name(directory: string): void {
    this.#file.add(directory);
    this.#open.push(directory);
  }
}
