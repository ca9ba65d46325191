/**
 * One per cent of a tree changes, as a day of an app changes it: small files are edited, made and removed, a log grows, some media are
 * replaced, and the largest is edited in place in sixteen spots.
 */
import { appendFileSync, closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "./random.ts";
import { documentText, logText } from "./text.ts";
import type { Tree } from "./tree.ts";

export interface Change {
  readonly files: number;
  readonly bytes: number;
}

const spots = 16;
const spotBytes = 65_536;

/** @param round makes the change differ from those of other rounds */
export function changeTree(tree: Tree, round: number): Change {
  const random = createRandom(1000 + round);
  const path = (name: string): string => join(tree.root, name);
  let files = 0;
  let bytes = 0;
  const write = (name: string, content: string | Uint8Array): void => {
    writeFileSync(path(name), content);
    files += 1;
    bytes += content.length;
  };
  const count = tree.small.length;
  const few = Math.max(1, Math.round(count / 500));
  for (let index = 0; index < Math.max(1, Math.round(count / 100)); index += 1)
    write(tree.small[random.below(count)]!, documentText(random, 4000 + random.below(8000)));
  for (let index = 0; index < few; index += 1) {
    const at = random.below(tree.small.length);
    rmSync(path(tree.small[at]!), { force: true });
    const name = join("pages", "0000", `new-${round}-${index}`);
    write(name, documentText(random, 8000));
    tree.small[at] = name;
    files += 1;
  }
  const total = tree.media.reduce((sum, { bytes: size }) => sum + size, 0) / 0.59;
  const grown = logText(random, total / 300, 1_800_000_000 + round * 86_400);
  appendFileSync(path(tree.logs[random.below(tree.logs.length)]!), grown);
  files += 1;
  bytes += grown.length;
  const [largest, ...others] = tree.media;
  const replaced = Math.max(1, Math.round(tree.media.length / 130));
  for (let index = 0; index < replaced && others.length > 0; index += 1) {
    const { name, bytes: size } = others[random.below(others.length)]!;
    const content = Buffer.alloc(size);
    random.fill(content);
    write(name, content);
  }
  const spot = Buffer.alloc(Math.min(spotBytes, largest!.bytes));
  const file = openSync(path(largest!.name), "r+");
  for (let index = 0; index < spots; index += 1) {
    random.fill(spot);
    bytes += writeSync(file, spot, 0, spot.length, random.below(largest!.bytes - spot.length + 1));
  }
  closeSync(file);
  return { files: files + 1, bytes };
}
