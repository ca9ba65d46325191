/**
 * Command lines of GNU tar, run in the directory whose content is meant, so that no name of a user is ever an argument.
 * Exit codes: 0 success; 1 a file changed while it was read, or a comparison found a difference; 2 fatal.
 */
import type { Argv } from "../exec.ts";

/** Records of 64 KiB, as much as goes through a pipe at once. By default they have 10, and half of tar's time is for its calls. */
const records = "--blocking-factor=128";
const attributes = [
  "--xattrs",
  "--xattrs-include=*",
  // Of the node and not of the app, and only the kernel's administrator may set them: labels of SELinux, sums of IMA, and so on.
  "--xattrs-exclude=security.[!c]*",
  "--acls",
  "--numeric-owner",
] as const;

const create = [
  "tar",
  "--create",
  "--file=-",
  records,
  "--format=posix",
  "--pax-option=delete=atime,delete=ctime",
  ...attributes,
  "--sparse",
  "--warning=no-file-ignored",
] as const;

/**
 * The whole working directory to standard output. Access and change times are left out: they are those of the mirror
 * and say nothing about the app's file. Sorted, so that equal states give equal archives.
 */
export const argvCreate = (): Argv => [...create, "--sort=name", "."];

/** The entries of the working directory that standard input names, each closed by a NUL, and nothing below them. */
export const argvCreateNamed = (): Argv => [
  ...create,
  "--no-recursion",
  "--null",
  "--verbatim-files-from",
  "--files-from=-",
];

/**
 * Compares an archive from standard input with the working directory: content, size, mode, owner, modification time,
 * links. Prints the name of each member, escaped, on a line; and of each difference a line, with exit code 1.
 */
export const argvCompare = (): Argv => [
  "tar",
  "--compare",
  "--verbose",
  "--file=-",
  records,
  ...attributes,
  "--quoting-style=escape",
];

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** The path, bytes as latin1 and "" for the root, of a member as `argvCompare` prints it. */
export function memberPath(line: string): string {
  const path = line.slice(2, line.endsWith("/") ? -1 : undefined);
  if (!path.includes("\\")) return path;
  return path.replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (escapes[code] ?? code),
  );
}

/** Extracts standard input into the working directory, with owners, modes, times and attributes as recorded. */
export const argvExtract = (): Argv => [
  "tar",
  "--extract",
  "--file=-",
  records,
  ...attributes,
  "--same-permissions",
  "--same-owner",
  "--delay-directory-restore",
  "--sparse",
];
