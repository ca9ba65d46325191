/** Command lines that list a tree, sort the records and compare two such lists. Run in the tree, so that no name is an argument. */
import type { Argv } from "../exec.ts";

/** What the same walk tells besides. */
export interface Also {
  /** Inodes and names of what has a change time not before `since`: `inode name`. */
  readonly changed?: { readonly since: string; readonly into: string };
  /** Files of more than 64 MiB: `blocks size name`. */
  readonly large?: string;
  /** Of an app that runs: whoever goes away while the tree is walked is no error. */
  readonly mayVanish?: boolean;
}

/** In the words of find: more than 64 MiB. */
export const largeFile = ["-type", "f", "-size", "+131072"] as const;

/**
 * Inode, change and modification time, type, size, number of names, blocks of 512 bytes, owner, group, mode, and at the end the name, which may hold spaces.
 * The root has an empty one.
 */
const record = String.raw`%i %C@ %T@ %y %s %n %b %U %G %m %P\0`;

export const argvInventory = ({ changed, large, mayVanish = false }: Also = {}): Argv => [
  "find",
  ".",
  ...(mayVanish ? ["-ignore_readdir_race"] : []),
  ...(large === undefined ? [] : ["(", ...largeFile, "-fprintf", large, String.raw`%b %s %P\0`, ")", ","]),
  ...(changed === undefined
    ? []
    : ["(", "-newerct", `@${changed.since}`, "-fprintf", changed.into, String.raw`%i %P\0`, ")", ","]),
  "-printf",
  record,
];

/** What stays the same wherever a tree lies: neither inodes, which some file systems make up anew, nor blocks. A name has no two slashes in a row. */
export const argvStaged = (): Argv => {
  const owner = "%m %U %G %T@";
  const others = ["-printf", String.raw`%y ${owner} %s %n %P//%l\0`] as const;
  return ["find", ".", "-type", "d", "-printf", String.raw`d ${owner} %P\0`, "-o", ...others];
};

/** Memory of `sort` grows with nothing: what it cannot hold goes to the directory. */
export const argvSort = (target: string, directory: string): Argv => [
  "sort",
  "--zero-terminated",
  "--buffer-size=32M",
  "--parallel=1",
  `--temporary-directory=${directory}`,
  `--output=${target}`,
];

export const standardInput = "-";

/** Of two sorted files: what the one alone has, and indented, what the other alone has. */
export const argvDifferences = (one: string, other: string): Argv => ["comm", "--zero-terminated", "-3", one, other];

/**
 * What a list says of an entry too, in the form of `describeListed`: nothing of the mirror alone, but which names share a file. A name has no two
 * slashes in a row, so what follows them is the target of a link. Sockets are in no list, and find cannot tell the numbers of a device.
 */
export const argvDescribe = (): Argv => {
  const owner = "%m %U %G %T@";
  const rest = String.raw`%P\0`;
  const shared = `%i/%n ${rest}`;
  const target = String.raw`%P//%l\0`;
  const oneName = ["-links", "1"] as const;
  const clauses = [
    ["-type", "s", "-o", "-type", "d", "-printf", `d ${owner} ${rest}`],
    ["-type", "f", ...oneName, "-printf", `f %s ${owner} ${rest}`],
    ["-type", "f", "-printf", `f %s ${owner} ${shared}`],
    ["-type", "l", ...oneName, "-printf", `l ${owner} ${target}`],
    ["-type", "l", "-printf", `l ${owner} %i/%n ${target}`],
    [...oneName, "-printf", `%y ${owner} ${rest}`],
    ["-printf", `%y ${owner} ${shared}`],
  ];
  return ["find", ".", ...clauses.flatMap((clause, index) => (index === 0 ? clause : ["-o", ...clause]))];
};
