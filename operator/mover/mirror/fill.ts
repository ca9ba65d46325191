/**
 * Fills a mirror that is empty: the contents of the files, by two readers at once, because one alone waits for the disk half of the
 * time. Only saves time: the pass after it compares everything, and brings what this one has left out, owners, ACLs and links too.
 * What an app writes to a file meanwhile gives it a change time after the mark, which was taken before.
 */
import { writeFile } from "node:fs/promises";
import { run } from "../exec.ts";
import { together } from "../together.ts";
import { argvMirrorListed, type Selection } from "../tools/rsync.ts";
import { createRecords } from "./records.ts";

export interface FillJob {
  readonly source: string;
  readonly mirror: string;
  readonly selection: Selection;
  /** Prefix of the files with the names. */
  readonly listFile: string;
  readonly signal: AbortSignal;
}

/** How one list of names is copied; the caller knows what may fail. */
export type Copy = (argv: ReturnType<typeof argvMirrorListed>, signal: AbortSignal) => Promise<unknown>;

/** A reader gets so much of one place in the tree before the other one is given the next. */
const shareBytes = 32 * 1024 * 1024;
/** rsync keeps all names of a list in memory, in each of its processes. What is beyond is left to the pass. */
const maxNames = 100_000;
/** Less than this is copied sooner than divided. */
const minBytes = 64 * 1024 * 1024;

/** @returns how many files were copied at most. */
export async function fillMirror(job: FillJob, copy: Copy): Promise<number> {
  const lists = [0, 1].map((index) => ({ file: `${job.listFile}-${index}`, names: [] as string[] }));
  const { names, bytes } = await divide(job, lists);
  if (bytes < minBytes) return 0;
  await together<readonly unknown[]>(job.signal, (signal) =>
    lists.map(({ file }) =>
      copy(argvMirrorListed(job.mirror, file, job.selection, { acls: false, xattrs: false }), signal),
    ),
  );
  return names;
}

/** Files with one name only: of several names the pass makes one file. */
async function divide(
  { source, signal }: FillJob,
  lists: readonly { readonly file: string; readonly names: string[] }[],
): Promise<{ readonly names: number; readonly bytes: number }> {
  let [names, bytes, at, given] = [0, 0, 0, 0];
  const stdout = createRecords((entry) => {
    if (names === maxNames) return;
    const space = entry.indexOf(" ");
    const size = Number(entry.slice(0, space));
    if (given >= shareBytes) {
      at = (at + 1) % lists.length;
      given = 0;
    }
    lists[at]?.names.push(entry.slice(space + 1));
    given += size;
    bytes += size;
    names += 1;
  });
  // 1: a directory that cannot be read. The pass names it.
  const argv = ["find", ".", "-type", "f", "-links", "1", "-printf", String.raw`%s %P\0`] as const;
  await run(argv, { cwd: source, stdout, signal, okCodes: [0, 1] });
  for (const { file, names: found } of lists)
    await writeFile(file, found.map((name) => `${name}\0`).join(""), { encoding: "latin1", mode: 0o600 });
  return { names, bytes };
}
