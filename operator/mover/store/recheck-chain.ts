/**
 * Whether a generation follows from the one that it is based on: what is named as deleted, removed from that state, and the archive
 * extracted over the rest, has to give the state that the list tells. Judged by the two lists and the names in the archive alone,
 * without what has decided on them (mirror/difference.ts), whose mistakes a restore would be the first to meet. Sorted streams are
 * merged, so memory grows with the number of hard-linked files only.
 */
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { MoverError, quote } from "../errors.ts";
import { run } from "../exec.ts";
import { compareWalk, hasContent, inodeOf, isLinked, LineCursor, splitHolder, withoutInode } from "../mirror/lines.ts";
import { linesOfVolume } from "../mirror/listing.ts";
import { argvReverseNames } from "../tools/names.ts";
import { clip } from "../../domain/text.ts";

export interface Following {
  readonly volume: string;
  /** Lines of the volume in the list of the generation. */
  readonly lines: AsyncGenerator<readonly string[], undefined>;
  readonly baseId: string;
  readonly baseList: string;
  /** File of the names in the archive, in its order, each with `./` before it and a NUL after it. */
  readonly members: string;
  /** The same of what is gone, in the order of its removal: what is in a directory before it. */
  readonly deleted: string;
  readonly scratch: string;
}

/** @throws MoverError HO-A404 at the first entry that would not come back as it is listed */
export async function checkFollows(of: Following, signal: AbortSignal): Promise<void> {
  const { volume, baseId } = of;
  const gone = join(of.scratch, `gone-${volume}`);
  await rm(gone, { force: true });
  await run(argvReverseNames(of.deleted), { stdout: { file: gone }, signal });
  const now = new LineCursor(of.lines);
  const base = new LineCursor(linesOfVolume(of.baseList, volume, signal));
  const packed = new LineCursor(namesIn(of.members));
  const removed = new LineCursor(namesIn(gone));
  const cursors = [now, base, packed, removed];
  const judge = new Judge(volume, baseId);
  try {
    for (;;) {
      for (const cursor of cursors) while (cursor.drained) await cursor.fill();
      const pair = nextPair(now.current, base.current);
      if (pair === undefined) break;
      const isPacked = pair.now !== undefined && packed.current === pair.path;
      const isRemoved = pair.base !== undefined && removed.current === pair.path;
      judge.judge(pair, { isPacked, isRemoved, nextPacked: packed.current, nextRemoved: removed.current });
      if (pair.now !== undefined) now.advance();
      if (pair.base !== undefined) base.advance();
      if (isPacked) packed.advance();
      if (isRemoved) removed.advance();
    }
    if (packed.current !== undefined) throw judge.notListed(packed.current);
    if (removed.current !== undefined) throw judge.notKnown(removed.current);
  } finally {
    await Promise.all(cursors.map(async (cursor) => await cursor.close()));
    await rm(gone, { force: true });
  }
}

/** Paths as `Tree.walk` has them. */
async function* namesIn(file: string): AsyncGenerator<readonly string[], undefined> {
  let rest = "";
  for await (const chunk of createReadStream(file, { encoding: "latin1" }) as AsyncIterable<string>) {
    const names = (rest + chunk).split("\0");
    rest = names.pop() ?? "";
    yield names.map((name) => name.slice(2));
  }
  return undefined;
}

interface Entry {
  /** Without inode and holder. */
  readonly line: string;
  readonly holder: string | undefined;
  readonly inode: string | undefined;
}

/** An entry before and now; at least one of them is there. */
interface Pair {
  readonly path: string;
  readonly now: string | undefined;
  readonly base: string | undefined;
}

function nextPair(now: string | undefined, base: string | undefined): Pair | undefined {
  if (now === undefined) return base === undefined ? undefined : { path: pathIn(base), now, base };
  const path = pathIn(now);
  if (base === undefined) return { path, now, base };
  if (base === now) return { path, now, base };
  const before = pathIn(base);
  if (before === path) return { path, now, base };
  return compareWalk(path, before) < 0 ? { path, now, base: undefined } : { path: before, now: undefined, base };
}

