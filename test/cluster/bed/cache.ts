/** Things made once and kept outside the tree: each under a key made of everything it depends on. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.ts";
import { cacheRoot } from "./paths.ts";

/** Order and borders of the parts count. */
export function cacheKey(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex").slice(0, 16);
}

/** Names, modes' executable bit and contents of all files below a directory, or of one file. */
export function hashTree(path: string): string {
  const parts: (string | Uint8Array)[] = [];
  const visit = (file: string, name: string): void => {
    const stat = statSync(file);
    if (stat.isDirectory()) {
      for (const entry of readdirSync(file).toSorted()) visit(join(file, entry), `${name}/${entry}`);
    } else {
      parts.push(name, stat.mode & 0o100 ? "x" : "-", readFileSync(file));
    }
  };
  visit(path, "");
  return cacheKey(parts);
}

/**
 * The directory `<cache>/<kind>/<key>`, made by `make` if it is not there. It appears complete or not at all; two processes
 * that want the same one make it once. Only the `keep` last used of a kind stay.
 */
export async function cached(
  kind: string,
  key: string,
  keep: number,
  make: (dir: string) => Promise<void>,
): Promise<string> {
  const parent = join(cacheRoot(), kind);
  const dir = join(parent, key);
  if (!existsSync(dir)) {
    mkdirSync(parent, { recursive: true });
    await withLock(`${dir}.lock`, async () => {
      if (existsSync(dir)) return;
      const partial = `${dir}.partial`;
      rmSync(partial, { recursive: true, force: true });
      mkdirSync(partial);
      await make(partial);
      renameSync(partial, dir);
    });
    prune(parent, keep, key);
  }
  const now = new Date();
  utimesSync(dir, now, now);
  return dir;
}

export function isCached(kind: string, key: string): boolean {
  return existsSync(join(cacheRoot(), kind, key));
}

function prune(parent: string, keep: number, current: string): void {
  const entries = readdirSync(parent)
    .filter((entry) => /^[0-9a-f]{16}$/.test(entry) && entry !== current)
    .map((entry) => ({ path: join(parent, entry), used: statSync(join(parent, entry)).mtimeMs }))
    .toSorted((a, b) => b.used - a.used);
  for (const { path } of entries.slice(keep - 1)) rmSync(path, { recursive: true, force: true });
}
