/**
 * Finds edits that rsync does not: it takes a file of the same size and modification time for unchanged, and an app, a
 * `cp -p` or a clock can leave both. The change time cannot be set by anyone, so what has a change time not older than
 * the last pass is compared by content, and by ACLs and extended attributes, whose change leaves no other trace. The mark is a change time seen in the volume itself, so it is of the same clock.
 */
import { stat } from "node:fs/promises";
import { run } from "../exec.ts";

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

export const secondOf = (mark: ChangeMark): number => Number.parseInt(mark, 10);

export const isNewer = (a: ChangeMark, b: ChangeMark): boolean => {
  const [first = 0, second = 0] = [a, b].map(secondOf);
  // Within one second the fractions have the same number of digits.
  return first === second ? a > b : first > second;
};

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
