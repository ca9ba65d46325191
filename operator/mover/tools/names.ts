/** Command lines for files of names that are closed by a NUL. Builds words only. */
import type { Argv } from "../exec.ts";

/** The names of a file, the last one first, to standard output; in constant memory. The name of the file is ours, never a user's. */
export const argvReverseNames = (file: string): Argv => ["tac", "--separator=", "--", file];
