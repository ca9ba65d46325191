/** Before rsync compares them, large files get what differs at the same place; and nothing else is touched. */
import { linkSync, mkdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Below } from "../../operator/mover/mirror/below.ts";
import { bringBlocks } from "../../operator/mover/mirror/blocks.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { differences, run } from "../support/odd-files.ts";

let bed: MirrorBed;
let job: MirrorJob;
beforeEach(() => {
  bed = createMirrorBed();
  ({ job } = bed);
});
afterEach(() => bed.remove());

const KiB = 1024;
const noise = (length: number, seed: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0, value = seed; at < length; at += 1) bytes[at] = value = (value * 75 + 74) % 65_537;
  return bytes;
};

async function bring(...names: string[]): Promise<void> {
  const trees = { source: new Below(job.source), mirror: new Below(job.mirror) };
  try {
    await bringBlocks(trees, names, job.signal);
  } finally {
    for (const tree of Object.values(trees)) tree.close();
  }
}

/** What this process has written, in bytes. */
const written = (): number => Number(/^wchar: ([0-9]+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
const long = 1100 * KiB + 7;

const edits: readonly (readonly [string, (before: Buffer) => Buffer, number])[] = [
  ["one byte", (before) => Buffer.concat([before.subarray(0, 300_000), noise(1, 9), before.subarray(300_001)]), 32],
  ["the last byte", (before) => Buffer.concat([before.subarray(0, -1), Buffer.from([(before.at(-1) ?? 0) ^ 1])]), 32],
  ["more at the end", (before) => Buffer.concat([before, noise(200 * KiB, 5)]), 232],
  ["less at the end", (before) => before.subarray(0, 700_001), 0],
  ["a piece less", (before) => before.subarray(0, 256 * KiB), 0],
  ["something else", () => noise(900 * KiB, 77), 900],
  [
    "zeros in it",
    (before) => Buffer.concat([before.subarray(0, 65_536), Buffer.alloc(65_536), before.subarray(131_072)]),
    64,
  ],
  ["a megabyte of zeros at the end", (before) => Buffer.concat([before, Buffer.alloc(1024 * KiB)]), 32],
];

test.each(edits)("%s is brought, and little else is written", async (_name, edit, most) => {
  const before = noise(long, 3);
  const after = edit(before);
  writeFileSync(join(job.mirror, "file"), before);
  writeFileSync(join(job.source, "file"), after);
  utimesSync(join(job.mirror, "file"), 1, 1);
  const start = written();
  await bring("file");
  const cost = written() - start;
  expect(readFileSync(join(job.mirror, "file")).equals(after)).toBe(true);
  expect(cost).toBeLessThanOrEqual((most + 1) * KiB);
});

test("zeros beyond the end take no place", async () => {
  writeFileSync(join(job.mirror, "file"), noise(64 * KiB, 1));
  writeFileSync(join(job.source, "file"), Buffer.concat([noise(64 * KiB, 1), Buffer.alloc(4096 * KiB), noise(3, 1)]));
  await bring("file");
  const { size, blocks } = statSync(join(job.mirror, "file"));
  expect(size).toBe(4160 * KiB + 3);
  expect(blocks * 512).toBeLessThan(256 * KiB);
});

test("what has several names, is new, looks unchanged or lies behind a link is left to rsync", async () => {
  const outside = join(bed.root, "outside");
  mkdirSync(outside);
  for (const root of [job.source, job.mirror]) mkdirSync(join(root, "in"));
  const [old, now] = [noise(long, 3), noise(long, 4)];
  for (const name of ["linked", "equal"]) {
    writeFileSync(join(job.mirror, name), old);
    writeFileSync(join(job.source, name), now);
    utimesSync(join(job.source, name), 1, 1);
    utimesSync(join(job.mirror, name), 1, name === "equal" ? 1 : 2);
  }
  linkSync(join(job.mirror, "linked"), join(job.mirror, "other"));
  writeFileSync(join(job.source, "new"), now);
  writeFileSync(join(outside, "victim"), old);
  symlinkSync(outside, join(job.mirror, "away"));
  mkdirSync(join(job.source, "away"));
  writeFileSync(join(job.source, "away/victim"), now);
  writeFileSync(join(job.source, "link"), now);
  symlinkSync(join(outside, "victim"), join(job.mirror, "link"));
  await bring("away/victim", "equal", "gone", "in", "link", "linked", "new");
  for (const name of ["linked", "equal"]) expect(readFileSync(join(job.mirror, name)).equals(old)).toBe(true);
  expect(readFileSync(join(outside, "victim")).equals(old)).toBe(true);
  expect(() => statSync(join(job.mirror, "new"))).toThrow("ENOENT");
});

test("a pass ends in a mirror that is equal, whatever was prepared", async () => {
  const sh = (script: string): string => run("sh", ["-ec", script], { cwd: job.source });
  sh(
    `for i in 1 2 3 4 5; do head -c 300000 /dev/urandom > f$i; done; ln f5 g5; setfacl -m u:5:r f3; sleep 0.1; touch last`,
  );
  await warmMirror(job);
  sh(`printf x | dd of=f1 seek=9 conv=notrunc status=none; head -c 9 /dev/urandom >> f2; chmod 600 f3; printf y >> f3
      t=$(stat -c %y f4); head -c 300000 /dev/urandom > f4; touch -d "$t" f4; printf z >> f5; setfattr -n user.a -v b f2`);
  await coldMirror(job, true);
  expect(differences(job.source, job.mirror)).toBe("");
});
