/** Command lines of GNU cp. Builds words only. */
import type { Argv } from "../exec.ts";

/**
 * Files of the working directory into another one, with the times by which rsync finds them equal. A name that has become something else
 * than a file is copied as that: a pipe would be waited for.
 * @param names of one directory, without slashes
 */
export const argvCopyInto = (directory: string, names: readonly string[]): Argv => [
  "cp",
  "--recursive",
  "--no-dereference",
  "--preserve=mode,ownership,timestamps",
  `--target-directory=${directory}`,
  "--",
  ...names.map((name) => `./${name}`),
];
