/**
 * Compares the list of a generation that has a base with the whole mirror, in a process that wrote neither: every entry by what
 * the file system says of it, and every file that this generation stores by its SHA-256, read anew, and its attributes. An archive is
 * compared with the mirror elsewhere (recheck.ts), so what is listed is what is stored.
 */
import { once } from "node:events";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { MoverError, quote } from "../errors.ts";
import { pipeline, run } from "../exec.ts";
import { Ahead, digestContent } from "../mirror/content.ts";
import { digestAttributes } from "../mirror/extended-attributes.ts";
import { createSides } from "../mirror/records.ts";
import { Tree } from "../mirror/tree.ts";
import { together } from "../together.ts";
import { argvDescribe, argvDifferences, argvSort } from "../tools/inventory.ts";
import { lookAt } from "./listed.ts";
import { clip } from "../../domain/text.ts";

export interface ListedAgainst {
  readonly volume: string;
  readonly mirror: string;
  readonly scratch: string;
}

const fail = (why: string): MoverError => new MoverError("HO-A404", clip(why, 900));

const thereFile = ({ scratch, volume }: ListedAgainst): string => join(scratch, `there-${volume}`);
const listedFile = ({ scratch, volume }: ListedAgainst): string => join(scratch, `listed-${volume}`);

/** What the file system says of every entry of the mirror, for `compareWithMirror`. */
export async function walkMirror(of: ListedAgainst, signal: AbortSignal): Promise<void> {
  await pipeline([{ argv: argvDescribe(), cwd: of.mirror }, { argv: argvSort(thereFile(of), of.scratch) }], { signal });
}

/**
 * Hands the lines of the list to whoever else has to read them, and sorts for `compareWithMirror` what they say.
 * @param read has to read all of them
 */
export async function sortListed(
  lines: AsyncGenerator<readonly string[], undefined>,
  of: ListedAgainst,
  read: (lines: AsyncGenerator<readonly string[], undefined>) => Promise<void>,
  abort: AbortSignal,
): Promise<void> {
  const records = new PassThrough({ highWaterMark: 1024 * 1024 });
  await together<[unknown, void]>(abort, (signal) => [
    run(argvSort(listedFile(of), of.scratch), { stdin: records, signal }),
    read(lookedAt(lines, of, records, signal)),
  ]);
}

/** @throws MoverError HO-A404 at the first line that is not so */
export async function compareWithMirror(of: ListedAgainst, signal: AbortSignal): Promise<void> {
  const different: Record<"mirror" | "list", string | undefined> = { mirror: undefined, list: undefined };
  const stdout = createSides(
    (record) => (different.list ??= record),
    (record) => (different.mirror ??= record),
  );
  await run(argvDifferences(listedFile(of), thereFile(of)), { stdout, signal });
  const { list, mirror: has } = different;
  if (list !== undefined || has !== undefined)
    throw fail(`volume ${of.volume}: listed is ${printable(list)}, the mirror has ${printable(has)}`);
}

const printable = (record: string | undefined): string =>
  record === undefined ? "nothing" : JSON.stringify(Buffer.from(record, "latin1").toString("utf8").slice(0, 300));

/** Whose attributes are asked for at once. */
const windowEntries = 4096;

/** The same lines; what they say goes to the records, and on the way what this generation stores is looked at. */
async function* lookedAt(
  lines: AsyncGenerator<readonly string[], undefined>,
  { volume, mirror }: ListedAgainst,
  records: PassThrough,
  signal: AbortSignal,
): AsyncGenerator<readonly string[], undefined> {
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
    for await (const batch of lines) {
      let text = "";
      for (const line of batch) {
        const { record, path, stored, attributes: listed, size } = lookAt(line);
        text += `${record}\0`;
        if (stored !== undefined) await ahead.add(checkContent(tree, path, stored), size);
        if (stored !== undefined || listed !== undefined) attributes.set(path, listed);
        if (attributes.size >= windowEntries) await checkAttributes();
      }
      if (!records.write(text, "latin1")) await once(records, "drain", { signal });
      yield batch;
    }
    await ahead.end();
    await checkAttributes();
    records.end();
  } finally {
    tree.close();
  }
  return undefined;
}

async function checkContent(tree: Tree, path: string, listed: string | undefined): Promise<void> {
  const stat = tree.stat(path);
  const digest = stat?.isFile() === true ? await digestContent(tree, path, stat, false) : undefined;
  if (digest !== listed) throw fail(`what is stored of ${quote(path)} does not have the SHA-256 of the list`);
}
