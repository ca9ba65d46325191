/**
 * Finds edits that rsync does not: it takes a file of the same size and modification time for unchanged, and an app, a
 * `cp -p` or a clock can leave both. The change time cannot be set by anyone, so what has a change time not older than
 * the last pass is compared by content, and by ACLs and extended attributes, whose change leaves no other trace. The mark is a change time seen in the volume itself, so it is of the same clock.
 */
import { Writable } from "node:stream";
import { stat } from "node:fs/promises";
import { run } from "../exec.ts";

/** Seconds since the epoch, by the clock of the volume's file system. */
export type ChangeMark = number;

/** The newest change time in the volume: whatever changes after this call has a newer one, or an equal one. */
export async function newestChange(source: string, signal: AbortSignal): Promise<ChangeMark> {
  let newest = 0;
  let rest = "";
  const stdout = new Writable({
    decodeStrings: false,
    write(chunk: Buffer | string, _encoding, done): void {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) newest = Math.max(newest, Number.parseInt(line, 10));
      done();
    },
  });
  // 1: a directory that cannot be read. The pass names it.
  await run(["find", ".", "-printf", String.raw`%C@\n`], {
    cwd: source,
    stdout,
    signal,
    okCodes: [0, 1],
  });
  return newest;
}

/** Writes the names of what changed at or after the mark to the list, NUL-separated. @returns whether there are any. */
export async function listChanged(
  source: string,
  mark: ChangeMark,
  listFile: string,
  signal: AbortSignal,
): Promise<boolean> {
  // -newerct means strictly newer; a second less also covers coarse and slightly stepping clocks.
  const argv = ["find", ".", "-newerct", `@${Math.max(0, mark - 1)}`, "-fprint0", listFile] as const;
  await run(argv, { cwd: source, signal, okCodes: [0, 1] });
  return (await stat(listFile)).size > 0;
}
