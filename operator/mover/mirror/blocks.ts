/**
 * Brings the content of files that the mirror has already, where it differs at the same place of a file. rsync looks for each piece of a
 * file everywhere in the other: for a file that was replaced or has grown that takes ten times as long, and here nothing is sent over a network. It is a
 * preparation only, of files that are large enough for it: rsync comes after it, compares them by content, and brings whatever is missing.
 */
import { closeSync, constants, fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { errnoOf } from "../errors.ts";
import type { Below } from "./below.ts";
import { hasHoles } from "./sparse-files.ts";

/** Below this, to look at a file costs more than is won. */
export const smallestFile = 32 * 1024;
/** Both fit into the processor's own memory. */
const pieceBytes = 256 * 1024;
/** What is written when one byte of it differs. */
const blockBytes = 32 * 1024;
/** So many pieces between two looks at what else there is to do, such as a signal to end. */
const piecesAtOnce = 32;

const piece = { source: Buffer.alloc(0), mirror: Buffer.alloc(0) };

/** @param names of files, in the order of the tree */
export async function bringBlocks(
  { source, mirror }: { readonly source: Below; readonly mirror: Below },
  names: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  if (piece.source.length === 0) {
    piece.source = Buffer.allocUnsafeSlow(pieceBytes);
    piece.mirror = Buffer.allocUnsafeSlow(pieceBytes);
  }
  for (const name of names) {
    signal.throwIfAborted();
    const from = source.open(name, constants.O_RDONLY);
    const to = from === undefined ? undefined : mirror.open(name, constants.O_RDWR);
    try {
      if (from !== undefined && to !== undefined && isWorthwhile(from, to)) await bringFile(from, to, signal);
    } catch (error) {
      signal.throwIfAborted();
      // Whatever it was, rsync meets it as well, and says what it means.
      if (errnoOf(error) === undefined) throw error;
    } finally {
      for (const fd of [from, to]) if (fd !== undefined) closeSync(fd);
    }
  }
}

/** With an equal size and time it is most likely equal, too, and with several names it is for whoever knows them all. */
function isWorthwhile(from: number, to: number): boolean {
  const [source, mirror] = [fstatSync(from, { bigint: true }), fstatSync(to, { bigint: true })];
  if (source.size < smallestFile || mirror.size === 0n || source.nlink > 1n || mirror.nlink > 1n) return false;
  // Holes are for rsync to make: zeros that are written take the room that they do not take in the volume.
  if (hasHoles(source)) return false;
  return source.size !== mirror.size || source.mtimeNs !== mirror.mtimeNs;
}

async function bringFile(from: number, to: number, signal: AbortSignal): Promise<void> {
  let at = 0;
  for (let pieces = 1; ; pieces += 1) {
    const count = readFully(from, piece.source, at);
    const held = readFully(to, piece.mirror, at);
    for (let start = 0; start < count; start += blockBytes) {
      const end = Math.min(start + blockBytes, count);
      const block = piece.source.subarray(start, end);
      const before = piece.mirror.subarray(start, Math.max(start, Math.min(end, held)));
      // Beyond the end of the mirror's there are zeros, without a place on the disk.
      if (before.length === 0 && isZero(block)) continue;
      if (!block.equals(before)) writeFully(to, block, at + start);
    }
    at += count;
    if (count < pieceBytes) break;
    if (pieces % piecesAtOnce !== 0) continue;
    await breathe();
    signal.throwIfAborted();
  }
  ftruncateSync(to, at);
}

const isZero = (block: Buffer): boolean => block.equals(zeros.subarray(0, block.length));
const zeros = Buffer.alloc(blockBytes);

function readFully(file: number, buffer: Buffer, at: number): number {
  let length = 0;
  for (let count = -1; count !== 0 && length < buffer.length; length += count)
    count = readSync(file, buffer, length, buffer.length - length, at + length);
  return length;
}

function writeFully(file: number, block: Buffer, at: number): void {
  for (let done = 0; done < block.length;) done += writeSync(file, block, done, block.length - done, at + done);
}
