/**
 * Command lines of rsync between a volume (the working directory) and its mirror, what its exit codes mean, and what it
 * prints. Names of users are never arguments: what is selected goes in as filter rules.
 */
import type { Argv } from "../exec.ts";

export interface Selection {
  /** Relative to the root of the volume; "." alone means everything. */
  readonly paths: readonly string[];
  /** Relative to the root of the volume; `*` inside one path segment, `**` across segments. */
  readonly exclude: readonly string[];
}
/** What the file system of the mirror can keep. */
export interface Attributes {
  readonly acls: boolean;
  readonly xattrs: boolean;
}

/** Some files could not be read or written. */
export const partialTransfer = 23;
/** Files vanished between the scan and the copy. */
export const vanishedSource = 24;

/**
 * Twice `--xattrs`: also those that rsync itself keeps, for an app that is the target of `rsync --fake-super`. The labels and sums
 * that a node's kernel keeps (SELinux, IMA) are not the app's, and a pod may not set them; system.* are the ACLs, which --acls
 * carries. `sr`, on both sides: with --delete-excluded a rule is the sender's alone, and the receiver would remove the ACLs that
 * it has just written.
 */
export const extendedAttributes = [
  "--xattrs",
  "--xattrs",
  "--filter=+xsr security.capability",
  "--filter=-xsr security.*",
  "--filter=-xsr system.*",
] as const;

/**
 * `--inplace --no-whole-file`: one dirty page of a 1 GB file costs 0.8 s instead of 5.9; right only because nothing else links to the files of
 * the mirror. `--modify-window=-1`: times are compared to the nanosecond, by default only to the second.
 */
const common = (attributes: Attributes): readonly string[] => [
  "--archive",
  "--hard-links",
  "--numeric-ids",
  "--sparse",
  "--inplace",
  "--no-whole-file",
  "--modify-window=-1",
  ...(attributes.acls ? ["--acls"] : []),
  ...(attributes.xattrs ? extendedAttributes : []),
];

/** Makes the mirror equal to the volume; what is not selected is removed from the mirror. */
export const argvMirror = (mirror: string, selection: Selection, attributes: Attributes): Argv => [
  "rsync",
  ...common(attributes),
  "--delete",
  "--delete-excluded",
  ...filters(selection),
  ...reporting,
  "./",
  `${mirror}/`,
];

/** The files of a NUL-separated list, to which nothing happens when size and modification time are equal but for their attributes. */
export const argvMirrorListed = (
  mirror: string,
  listFile: string,
  selection: Selection,
  attributes: Attributes,
  ...more: readonly string[]
): Argv => [
  "rsync",
  ...common(attributes),
  ...more,
  `${filesFrom}${listFile}`,
  "--from0",
  "--ignore-missing-args",
  ...filters(selection),
  "./",
  `${mirror}/`,
];

const filesFrom = "--files-from=";
/** The list that it is given, if any. */
export const listFileOf = (argv: Argv): string | undefined =>
  argv.find((argument) => argument.startsWith(filesFrom))?.slice(filesFrom.length);

/** Compares the files of the list by content: finds an edit that kept size and modification time. */
export const argvCompareContent = (
  mirror: string,
  listFile: string,
  selection: Selection,
  attributes: Attributes,
  ...more: readonly string[]
): Argv => argvMirrorListed(mirror, listFile, selection, attributes, "--checksum", ...more);

/** Owner, mode, times, ACL and attributes of the root alone. */
export const argvMirrorRoot = (mirror: string, attributes: Attributes): Argv => [
  "rsync",
  ...common(attributes),
  "--no-recursive",
  "--dirs",
  "--filter=- /*",
  "./",
  `${mirror}/`,
];

/** What a pass into the mirror would do: counts only. The mirror need not exist. */
export const argvEstimate = (mirror: string, selection: Selection): Argv => [
  "rsync",
  "--archive",
  "--modify-window=-1",
  "--dry-run",
  // A file where the mirror has a directory that is not empty.
  "--force",
  ...filters(selection),
  ...reporting,
  "./",
  `${mirror}/`,
];

const reporting = ["--stats", "--no-human-readable"] as const;