/** Ends the name in every line, and cannot be in it: quotes in it are escaped. */
const afterName = '","t":"';
const plainName = /^[ !#-[\]-~]*$/;

/** As `parseEntry` says, at a tenth of its price. */
function pathIn(line: string): string {
  const start = line.indexOf('","') + 3;
  const end = line.indexOf(afterName, start);
  const isText = line.startsWith('p":"', start);
  const text = line.slice(start + (isText ? 4 : 6), end);
  if (!isText) return Buffer.from(text, "base64").toString("latin1");
  if (text === ".") return "";
  if (plainName.test(text)) return text;
  return Buffer.from(String(JSON.parse(`"${text}"`)), "utf8").toString("latin1");
}

const typeIn = (line: string): string => line.charAt(line.indexOf(afterName) + afterName.length);

/** Digest of extended attributes and ACLs; "" when there are none. */
const attributesIn = (line: string): string => /,"x":"([^"]*)"/.exec(line)?.[1] ?? "";

function entryOf(text: string): Entry {
  const { bare, holder } = splitHolder(text);
  return isLinked(bare)
    ? { line: withoutInode(bare), holder, inode: inodeOf(bare) }
    : { line: bare, holder, inode: undefined };
}

interface Found {
  /** Whether the archive holds it, and whether it is named as deleted. */
  readonly isPacked: boolean;
  readonly isRemoved: boolean;
  /** Both are in the order of the lists, so one that comes before the entry is in no list. */
  readonly nextPacked: string | undefined;
  readonly nextRemoved: string | undefined;
}

const isBefore = (name: string | undefined, path: string): name is string =>
  name !== undefined && compareWalk(name, path) < 0;

interface Group {
  readonly first: string;
  readonly isPacked: boolean;
  /** Inode of the same file in the list of the base. */
  readonly before: string | undefined;
}

/** Judges entries in the order of the lists. */
class Judge {
  readonly #volume: string;
  readonly #baseId: string;
  /** The directories that the entry lies in, each with its slash, the root first. */
  readonly #open: { readonly below: string; readonly isPacked: boolean }[] = [];
  /** A directory that is deleted; with its slash. */
  #removed: string | undefined;
  /** Files with several names, by their inodes, and whose inode it was before. */
  readonly #groups = new Map<string, Group>();
  readonly #owners = new Map<string, string>();

  constructor(volume: string, baseId: string) {
    this.#volume = volume;
    this.#baseId = baseId;
  }

  no(path: string, why: string): MoverError {
    const text = `volume ${this.#volume}: ${clip(quote(path === "" ? "." : path), 500)} ${why}`;
    return new MoverError("HO-A404", clip(text, 900));
  }

  notListed(path: string): MoverError {
    return this.no(path, "is in the archive, and the list has it not there");
  }

  notKnown(path: string): MoverError {
    return this.no(path, `is named as deleted, and ${this.#baseId} has it not there`);
  }

  judge({ path, now, base }: Pair, found: Found): void {
    const { isPacked, isRemoved } = found;
    const before = base === undefined ? undefined : entryOf(base);
    const entry = now === base ? before : now === undefined ? undefined : entryOf(now);
    const same = before !== undefined && before.line === entry?.line;
    if (before !== undefined && !isRemoved) this.#checkStays(path, before, entry, found);
    if (entry !== undefined && !isPacked && (!same || isRemoved)) throw this.#notPacked(path, before, found);
    this.#checkDirectories(path, entry, before, found);
    if (entry === undefined) return;
    if (hasContent(entry.line)) this.#checkHolder(path, entry, before, isPacked);
    if (entry.inode !== undefined) this.#checkGroup(path, entry.inode, before?.inode, isPacked);
  }

