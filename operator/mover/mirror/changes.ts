/**
 * Finds edits that rsync does not: it takes a file of the same size and modification time for unchanged, and an app, a
 * `cp -p` or a clock can leave both. The change time cannot be set by anyone, so what has a change time not older than
 * the last pass is compared by content, and by ACLs and extended attributes, whose change leaves no other trace. The mark is a change time seen in the volume itself, so it is of the same clock.
 */
import { Writable } from "node:stream";
import { stat } from "node:fs/promises";
import { run } from "../exec.ts";
import { largeFile } from "./sparse-files.ts";

/** `1795316841.1234567890`: seconds since the epoch, by the clock of the volume's file system. */
export type ChangeMark = string;

/** Before everything. */
export const noMark: ChangeMark = "0";

/** A second before the mark: covers file systems that keep whole seconds, and clocks that step a little. */
export const withSlack = (mark: ChangeMark): ChangeMark => String(Math.max(0, Number.parseInt(mark, 10) - 1));

/**
 * Not ahead of our own clock: after a clock was set back, files may have change times that are still to come, and whatever
 * changes until then would count as older than the mark. A mark that is too old costs time only.
 */
export const notAhead = (mark: ChangeMark, nowMillis: number): ChangeMark =>
  Number.parseInt(mark, 10) * 1000 > nowMillis ? String(Math.floor(nowMillis / 1000)) : mark;

const secondOf = (mark: ChangeMark): number => Number.parseInt(mark, 10);

const isNewer = (a: ChangeMark, b: ChangeMark): boolean => {
  const [first = 0, second = 0] = [a, b].map(secondOf);
  // Within one second the fractions have the same number of digits.
  return first === second ? a > b : first > second;
};

/** Entries that a mover which is not root cannot make as they are. */
export interface Foreign {
  /** Of another user, or of a group that the mover is not in. */
  readonly owners: number;
  readonly devices: number;
}

export interface Survey {
  /** The newest change time in the volume: whatever changes after this has a newer one, or an equal one. */
  readonly newest: ChangeMark;
  /** Bytes of the files that changed so shortly before that a list from `withSlack(newest)` on has them. */
  readonly recentBytes: number;
  readonly foreign: Foreign;
}

/** Looks at every entry of a volume. @param largeFiles where the large files are listed on the way, see sparse-files.ts */
export async function surveyVolume(source: string, largeFiles: string, signal: AbortSignal): Promise<Survey> {
  let newest = noMark;
  let [owners, devices] = [0, 0];
  const user = process.getuid?.() ?? 0;
  const groups = new Set([process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])].map(String));
  let rest = "";
  // Of the seconds that may still count: one before that of the newest, and those after.
  const bytes = new Map<number, number>();
  const stdout = new Writable({
    decodeStrings: false,
    write(chunk: Buffer | string, _encoding, done): void {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [changed = noMark, size = "0", type = "", owner = "", group = ""] = line.split(" ");
        if (isNewer(changed, newest)) newest = changed;
        const second = secondOf(changed);
        if (second >= secondOf(withSlack(newest))) bytes.set(second, (bytes.get(second) ?? 0) + Number(size));
        if (user === 0) continue;
        if (type === "c" || type === "b") devices += 1;
        else if (owner !== String(user) || !groups.has(group)) owners += 1;
      }
      for (const second of bytes.keys()) if (second < secondOf(withSlack(newest))) bytes.delete(second);
      done();
    },
  });
  // 1: a directory that cannot be read. The pass names it.
  const list = [...largeFile, "-fprintf", largeFiles, String.raw`%b %s %P\0`] as const;
  await run(["find", ".", "-printf", String.raw`%C@ %s %y %U %G\n`, ...list], {
    cwd: source,
    stdout,
    signal,
    okCodes: [0, 1],
  });
  const recentBytes = [...bytes.values()].reduce((sum, size) => sum + size, 0);
  return { newest, recentBytes, foreign: { owners, devices } };
}

export interface Changed {
  /** Whether the list has names. */
  readonly names: boolean;
  /** Whether the root itself has changed. */
  readonly root: boolean;
}

/**
 * Writes the names of what changed after the mark to the list, NUL-separated. The root is not among them: by its name,
 * rsync would understand everything that lies directly in it, and read it all.
 */
export async function listChanged(
  source: string,
  mark: ChangeMark,
  listFile: string,
  signal: AbortSignal,
  withoutInodes: readonly bigint[] = [],
): Promise<Changed> {
  const rootFile = `${listFile}-root`;
  const sort = ["(", "-path", ".", "-fprint0", rootFile, "-o", "-fprint0", listFile, ")"] as const;
  const without = withoutInodes.flatMap((inode) => ["!", "-inum", String(inode)]);
  await run(["find", ".", "-newerct", `@${mark}`, ...without, ...sort], { cwd: source, signal, okCodes: [0, 1] });
  return { names: (await stat(listFile)).size > 0, root: (await stat(rootFile)).size > 0 };
}