/** Patterns of the policy are relative to the root, so they are anchored; a leading double star means any depth, the root too. */
function filters(selection: Selection): readonly string[] {
  // The second rule is for names from a list: rsync does not look at the directories that such a name lies in.
  const excludes = selection.exclude.flatMap((pattern) => {
    const anchored = pattern.startsWith("**/") ? pattern.slice(3) : `/${pattern}`;
    return [anchored, `${anchored}/**`].map((rule) => `--filter=- ${escape(rule, /[\\[]/g)}`);
  });
  // A fresh ext4 volume has this at its root, and so will the one that is restored to.
  // The others are what a restore has put beside the app's state, such as the state that it replaced.
  const restores = `/.handover-${"[0-9a-f]".repeat(8)}`;
  const rules = [
    "--filter=- /lost+found/",
    "--filter=- /lost+found/**",
    `--filter=- ${restores}/`,
    `--filter=- ${restores}/**`,
    ...excludes,
  ];
  if (selection.paths.includes(".")) return rules;
  const includes = selection.paths.flatMap((path) => {
    const segments = path.split("/");
    const parents = segments.slice(0, -1).map((_segment, index) => `/${segments.slice(0, index + 1).join("/")}/`);
    const literal = [...parents, `/${path}`].map((rule) => escape(rule, /[\\*?[]/g));
    return [...literal, `/${path.replaceAll(/[\\*?[]/g, String.raw`\$&`)}/**`].map((rule) => `--filter=+ ${rule}`);
  });
  return [...rules, ...new Set(includes), "--filter=- *"];
}

/**
 * rsync knows classes in brackets, which our patterns do not; and a backslash quotes only in a rule that has a wildcard somewhere.
 * @param meant what is to be taken as it stands
 */
const escape = (rule: string, meant: RegExp): string =>
  /[*?[]/.test(rule) ? rule.replaceAll(meant, String.raw`\$&`) : rule;

export interface RsyncStats {
  /** Entries of every kind, the root included. */
  readonly entries: number;
  /** Entries that are not directories. */
  readonly files: number;
  /** Entries that are new in the mirror. */
  readonly created: number;
  readonly bytes: number;
  /** Sizes of the files that differ. */
  readonly transferred: number;
}

/** @returns undefined when the text is not what `--stats` prints. */
export function parseStats(text: string): RsyncStats | undefined {
  const number = (pattern: RegExp): number | undefined => {
    const found = pattern.exec(text)?.[1];
    return found === undefined ? undefined : Number(found.replaceAll(",", ""));
  };
  const entries = number(/^Number of files: ([0-9,]+)/m);
  const bytes = number(/^Total file size: ([0-9,]+)/m);
  if (entries === undefined || bytes === undefined) return undefined;
  // Kinds that there are none of are not printed.
  const directories = number(/^Number of files: .*\bdir: ([0-9,]+)/m) ?? 0;
  const created = number(/^Number of created files: ([0-9,]+)/m) ?? 0;
  const transferred = number(/^Total transferred file size: ([0-9,]+)/m) ?? 0;
  return { entries, files: entries - directories, created, bytes, transferred };
}

/** The first file of the source that rsync could not read, from what it wrote to standard error, with the reason. */
export function firstUnreadable(stderr: string): string | undefined {
  const [, long] = /^filename overflows max-path len by [0-9]+: (.*)$/m.exec(stderr) ?? [];
  if (long !== undefined) return `${long.slice(0, 200)}…: the path is longer than a system call takes, 4,096 bytes`;
  const lines = stderr.split("\n").filter((line) => !shrunk.test(line));
  const found = /^rsync: \[sender\] .*?"(.*)"(?: \(in .*\))?: (.*) \([0-9]+\)$/m.exec(lines.join("\n"));
  return found === null ? undefined : `${found[1]}: ${found[2]}`;
}

/** Says rsync of a file that has become shorter than it was when it was listed. */
const shrunk = /^rsync: \[sender\] read errors mapping .*: No data available \(61\)$/;

/** Names of files that were written to while they were copied, relative to the root; what is held of them is not what they were. */
export const changedFiles = (stderr: string): readonly string[] =>
  stderr.split("\n").flatMap((line) => /^ERROR: (.*) failed verification -- /.exec(line)?.[1] ?? []);

/**
 * Whether a file was gone before its ACL or attributes were read. Unlike one that goes later, it counts as an error of reading, after
 * which rsync deletes nothing in the mirror.
 */
export const vanishedListed = (stderr: string): boolean =>
  /^rsync: \[sender\] get_(?:acl|xattr)\w*: .*: No such file or directory \(2\)$/m.test(stderr);

/**
 * Whether a pass that is repeated will succeed: where a name is a link to a file that is in the mirror already, and the mirror has a
 * directory of that name, rsync 3.5.0 puts the link in its place, and then asks it for the default ACL that only a directory has.
 */
export const isWorthRepeating = (stderr: string): boolean =>
  /get_acl: sys_acl_get_file\(.*, ACL_TYPE_DEFAULT\): Permission denied/.test(stderr);

/** Whether rsync failed because the target knows no extended attributes or no ACLs. */
export function unsupportedAttributes(stderr: string): { readonly acls: boolean; readonly xattrs: boolean } {
  const lines = stderr.split("\n").filter((line) => /Operation not supported|not supported/.test(line));
  return { acls: lines.some((line) => /acl/i.test(line)), xattrs: lines.some((line) => /xattr/i.test(line)) };
}
