/** Command lines of the zstd CLI. Node's own zstd is not used: it truncated output with several threads, and has no checksum by default. */
import type { Argv } from "../exec.ts";

/** From standard input to standard output, with a checksum of the content in the frame. @param threads 1 or more */
export const argvCompress = (threads: number): Argv => ["zstd", "-1", `-T${threads}`, "--check", "--quiet", "--stdout"];

/** From standard input to standard output. Truncated or damaged input ends with an exit code other than 0. */
export const argvDecompress = (): Argv => ["zstd", "--decompress", "--quiet", "--stdout"];

/** Reads a file to its end, with its checksum, and writes nothing. Its name is ours, never a user's. */
export const argvTest = (file: string): Argv => ["zstd", "--test", "--quiet", "--", file];
