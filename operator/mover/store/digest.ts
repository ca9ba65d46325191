/** SHA-256 of files and of streams on their way, in constant memory. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { Transform, type TransformCallback } from "node:stream";
import { setImmediate as breathe, setTimeout as sleep } from "node:timers/promises";

export interface Digest {
  readonly sha256: string;
  readonly size: number;
}

/** Hashes and counts what flows through it, and changes nothing. `digest()` may be asked once, after the end. */
export class HashTap extends Transform {
  readonly #hash: Hash = createHash("sha256");
  #size = 0;

  readonly #onProgress: (size: number) => void;

  /** @param onProgress is told the bytes so far, often */
  constructor(onProgress: (size: number) => void = () => undefined) {
    super({ highWaterMark: 1024 * 1024 });
    this.#onProgress = onProgress;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
    this.#onProgress(this.#size);
    done(null, chunk);
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  digest(): Digest {
    return { sha256: this.#hash.digest("hex"), size: this.#size };
  }
}

const pieceBytes = 1024 * 1024;

/**
 * Reads the whole file, the next piece while the one before is hashed. Into the same two buffers again and again: a stream makes
 * a new one for each piece, and takes a third more processor time for their pages.
 * @throws when it cannot be read, or the signal aborts.
 */
export async function digestFile(path: string, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  let size = 0;
  const file = await openFile(path, "r");
  try {
    let [buffer, other] = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)];
    let reading = file.read(buffer, 0, pieceBytes, null);
    for (;;) {
      const { bytesRead } = await reading;
      signal?.throwIfAborted();
      if (bytesRead === 0) return { sha256: hash.digest("hex"), size };
      reading = file.read(other, 0, pieceBytes, null);
      // Whoever waits for it next is told.
      reading.catch(() => undefined);
      hash.update(buffer.subarray(0, bytesRead));
      size += bytesRead;
      [buffer, other] = [other, buffer];
    }
  } finally {
    // Waits for what is still being read.
    await file.close();
  }
}

/** As `digestFile`, of a file that was written just now: it is in memory, and what reads ahead from a disk only costs. */
export const digestWritten = async (path: string): Promise<Digest> => await digestGrowing(path, Promise.resolve());

/** How often a file that does not grow at the moment is looked at again, ms. */
const growthMillis = 10;

/**
 * Reads a file from the beginning while a program writes it, out of the memory that the kernel has it in.
 * @param written ends when nothing more will be written @param onProgress is told the bytes so far, often
 */
export async function digestGrowing(
  path: string,
  written: Promise<unknown>,
  onProgress: (size: number) => void = () => undefined,
): Promise<Digest> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(pieceBytes);
  let size = 0;
  let ended = false;
  const end = written.finally(() => (ended = true));
  // Whoever waits for it next is told.
  end.catch(() => undefined);
  const file = await open(path, end);
  try {
    for (;;) {
      // Asked before the file is read: what comes between the two is read in the next round.
      const last = ended;
      const count = readSync(file, buffer, 0, buffer.length, null);
      if (count > 0) {
        hash.update(buffer.subarray(0, count));
        size += count;
        onProgress(size);
        await breathe();
      } else if (last) {
        await end;
        return { sha256: hash.digest("hex"), size };
      }
      // Not a race with the end, which would keep something of each of them until it comes, hours later.
      else await sleep(growthMillis);
    }
  } finally {
    closeSync(file);
  }
}

/** @throws what the writer fails with, for a file that it could not make: that is why there is none */
async function open(path: string, written: Promise<unknown>): Promise<number> {
  try {
    return openSync(path, "r");
  } catch (error) {
    await written;
    throw error;
  }
}

export function digestText(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}
