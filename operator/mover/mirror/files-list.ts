/**
 * Writes `files.jsonl.zst`: the whole state of the volumes, one JSON object a line, in the order of volumes and in each
 * in the order of names by their bytes, a directory before what is in it. A million files need no more memory than one,
 * but for the names of one directory, some thousand entries whose attributes are asked for at once, and the digests of files that have several names.
 *
 * Keys: `v` volume; `p` path, or `b64` the bytes of a path that is not UTF-8; `t` type (f d l p c b); `s` size of a regular
 * file; `m` mode, octal; `u` `g` numeric owner; `mt` modification time, ns since the epoch; `i` inode and `n` number of names
 * when a file has several (equal `v` and `i` mean the same file); `l` or `lb64` target of a symbolic link; `r` device
 * number; `x` digest of the extended attributes, ACLs among them, of an entry that has any, see extended-attributes.ts;
 * `h` SHA-256 of the content; `in` the generation whose archive holds the content, absent when it is this one. Change times are
 * not listed: those of the mirror say nothing about the app's file.
 */
import { isUtf8 } from "node:buffer";
import { createWriteStream, type BigIntStats } from "node:fs";
import { Readable } from "node:stream";
import { setImmediate as breathe } from "node:timers/promises";
import { pipeline } from "../exec.ts";
import { privateFile } from "../store/durable.ts";
import { HashTap, type Digest } from "../store/digest.ts";
import { argvCompress } from "../tools/zstd.ts";
import { digestContent } from "./content.ts";
import { digestAttributes } from "./extended-attributes.ts";
import { Tree, type TreeEntry } from "./tree.ts";

export interface ListedVolume {
  readonly name: string;
  readonly mirror: string;
}

export interface VolumeTotals {
  /** Entries in the list, the root of the volume included. */
  readonly members: number;
  /** Entries that are not directories. */
  readonly files: number;
  /** Each hard-linked file once. */
  readonly bytes: number;
  /** What they take on the disk of the mirror, which knows their holes. */
  readonly allocated: number;
  /** Sockets, which are in no archive. */
  readonly skipped: number;
}

export interface FilesListOptions {
  readonly volumes: readonly ListedVolume[];
  readonly target: string;
  /** False: as generations of format 1 have it, without `x`. */
  readonly attributes?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (files: number, bytes: number) => void;
}

export interface FilesList {
  readonly stored: Digest;
  /** In the order of the volumes that were asked for. */
  readonly totals: readonly VolumeTotals[];
}

/** Whose attributes are asked for at once: as many as make the start of a process cheap. */
const windowEntries = 4096;
const windowCharacters = 512 * 1024;
/** Of the kernel's counting, whatever the file system's are. */
export const blockBytes = 512;
const batchCharacters = 64 * 1024;

export async function writeFilesList(options: FilesListOptions): Promise<FilesList> {
  const totals: VolumeTotals[] = [];
  const tap = new HashTap();
  const stdin = Readable.from(batches(options, totals), { objectMode: false });
  const stdout = [tap, createWriteStream(options.target, { mode: privateFile, flags: "wx" })] as const;
  await pipeline([{ argv: argvCompress(1) }], { stdin, stdout, signal: options.signal });
  return { stored: tap.digest(), totals };
}

async function* batches(options: FilesListOptions, totals: VolumeTotals[]): AsyncGenerator<string> {
  let batch = "";
  let done = 0;
  let read = 0;
  for (const volume of options.volumes) {
    const tree = new Tree(volume.mirror);
    let [members, files, bytes, allocated, skipped] = [0, 0, 0, 0, 0];
    try {
      const entries = digested(tree, withAttributes(tree, volume.mirror, options), true);
      for await (const { entry, digest, first } of entries) {
        const { stat } = entry;
        const line = describe(volume.name, tree, entry);
        if (line === undefined) {
          skipped += 1;
          continue;
        }
        members += 1;
        if (!stat.isDirectory()) files += 1;
        if (first) {
          read += Number(stat.size);
          bytes += Number(stat.size);
          allocated += Math.min(Number(stat.size), Number(stat.blocks) * blockBytes);
        }
        batch += `${closeLine(line, digest)}\n`;
        done += 1;
        if (batch.length < batchCharacters) continue;
        options.onProgress(done, read);
        options.signal.throwIfAborted();
        yield batch;
        batch = "";
        await breathe();
      }
    } finally {
      tree.close();
    }
    totals.push({ members, files, bytes, allocated, skipped });
  }
  yield batch;
}

export interface Entry extends TreeEntry {
  /** Digest of the extended attributes, if there are any. */
  readonly attributes: string | undefined;
}

