/**
 * The volume of an app as many are: very many small files with 8 % of the bytes, some logs with a third, and media that no compressor makes
 * smaller with the rest.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createRandom, type Random } from "./random.ts";
import { documentText, logText } from "./text.ts";

export interface TreeShape {
  /** Small files. */
  readonly files: number;
  readonly megabytes: number;
}

export interface Tree {
  readonly root: string;
  /** Relative names. */
  readonly small: string[];
  readonly logs: readonly string[];
  readonly media: readonly { readonly name: string; readonly bytes: number }[];
}

const MB = 1_000_000;
const filesPerDirectory = 100;
const largestMedia = 16 * MB;

export function buildTree(root: string, shape: TreeShape): Tree {
  const random = createRandom(42);
  const total = shape.megabytes * MB;
  return {
    root,
    small: buildSmall(root, random, shape.files, total * 0.08),
    logs: buildLogs(root, random, total * 0.33),
    media: buildMedia(root, random, total * 0.59),
  };
}

/** Sizes as in life: half are below 4 KB, few are large. */
function buildSmall(root: string, random: Random, count: number, bytes: number): string[] {
  const sizes = Array.from({ length: count }, () => Math.exp(gauss(random) * 1.1));
  const scale = bytes / sizes.reduce((sum, size) => sum + size, 0);
  const opaque = Buffer.alloc(Math.ceil(Math.max(...sizes) * scale) + 4);
  return sizes.map((size, index) => {
    const directory = join("pages", String(Math.floor(index / filesPerDirectory)).padStart(4, "0"));
    if (index % filesPerDirectory === 0) mkdirSync(join(root, directory), { recursive: true });
    const length = Math.max(1, Math.round(size * scale));
    const name = join(directory, `page-${index}`);
    // A fifth is thumbnails and the like.
    if (index % 5 === 0) {
      random.fill(opaque.subarray(0, length));
      writeFileSync(join(root, name), opaque.subarray(0, length));
    } else writeFileSync(join(root, name), documentText(random, length));
    return name;
  });
}

function buildLogs(root: string, random: Random, bytes: number): string[] {
  mkdirSync(join(root, "logs"));
  const each = Math.min(25 * MB, bytes / 4);
  return Array.from({ length: Math.round(bytes / each) }, (_none, index) => {
    const name = join("logs", `access-${index}.log`);
    const file = openSync(join(root, name), "w");
    for (let written = 0; written < each; written += MB)
      writeSync(file, logText(random, Math.min(MB, each - written), 1_700_000_000 + index * 86_400 + written / 200));
    closeSync(file);
    return name;
  });
}

function buildMedia(root: string, random: Random, bytes: number): Tree["media"] {
  mkdirSync(join(root, "media"));
  const limit = Math.min(largestMedia, bytes / 8);
  const media: { name: string; bytes: number }[] = [];
  const buffer = Buffer.alloc(limit);
  for (let written = 0; written < bytes;) {
    const size = media.length === 0 ? limit : Math.ceil((limit / 16) * Math.exp(random.fraction() * Math.log(16)));
    const length = Math.max(1, Math.min(Math.floor(size), Math.ceil(bytes - written)));
    const name = join("media", `image-${media.length}.jpg`);
    random.fill(buffer.subarray(0, length));
    writeFileSync(join(root, name), buffer.subarray(0, length));
    media.push({ name, bytes: length });
    written += length;
  }
  return media;
}

const gauss = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());

/** Very many small files that nobody changes. */
export function buildManyFiles(root: string, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const directory = join(root, String(Math.floor(index / 100_000)), String(Math.floor((index % 100_000) / 1000)));
    if (index % 1000 === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `file-${index}`), `content of file ${index}`);
  }
}

/**
 * Lets a tree grow older than what counts as just changed, which in a volume at rest is next to nothing: a whole tree that was
 * made in this very second would be compared by content again.
 */
export async function restTree(root: string): Promise<void> {
  await sleep(2_500);
  writeFileSync(join(root, "newest"), "written last");
}
