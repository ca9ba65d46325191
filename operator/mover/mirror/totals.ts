/** What a mirror holds in all, from its inventory. */
import { count } from "../../domain/quantities.ts";
import { blockBytes, type VolumeTotals } from "./files-list.ts";
import { nanoseconds, readRecords } from "./inventory.ts";

export interface MirrorTotals {
  readonly totals: VolumeTotals;
  /** Newest change time of all entries, ns. */
  readonly newest: bigint;
  /** Whether any of them is a file with several names. */
  readonly linked: boolean;
}

/** No archive can hold a socket, and the app makes its own when it starts. */
export const leftOut = (volumes: readonly { readonly name: string; readonly skipped: number }[]): readonly string[] =>
  volumes.flatMap(({ name, skipped }) =>
    skipped === 0 ? [] : [`volume ${name}: ${count(skipped, "socket")} left out, which no archive can hold`],
  );

export async function totalsOf(inventory: string, signal: AbortSignal): Promise<MirrorTotals> {
  let [members, files, bytes, allocated, skipped] = [0, 0, 0, 0, 0];
  let newest = "0.0";
  let linked = false;
  const counted = new Set<string>();
  await readRecords(
    inventory,
    (record) => {
      // The first fields of an inventory's record. Most entries are ordinary, so little is made of them.
      const [inode = "", changed = "", , type = "", size = "", links = "", blocks = ""] = record.split(" ", 7);
      if (changed.length > newest.length || (changed.length === newest.length && changed > newest)) newest = changed;
      if (type === "s") {
        skipped += 1;
        return;
      }
      members += 1;
      if (type !== "d") files += 1;
      if (type !== "d" && links !== "1") {
        linked = true;
        if (counted.has(inode)) return;
        counted.add(inode);
      }
      if (type !== "f") return;
      bytes += Number(size);
      allocated += Math.min(Number(size), Number(blocks) * blockBytes);
    },
    signal,
  );
  return { totals: { members, files, bytes, allocated, skipped }, newest: nanoseconds(newest), linked };
}
