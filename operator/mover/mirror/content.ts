/**
 * SHA-256 of the content of files. Small ones at once, because a thread costs more; those of some megabytes by other threads, where there are many of
 * them; all others in pieces: what a thread digests is copied for it, which costs as much as the digest.
 */
import { createHash, hash as hashOnce, webcrypto } from "node:crypto";
import { closeSync, readSync, type BigIntStats } from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { MoverError } from "../errors.ts";
import type { Tree } from "./tree.ts";

const smallBytes = 128 * 1024;
/** Longer ones would take too much memory: what a thread digests is copied for it. */
const wholeBytes = 16 * 1024 * 1024;
const pieceBytes = 256 * 1024;
/** So many pieces between two looks at what else there is to do. */
const piecesAtOnce = 32;
const piece = Buffer.allocUnsafeSlow(pieceBytes);
const small = Buffer.allocUnsafe(smallBytes);
/** Made when it is first needed, and used for each file: memory that is thrown away is not free for long. */
let whole: Buffer<ArrayBuffer> | undefined;

/**
 * @param threads whether there is so much to digest that other threads are worth what they cost
 * @returns a promise where it is worth to begin the next one meanwhile; nobody need wait for it at once
 * @throws MoverError HO-A404 when the file is not as long as it was a moment ago
 */
export function digestContent(tree: Tree, path: string, stat: BigIntStats, threads: boolean): string | Promise<string> {
  const size = Number(stat.size);
  if (size < smallBytes) {
    const content = readWhole(tree, path, small);
    if (content.length !== size) throw changed(path);
    return hashOnce("sha256", content, "hex");
  }
  const digest = threads && size <= wholeBytes ? digestWhole(tree, path, size) : digestPieces(tree, path, size);
  digest.catch(() => undefined);
  return digest;
}

const aheadBytes = 8 * 1024 * 1024;
const aheadPieces = 1024;

/** Work that nobody waits for before so much of it is under way. */
export class Ahead {
  readonly #work: Promise<void>[] = [];
  #bytes = 0;

  /** @throws what any work before has thrown */
  async add(work: Promise<void>, bytes: number): Promise<void> {
    work.catch(() => undefined);
    this.#work.push(work);
    this.#bytes += bytes;
    if (this.#bytes > aheadBytes || this.#work.length > aheadPieces) await this.end();
  }

  async end(): Promise<void> {
    this.#bytes = 0;
    await Promise.all(this.#work.splice(0));
  }
}

async function digestWhole(tree: Tree, path: string, size: number): Promise<string> {
  whole ??= Buffer.allocUnsafeSlow(wholeBytes + 1);
  const content = readWhole(tree, path, whole);
  if (content.length !== size) throw changed(path);
  // Copied at once, so the next one may be read.
  return Buffer.from(await webcrypto.subtle.digest("SHA-256", content)).toString("hex");
}

/** @returns what there is, at most as much as the buffer holds */
function readWhole(tree: Tree, path: string, buffer: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const file = tree.open(path);
  try {
    let length = 0;
    for (let count = -1; count !== 0 && length < buffer.length; length += count)
      count = readSync(file, buffer, length, buffer.length - length, null);
    return buffer.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/** With pauses, so that a large file does not keep signals and the timer of the claim waiting. */
async function digestPieces(tree: Tree, path: string, size: number): Promise<string> {
  const hash = createHash("sha256");
  const file = tree.open(path);
  let length = 0;
  try {
    for (let pieces = 1; ; pieces += 1) {
      const count = readSync(file, piece, 0, piece.length, null);
      if (count === 0) break;
      hash.update(piece.subarray(0, count));
      length += count;
      if (pieces % piecesAtOnce === 0) await breathe();
    }
  } finally {
    closeSync(file);
  }
  if (length !== size) throw changed(path);
  return hash.digest("hex");
}

const changed = (path: string): MoverError =>
  new MoverError("HO-A404", `the mirror changed while it was read: ${JSON.stringify(path)}`);