async function* withAttributes(
  tree: Tree,
  root: string,
  { attributes = true, signal }: FilesListOptions,
): AsyncGenerator<Entry> {
  const together = async (entries: readonly TreeEntry[]): Promise<readonly Entry[]> => {
    const paths = attributes ? entries.map(({ path }) => path) : [];
    const digests = await digestAttributes(root, paths, signal);
    return entries.map((entry) => ({ ...entry, attributes: digests.get(entry.path) }));
  };
  let window: TreeEntry[] = [];
  let characters = 0;
  for (const entry of tree.walk()) {
    window.push(entry);
    characters += entry.path.length;
    if (window.length < windowEntries && characters < windowCharacters) continue;
    yield* await together(window);
    window = [];
    characters = 0;
  }
  yield* await together(window);
}

interface Digested {
  readonly entry: Entry;
  /** Of a regular file. */
  readonly digest: string | undefined;
  /** Whether it is a regular file, and the first name of it. */
  readonly first: boolean;
}

/** So much is read ahead while digests are made by other threads. */
const aheadBytes = 8 * 1024 * 1024;
const aheadEntries = 1024;

/** In their order; memory grows with the number of files that have several names only. */
export async function* digested(tree: Tree, entries: AsyncIterable<Entry>, threads: boolean): AsyncGenerator<Digested> {
  type Begun = Omit<Digested, "digest"> & { readonly digest: string | Promise<string> | undefined };
  const linked = new Map<bigint, { readonly digest: string | Promise<string>; left: bigint }>();
  const begin = (entry: Entry): Begun => {
    const { path, stat } = entry;
    if (!stat.isFile()) return { entry, digest: undefined, first: false };
    const other = linked.get(stat.ino);
    if (other === undefined) {
      const digest = digestContent(tree, path, stat, threads);
      if (stat.nlink > 1n) linked.set(stat.ino, { digest, left: stat.nlink - 1n });
      return { entry, digest, first: true };
    }
    other.left -= 1n;
    if (other.left === 0n) linked.delete(stat.ino);
    return { entry, digest: other.digest, first: false };
  };
  const ahead: Begun[] = [];
  let bytes = 0;
  const sizeOf = ({ entry, digest }: Begun): number => (digest instanceof Promise ? Number(entry.stat.size) : 0);
  const next = async (begun: Begun): Promise<Digested> => {
    bytes -= sizeOf(begun);
    return { ...begun, digest: await begun.digest };
  };
  for await (const entry of entries) {
    const begun = begin(entry);
    bytes += sizeOf(begun);
    ahead.push(begun);
    for (let [head] = ahead; head !== undefined; [head] = ahead) {
      if (head.digest instanceof Promise && bytes <= aheadBytes && ahead.length <= aheadEntries) break;
      ahead.shift();
      yield await next(head);
    }
  }
  for (const begun of ahead) yield await next(begun);
}

/** @param line of `describe` @param digest of a regular file */
export const closeLine = (line: string, digest?: string): string =>
  digest === undefined ? `${line}}` : `${line},"h":"${digest}"}`;

/** The line without digest and end; undefined for what is in no archive. */
export function describe(volume: string, tree: Tree, { path, stat, attributes }: Entry): string | undefined {
  const type = typeOf(stat);
  if (type === undefined) return undefined;
  const fields = [
    `{"v":"${volume}"`,
    nameField("p", "b64", path === "" ? "." : path),
    `"t":"${type}"`,
    ...(type === "f" ? [`"s":${stat.size}`] : []),
    `"m":"${(Number(stat.mode) & 0o7777).toString(8)}"`,
    `"u":${stat.uid},"g":${stat.gid},"mt":"${stat.mtimeNs}"`,
    ...(type !== "d" && stat.nlink > 1n ? [`"i":"${stat.ino}","n":${stat.nlink}`] : []),
    ...(type === "l" ? [nameField("l", "lb64", tree.link(path))] : []),
    ...(type === "c" || type === "b" ? [`"r":"${stat.rdev}"`] : []),
    ...(attributes === undefined ? [] : [`"x":"${attributes}"`]),
  ];
  return fields.join(",");
}

function typeOf(stat: BigIntStats): string | undefined {
  if (stat.isFile()) return "f";
  if (stat.isDirectory()) return "d";
  if (stat.isSymbolicLink()) return "l";
  if (stat.isFIFO()) return "p";
  if (stat.isCharacterDevice()) return "c";
  if (stat.isBlockDevice()) return "b";
  return undefined;
}

function nameField(key: string, rawKey: string, bytes: string): string {
  const raw = Buffer.from(bytes, "latin1");
  return isUtf8(raw) ? `"${key}":${JSON.stringify(raw.toString("utf8"))}` : `"${rawKey}":"${raw.toString("base64")}"`;
}
