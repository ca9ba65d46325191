/**
 * Compares the list of a generation that has a base with the whole mirror, in a process that wrote neither: every entry by what
 * the file system says of it, and the content of every file that this generation stores by its SHA-256, read anew. An archive is
 * compared with the mirror elsewhere (recheck.ts), so what is listed is what is stored.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { MoverError } from "../errors.ts";
import { chunkBytes, digestContent } from "../mirror/files-list.ts";
import { hasContent, LineCursor, parseEntry, splitHolder } from "../mirror/lines.ts";
import { linesNow, linesOfVolume, listMirrors } from "../mirror/listing.ts";
import { Tree } from "../mirror/tree.ts";
import { filesListFile } from "./layout.ts";

export interface ListedAgainst {
  readonly volume: string;
  readonly mirror: string;
  readonly stateDirectory: string;
  /** Ids of the generations that may hold content. */
  readonly members: ReadonlySet<string>;
}

const fail = (why: string): MoverError => new MoverError("HO-A404", why.slice(0, 900));

/** @throws MoverError HO-A404 at the first line that is not so */
export async function checkListOfMirror(staging: string, of: ListedAgainst, signal: AbortSignal): Promise<void> {
  const { volume, mirror, stateDirectory } = of;
  const [listed] = await listMirrors([{ volume, mirror }], {
    stateDirectory,
    reuse: true,
    into: "check",
    signal,
    onProgress: () => undefined,
  });
  if (listed === undefined) throw new Error("a mirror was not listed");
  const found = new LineCursor(linesNow(listed.files.check, signal));
  const wanted = new LineCursor(linesOfVolume(join(staging, filesListFile), volume, signal));
  const tree = new Tree(mirror);
  const buffer = Buffer.allocUnsafe(chunkBytes);
  try {
    for (;;) {
      while (found.drained) await found.fill();
      while (wanted.drained) await wanted.fill();
      if (found.current === undefined && wanted.current === undefined) return;
      const { bare, holder } = splitHolder(wanted.current ?? "");
      if (bare !== found.current)
        throw fail(
          `volume ${volume}: listed is ${(wanted.current ?? "nothing").slice(0, 300)}, the mirror has ${(found.current ?? "nothing").slice(0, 300)}`,
        );
      if (holder !== undefined && !of.members.has(holder))
        throw fail(`volume ${volume}: the list names generation ${holder}, which this one is not based on`);
      if (holder === undefined && hasContent(bare)) await checkContent(tree, bare, buffer);
      found.advance();
      wanted.advance();
    }
  } finally {
    tree.close();
    await Promise.all([found.close(), wanted.close()]);
    await rm(listed.files.check, { force: true });
  }
}

async function checkContent(tree: Tree, line: string, buffer: Buffer): Promise<void> {
  const { path } = parseEntry(line);
  const stat = tree.stat(path);
  const digest = stat?.isFile() === true ? await digestContent(tree, path, stat, buffer) : "";
  if (!line.includes(`,"h":"${digest}"`))
    throw fail(`what is stored of ${JSON.stringify(path)} does not have the SHA-256 of the list`);
}
