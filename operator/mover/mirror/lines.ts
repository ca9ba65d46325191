/**
 * Reads the lines of lists of files, in constant memory, and knows their order: that of `Tree.walk`, so that a walk and any
 * number of lists are merged like sorted streams.
 */
import { PassThrough } from "node:stream";
import { pipeline } from "../exec.ts";
import { argvDecompress } from "../tools/zstd.ts";

/** Lines of a compressed list as they come, many at a time. @throws CommandError for a damaged list, when it is read to there */
export async function* readLines(list: string, signal: AbortSignal): AsyncGenerator<readonly string[], undefined> {
  const text = new PassThrough();
  const reading = pipeline([{ argv: argvDecompress() }], { stdin: { file: list }, stdout: text, signal });
  // A failure ends the stream as well, which throws it out of the loop.
  reading.catch((error: unknown) => text.destroy(error instanceof Error ? error : new Error(String(error))));
  let partial = "";
  text.setEncoding("utf8");
  for await (const chunk of text as AsyncIterable<string>) {
    const lines = (partial + chunk).split("\n");
    partial = lines.pop() ?? "";
    if (lines.length > 0) yield lines;
  }
  await reading;
  return undefined;
}

/** A stream of lines with a look at the next one. Looking and advancing are synchronous: only filling waits. */
export class LineCursor {
  readonly #batches: AsyncGenerator<readonly string[], undefined>;
  #lines: readonly string[] = [];
  #next = 0;
  #ended = false;

  constructor(batches: AsyncGenerator<readonly string[], undefined>) {
    this.#batches = batches;
  }

  /** The next line; undefined at the end, and when the cursor is drained. */
  get current(): string | undefined {
    return this.#lines[this.#next];
  }

  /** Whether it has to be filled before `current` says anything. */
  get drained(): boolean {
    return this.#next >= this.#lines.length && !this.#ended;
  }

  advance(): void {
    this.#next += 1;
  }

  async fill(): Promise<void> {
    const { value, done } = await this.#batches.next();
    this.#lines = value ?? [];
    this.#next = 0;
    this.#ended = done === true;
  }

  async close(): Promise<void> {
    await this.#batches.return(undefined);
  }
}

/** Path of a line in the form of `Tree.walk`: bytes as latin1, "" for the root. @throws when it is none */
export function parseEntry(line: string): { readonly path: string; readonly type: string } {
  const { p, b64, t }: Readonly<Record<string, unknown>> = JSON.parse(line);
  const path =
    typeof b64 === "string"
      ? fromBase64(b64)
      : typeof p === "string"
        ? Buffer.from(p, "utf8").toString("latin1")
        : undefined;
  if (path === undefined || typeof t !== "string") throw new Error(`no line of a list: ${line.slice(0, 200)}`);
  return { path: path === "." ? "" : path, type: t };
}

const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString("latin1");

/** The order of `Tree.walk`: what is in a directory comes right after it, so a slash sorts before every other byte. */
export function compareWalk(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return (left === slash ? 0 : left) - (right === slash ? 0 : right);
  }
  return a.length - b.length;
}

const slash = 0x2f;

/** Whether the file of the line has several names. Keys cannot be in a value: quotes in it are escaped. */
export const isLinked = (line: string): boolean => line.includes(',"n":');

/** Inode in the line of a file with several names. */
export const inodeOf = (line: string): string => /,"i":"([0-9]+)"/.exec(line)?.[1] ?? "";

/** Inodes are those of the mirror: which names share one means something, the number does not. */
export const withoutInode = (line: string): string => (isLinked(line) ? line.replace(/,"i":"[0-9]+"/, "") : line);

const holderKey = ',"in":"';

/** Splits off the id of the generation whose archive holds the content; undefined when it is that of the list itself. */
export function splitHolder(line: string): { readonly bare: string; readonly holder: string | undefined } {
  const at = line.lastIndexOf(holderKey);
  // The last key of a line, so nothing but its value may follow.
  if (at < 0 || !/^[-0-9A-Za-z]+"}$/.test(line.slice(at + holderKey.length))) return { bare: line, holder: undefined };
  return { bare: `${line.slice(0, at)}}`, holder: line.slice(at + holderKey.length, -2) };
}

const contentKey = ',"h":"';

/** Only regular files have content, and so a digest. */
export const hasContent = (line: string): boolean => line.includes(contentKey);

/** Of the digest and what closes the line after it. */
const contentLength = contentKey.length + 64 + 2;

/** Whether the line ends with the digest of its content: no other generation holds that. */
export const hasOwnContent = (line: string): boolean => line.startsWith(contentKey, line.length - contentLength);

export const withHolder = (line: string, holder: string): string => `${line.slice(0, -1)}${holderKey}${holder}"}`;
