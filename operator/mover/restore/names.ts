/** Names of what a restore puts beside the app: all derived from the uid of the run, so that a repeated step finds its own. */

/** PostgreSQL cuts longer names without a word. */
const maxNameBytes = 63;

/** The first eight hexadecimal digits of the uid of the run. */
export const tokenOf = (runUID: string): string =>
  runUID
    .toLowerCase()
    .replaceAll(/[^0-9a-f]/g, "")
    .slice(0, 8)
    .padEnd(8, "0");

/** The new database beside the live one. */
export const stagedDatabase = (live: string, runUID: string): string => withSuffix(live, `_ho_${tokenOf(runUID)}`);
/** The live database after the swap. */
export const replacedDatabase = (live: string, runUID: string): string => withSuffix(live, `_old_${tokenOf(runUID)}`);

/** Directory at the root of each volume: `new` holds the restored state until the swap, `old` the present one after it. */
export const workDirectory = (runUID: string): string => `.handover-${tokenOf(runUID)}`;
/** Whether a name at the root of a volume is ours or the file system's own, and never part of the state of the app. */
export const isReserved = (name: string): boolean => /^\.handover-[0-9a-f]{8}$/.test(name) || name === "lost+found";

function withSuffix(name: string, suffix: string): string {
  const room = maxNameBytes - Buffer.byteLength(suffix);
  const bytes = Buffer.from(name);
  let end = Math.min(bytes.length, room);
  // Not in the middle of a character: its further bytes begin with the bits 10.
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString() + suffix;
}