  /** What is not deleted before the archive is extracted has to be something that the archive can be extracted over. */
  #checkStays(path: string, before: Entry, now: Entry | undefined, { nextRemoved }: Found): void {
    const since = this.#baseId;
    const missing = "and is not among what is deleted";
    const stays = now !== undefined && now.line === before.line;
    if (!stays && isBefore(nextRemoved, path)) throw this.notKnown(nextRemoved);
    if (now === undefined) throw this.no(path, `is gone since ${since}, ${missing}`);
    if (this.#removed !== undefined && path.startsWith(this.#removed))
      throw this.no(path, `lies in ${quote(this.#removed)}, which is deleted, ${missing}`);
    if (stays) return;
    const type = typeIn(before.line);
    if (type !== typeIn(now.line)) throw this.no(path, `is of another type than in ${since}, ${missing}`);
    const attributes = attributesIn(before.line);
    if (type === "d" && path !== "" && attributes !== "" && attributes !== attributesIn(now.line))
      throw this.no(path, `has lost extended attributes or ACLs since ${since}, ${missing}`);
  }

  #notPacked(path: string, before: Entry | undefined, { isRemoved, nextPacked }: Found): MoverError {
    if (isBefore(nextPacked, path)) return this.notListed(nextPacked);
    const why = before === undefined ? "is new" : isRemoved ? "is named as deleted" : "has changed";
    return this.no(path, `${why} since ${this.#baseId}, and is not in the archive`);
  }

  /** A directory in which names come or go has other times then, so it has to be in the archive, too. */
  #checkDirectories(path: string, entry: Entry | undefined, before: Entry | undefined, found: Found): void {
    if (this.#removed !== undefined && !path.startsWith(this.#removed)) this.#removed = undefined;
    if (found.isRemoved && before !== undefined && typeIn(before.line) === "d") this.#removed ??= `${path}/`;
    for (let last = this.#open.at(-1); last !== undefined; last = this.#open.at(-1)) {
      if (path.startsWith(last.below)) break;
      this.#open.pop();
    }
    const parent = this.#open.at(-1);
    if ((found.isPacked || found.isRemoved) && parent?.isPacked === false)
      throw this.no(parent.below.slice(0, -1), `is not in the archive, though ${quote(path)} in it has changed`);
    if (entry !== undefined && typeIn(entry.line) === "d")
      this.#open.push({ below: path === "" ? "" : `${path}/`, isPacked: found.isPacked });
  }

  #checkHolder(path: string, { holder }: Entry, before: Entry | undefined, isPacked: boolean): void {
    if (holder === undefined && !isPacked)
      throw this.no(path, "is listed as held by this generation, and is not in its archive");
    if (holder === undefined) return;
    if (isPacked) throw this.no(path, `is in the archive, and listed as held by ${holder}`);
    const known = before?.holder ?? this.#baseId;
    if (holder !== known) throw this.no(path, `is listed as held by ${holder}; by ${this.#baseId} it is ${known}`);
  }

  /** Of a file either all names are in the archive, or none, and then they are names of one file as before. */
  #checkGroup(path: string, inode: string, before: string | undefined, isPacked: boolean): void {
    const group = this.#groups.get(inode);
    if (group === undefined) {
      this.#groups.set(inode, { first: path, isPacked, before });
      if (isPacked || before === undefined) return;
      const owner = this.#owners.get(before);
      this.#owners.set(before, path);
      if (owner !== undefined)
        throw this.no(path, `is not the same file as ${quote(owner)} any more, and is not in the archive`);
      return;
    }
    if (group.isPacked !== isPacked)
      throw this.no(path, `is the same file as ${quote(group.first)}, and only one of them is in the archive`);
    if (!isPacked && group.before !== before)
      throw this.no(path, `has become the same file as ${quote(group.first)}, and is not in the archive`);
  }
}
