/**
 * Keeps rsync within the volume that it reads. It lists without following links, but opens a file by its path: an app that puts a link in
 * the place of a directory between the two would have whatever the pod has mounted, such as the generations of others, copied into its
 * own. Landlock lets the kernel refuse that, for a user without any rights, too. Where the node's kernel or setpriv do not know it,
 * rsync runs as it is; see SECURITY.md.
 */
import { existsSync } from "node:fs";
import { delimiter, isAbsolute } from "node:path";
import { run, type Argv } from "../exec.ts";

export interface Confines {
  readonly reads: readonly string[];
  /** In there files get names in several directories, too. */
  readonly writes: string;
}

/** Where rsync and its libraries are. */
const programs = (): readonly string[] =>
  ["/usr", ...(process.env["PATH"] ?? "").split(delimiter)].filter((path) => isAbsolute(path) && existsSync(path));

/**
 * Who writes where is not in doubt, so reading is all that is ruled. Of a right that is not ruled nothing is refused, but for `refer`:
 * without a rule no file gets a name in another directory.
 */
const argvConfined = (argv: Argv, { reads, writes }: Confines): Argv => [
  "setpriv",
  "--landlock-access=fs:read-file,read-dir,refer",
  ...[...programs(), ...reads].map((path) => `--landlock-rule=path-beneath:read-file,read-dir:${path}`),
  `--landlock-rule=path-beneath:read-file,read-dir,refer:${writes}`,
  ...argv,
];

let possible: Promise<boolean> | undefined;

async function isPossible(): Promise<boolean> {
  try {
    await run(argvConfined(["rsync", "--version"], { reads: [], writes: "/usr" }));
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
