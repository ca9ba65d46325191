/** Command line of the rsync that brings a generation to a mounted sink. Builds words only; never runs anything. */
import type { Argv } from "../exec.ts";

/** Where rsync keeps what it has of a file when it is interrupted; emptied by rsync itself when the file is whole. */
export const partialDirectory = ".rsync-partial";

/**
 * Owner and group are not carried over: they are those of the mover, not of the data, and a share that maps users would
 * refuse them. `--delete` removes what an interrupted older attempt may have left of files that are not in this generation.
 *
 * @param from directory of the generation @param into staging directory at the sink
 */
export function argvDelivery(from: string, into: string, withoutFiles: readonly string[]): Argv {
  return [
    "rsync",
    "--archive",
    "--no-owner",
    "--no-group",
    "--numeric-ids",
    "--delete",
    `--partial-dir=${partialDirectory}`,
    ...withoutFiles.map((name) => `--exclude=/${name}`),
    "--",
    `${from}/`,
    `${into}/`,
  ];
}
