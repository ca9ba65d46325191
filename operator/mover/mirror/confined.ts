/**
 * Keeps rsync within the volume that it reads. It lists without following links, but opens a file by its path: an app that puts a link in
 * the place of a directory between the two would have whatever the pod has mounted, such as the generations of others, copied into its
 * own. Landlock lets the kernel refuse that, for a user without any rights, too. Where the node's kernel or setpriv do not know it,
 * rsync runs as it is; see SECURITY.md.
 */
import { statSync } from "node:fs";
import { delimiter, isAbsolute } from "node:path";
import { run, type Argv } from "../exec.ts";

export interface Confines {
  readonly source: string;
  /** In there files get names in several directories, too. */
  readonly mirror: string;
  /** What it is given beside the two. Not all of the scratch space: the containers of a pod share it, and keep passwords there for their tools. */
  readonly file: string | undefined;
}

/** Where rsync and its libraries are. */
const programs = (): readonly string[] =>
  ["/usr", ...(process.env["PATH"] ?? "").split(delimiter)].filter(
    (path) => isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
  );

/**
 * Who writes where is not in doubt, so reading is all that is ruled. Of a right that is not ruled nothing is refused, but for `refer`:
 * without a rule no file gets a name in another directory.
 */
const argvConfined = (argv: Argv, { source, mirror, file }: Confines): Argv => [
  "setpriv",
  "--landlock-access=fs:read-file,read-dir,refer",
  ...[...programs(), source].map((path) => `--landlock-rule=path-beneath:read-file,read-dir:${path}`),
  `--landlock-rule=path-beneath:read-file,read-dir,refer:${mirror}`,
  ...(file === undefined ? [] : [`--landlock-rule=path-beneath:read-file:${file}`]),
  ...argv,
];

let possible: Promise<boolean> | undefined;

async function isPossible(): Promise<boolean> {
  try {
    await run(argvConfined(["rsync", "--version"], { source: "/usr", mirror: "/usr", file: undefined }));
    return true;
  } catch {
    return false;
  }
}

/** The program with which rsync can open nothing else, or rsync as it is. Paths are absolute and exist. */
export async function confined(argv: Argv, confines: Confines): Promise<Argv> {
  possible ??= isPossible();
  return (await possible) ? argvConfined(argv, confines) : argv;
}
