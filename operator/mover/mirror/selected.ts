/** What of a volume the policy asks for, by names that a listing gives: their bytes as latin1. */
import { compileExcludes } from "../restore/excluded-paths.ts";
import type { Selection } from "../tools/rsync.ts";

/** As rsync's filters select, or nearly: where it matters, the pass removes what is too much, and brings what is missing. */
export function selects({ paths, exclude }: Selection): (path: string) => boolean {
  const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
  const excludes = compileExcludes(["lost+found", ...exclude].map(latin1));
  const selected = paths.map(latin1);
  // The directories of a tree come up with each name that lies in them.
  const known = new Map<string, boolean>([["", false]]);
  const isExcluded = (directory: string): boolean => {
    const before = known.get(directory);
    if (before !== undefined) return before;
    const found = excludes.matches(directory) || isExcluded(parentOf(directory));
    known.set(directory, found);
    return found;
  };
  const isBelow = (path: string): boolean =>
    selected.some((one) => one === "." || path === one || path.startsWith(`${one}/`));
  return (path) => isBelow(path) && !isExcluded(parentOf(path)) && !excludes.matches(path);
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));
