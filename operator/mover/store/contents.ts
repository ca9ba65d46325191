/**
 * Compares what lies in the directory of a generation with its manifest: names and sizes at a glance, or every byte. Says
 * what differs; never changes anything.
 */
import { readdir, readFile, lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "../../domain/manifest.ts";
import { errnoOf } from "../errors.ts";
import { run } from "../exec.ts";
import { digestFile, digestText } from "./digest.ts";
import { checksumsFile, manifestDigestFile, manifestFile } from "./layout.ts";

type ManifestFile = Manifest["files"][number];

export interface CompareOptions {
  /** Which files are read as a whole; the others are only looked at. */
  readonly read: (file: ManifestFile) => boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Comparison {
  /** First difference, as a sentence; absent when all is equal. */
  readonly difference?: string;
  /** Bytes that were read. */
  readonly bytes: number;
}

/** @throws on errors of the file system as a whole; a file that cannot be read is a difference. */
export async function compareContents(path: string, manifest: Manifest, options: CompareOptions): Promise<Comparison> {
  const shape = await compareShape(path, manifest);
  if (shape !== undefined) return { difference: shape, bytes: 0 };
  const sums = await compareChecksums(path, manifest);
  if (sums !== undefined) return { difference: sums, bytes: 0 };
  let bytes = 0;
  for (const file of manifest.files) {
    if (!options.read(file)) continue;
    const found = await readWhole(join(path, file.path), file.size, options.signal);
    if (typeof found === "string") return { difference: `${file.path} cannot be read (${found})`, bytes };
    bytes += found.size;
    if (found.size !== file.size || found.sha256 !== file.sha256)
      return { difference: `${file.path} does not have the digest of the manifest`, bytes };
  }
  return { bytes };
}

/** Names, kinds and sizes. Only regular files in directories are ever stored. */
export async function compareShape(path: string, manifest: Manifest): Promise<string | undefined> {
  const expected = new Map(manifest.files.map((file) => [file.path, file.size]));
  const own = new Set([manifestFile, manifestDigestFile, checksumsFile]);
  for await (const found of filesBelow(path)) {
    const size = expected.get(found.path);
    if (!found.regular) return `${found.path} is not a regular file`;
    if (size === undefined) {
      if (own.has(found.path)) continue;
      return `${found.path} is not in the manifest`;
    }
    if (size !== found.size) return `${found.path} has ${found.size} bytes, the manifest says ${size}`;
    expected.delete(found.path);
  }
  const [missing] = expected.keys();
  return missing === undefined ? undefined : `${missing} is missing`;
}

export interface FoundFile {
  /** Relative. */
  readonly path: string;
  readonly size: number;
  readonly regular: boolean;
}

/** Everything below a directory that is not a directory itself. */
export async function* filesBelow(root: string, prefix = ""): AsyncGenerator<FoundFile> {
  for (const entry of await readdir(join(root, prefix), { withFileTypes: true })) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, path);
    else yield { path, size: (await lstat(join(root, path))).size, regular: entry.isFile() };
  }
}

/** SHA256SUMS is for people with nothing but sha256sum: it must say what the manifest says. */
async function compareChecksums(path: string, manifest: Manifest): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(join(path, checksumsFile), "utf8");
  } catch (error) {
    return errnoOf(error) === "ENOENT"
      ? `${checksumsFile} is missing`
      : `${checksumsFile} cannot be read (${errnoOf(error) ?? "error"})`;
  }
  const listed = manifest.files.find((file) => file.path === checksumsFile);
  if (listed !== undefined && listed.sha256 !== digestText(text))
    return `${checksumsFile} does not have the digest of the manifest`;
  const lines = new Set(text.split("\n"));
  const lacking = manifest.files.find(
    (file) => file.path !== checksumsFile && !lines.has(`${file.sha256}  ${file.path}`),
  );
  return lacking === undefined ? undefined : `${checksumsFile} does not have the digest of ${lacking.path}`;
}

/** Below this, asking the kernel to forget a file costs more than it proves. */
const dropCacheFrom = 1024 * 1024;

/**
 * Reads from the disk rather than from the memory of the machine that has just written, as far as the kernel heeds it. Node
 * has no posix_fadvise; dd does it for the whole file when it is told to copy nothing.
 */
async function readWhole(
  path: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly sha256: string; readonly size: number } | string> {
  if (size >= dropCacheFrom)
    await run(["dd", `if=${path}`, "iflag=nocache", "count=0", "status=none"], { signal }).catch(() => undefined);
  signal?.throwIfAborted();
  try {
    return await digestFile(path, signal);
  } catch (error) {
    signal?.throwIfAborted();
    const errno = errnoOf(error);
    // The disk gave the file up. Anything else, such as a share that went away, says nothing about the copy.
    if (errno === "EIO" || errno === "EBADMSG" || errno === "EUCLEAN" || errno === "ENOENT") return errno;
    throw error;
  }
}
