/** Command lines that a restore of a volume needs beside those of tar and zstd. Builds words only. */
import type { Argv } from "../exec.ts";
import { extendedAttributes } from "./rsync.ts";

/** Gives the working directory the owner, mode and attributes of another directory below it, and nothing else of it. */
export const argvCopyAttributes = (from: string, attributes: boolean): Argv => [
  "rsync",
  "--archive",
  "--no-recursive",
  "--dirs",
  "--omit-dir-times",
  "--numeric-ids",
  ...(attributes ? ["--acls", ...extendedAttributes] : []),
  "--exclude=*",
  "--",
  `./${from}/`,
  "./",
];

/** Lets the owner into every directory of a tree, so that it can be removed: as a user without capabilities, from those that nobody may write to. */
export const argvOpenDirectories = (path: string): Argv => {
  const closed = ["-xdev", "-type", "d", "!", "-perm", "-u=rwx"] as const;
  return ["find", path, ...closed, "-exec", "chmod", "u+rwx", "{}", ";"];
};

/**
 * Makes every directory that lies in one directory in another one too, with the same attributes, and nothing else of it.
 * @param attributes whether ACLs and extended attributes are among them
 */
export const argvCopyDirectories = (from: string, to: string, attributes: boolean): Argv => [
  "rsync",
  "--archive",
  "--numeric-ids",
  "--modify-window=-1",
  ...(attributes ? ["--acls", ...extendedAttributes] : []),
  "--include=*/",
  "--exclude=*",
  "--",
  `./${from}/`,
  `./${to}/`,
];

/** Says of which kind the file system of the working directory is. */
export const argvFileSystem = (): Argv => ["stat", "--file-system", "--format=%T", "."];

/** The rm of the system, because the names in a volume need not be UTF-8. Never leaves the file system. */
export const argvRemoveTree = (path: string): Argv => ["rm", "-rf", "--one-file-system", "--", path];

/** Gives the working directory a modification time, and leaves its access time. @param time nanoseconds since 1970 */
export const argvSetTime = (time: bigint): Argv => argvSetTimeOf("./", time);

/** @param path not a name of a user */
export function argvSetTimeOf(path: string, time: bigint): Argv {
  const distance = time < 0n ? -time : time;
  const seconds = `${distance / 1_000_000_000n}.${String(distance % 1_000_000_000n).padStart(9, "0")}`;
  return ["touch", "--no-create", "-m", `--date=@${time < 0n ? "-" : ""}${seconds}`, path];
}
