/**
 * The modification time of the root of a volume. What a restore puts there beside the app's own names, and takes away again, changes it,
 * and Node sets times to a fraction of a microsecond only.
 */
import { lstat } from "node:fs/promises";
import { run } from "../exec.ts";
import { argvSetTime } from "../tools/restore-files.ts";

/** Nanoseconds since 1970, decimal. */
export const timeOf = async (directory: string): Promise<string> =>
  String((await lstat(directory, { bigint: true })).mtimeNs);

/** @throws CommandError when the directory is somebody else's. */
export async function setTime(directory: string, time: string): Promise<void> {
  if ((await timeOf(directory)) !== time) await run(argvSetTime(BigInt(time)), { cwd: directory });
}

/** Does what changes the time, and sets it back. Not worth a failure. */
export async function keepTime(directory: string, change: () => Promise<unknown>): Promise<void> {
  const time = await timeOf(directory);
  await change();
  await setTime(directory, time).catch(() => undefined);
}
