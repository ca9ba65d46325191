/**
 * Compares the list of a generation that has a base with the whole mirror, in a process that wrote neither: every entry by what
 * the file system says of it, and every file that this generation stores by its SHA-256, read anew, and its attributes. An archive is
 * compared with the mirror elsewhere (recheck.ts), so what is listed is what is stored.
 */
import { join } from "node:path";
import { Readable } from "node:stream";
import { MoverError } from "../errors.ts";
import { pipeline, run } from "../exec.ts";
import { Ahead, digestContent } from "../mirror/content.ts";
import { digestAttributes } from "../mirror/extended-attributes.ts";
import { linesOfVolume } from "../mirror/listing.ts";
import { createSides } from "../mirror/records.ts";
import { Tree } from "../mirror/tree.ts";
import { together } from "../together.ts";
import { argvDescribe, argvDifferences, argvSort } from "../tools/inventory.ts";
import { filesListFile } from "./layout.ts";
import { describeListed, pathOf, type Listed } from "./listed.ts";

export interface ListedAgainst {
  readonly volume: string;
  readonly mirror: string;
  readonly scratch: string;
}

const fail = (why: string): MoverError => new MoverError("HO-A404", why.slice(0, 900));

/** @throws MoverError HO-A404 at the first line that is not so */
export async function checkListOfMirror(staging: string, of: ListedAgainst, abort: AbortSignal): Promise<void> {
  const { volume, mirror, scratch } = of;
  const [there, listed] = [join(scratch, `there-${volume}`), join(scratch, `listed-${volume}`)];
  await together<[unknown, unknown]>(abort, (signal) => [
    pipeline([{ argv: argvDescribe(), cwd: mirror }, { argv: argvSort(there, scratch) }], { signal }),
    run(argvSort(listed, scratch), {
      stdin: Readable.from(records(staging, of, signal), { objectMode: false }),
      signal,
    }),
  ]);
  const different: Record<"mirror" | "list", string | undefined> = { mirror: undefined, list: undefined };
  const stdout = createSides(
    (record) => (different.list ??= record),
    (record) => (different.mirror ??= record),
  );
  await run(argvDifferences(listed, there), { stdout, signal: abort });
  const { list, mirror: has } = different;
  if (list !== undefined || has !== undefined)
    throw fail(`volume ${volume}: listed is ${printable(list)}, the mirror has ${printable(has)}`);
}

const printable = (record: string | undefined): string =>
  record === undefined ? "nothing" : JSON.stringify(Buffer.from(record, "latin1").toString("utf8").slice(0, 300));

/** Whose attributes are asked for at once. */
const windowEntries = 4096;

/** What the list says, and on the way looks at what this generation stores. */
async function* records(staging: string, of: ListedAgainst, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { volume, mirror } = of;
  const tree = new Tree(mirror);
  const ahead = new Ahead();
  /** Of what is stored, and of whatever else is listed with attributes. */
  let attributes = new Map<string, string | undefined>();
  const checkAttributes = async (): Promise<void> => {
    const found = await digestAttributes(mirror, [...attributes.keys()], signal);
    for (const [path, digest] of attributes)
      if (found.get(path) !== digest) throw fail(`volume ${volume}: ${quote(path)} has not the attributes of the list`);
    attributes = new Map();
  };
  try {
    for await (const lines of linesOfVolume(join(staging, filesListFile), volume, signal)) {
      let text = "";
      for (const line of lines) {
        const entry: Listed = JSON.parse(line);
        const path = pathOf(entry);
        text += `${describeListed(entry)}\0`;
        const isStored = entry.in === undefined && entry.h !== undefined;
        if (isStored) await ahead.add(checkContent(tree, path, entry.h), entry.s ?? 0);
        if (isStored || entry.x !== undefined) attributes.set(path, entry.x);
        if (attributes.size >= windowEntries) await checkAttributes();
      }
      yield Buffer.from(text, "latin1");
    }
    await ahead.end();
    await checkAttributes();
  } finally {
    tree.close();
  }
}

export const quote = (path: string): string => JSON.stringify(Buffer.from(path, "latin1").toString("utf8"));

async function checkContent(tree: Tree, path: string, listed: string | undefined): Promise<void> {
  const stat = tree.stat(path);
  const digest = stat?.isFile() === true ? await digestContent(tree, path, stat) : undefined;
  if (digest !== listed) throw fail(`what is stored of ${quote(path)} does not have the SHA-256 of the list`);
}
