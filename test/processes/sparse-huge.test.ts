/** A huge file with a few pages in it, by all real steps: it takes the room of its pages everywhere, and comes back as it was. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { makeGeneration, restoreGeneration } from "../support/generation-bed.ts";
import { createBed } from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";
import { rsyncDifferences } from "../support/tree-facts.ts";

jest.setTimeout(600_000);

/** More than 32 bits count; as long as anybody likes, 20 GB take minutes: HANDOVER_SPARSE_BYTES=20000000000 */
const size = Number(process.env["HANDOVER_SPARSE_BYTES"] ?? 4_400_000_000);
const bed = createBed();
const volume = bed.volume("uploads");
const sh = (text: string): string => run("sh", ["-ec", text], { cwd: volume });
/** A page of random bytes at such a part of the file. */
const page = (part: number): string =>
  `dd if=/dev/urandom of=big bs=4096 count=1 conv=notrunc status=none seek=${Math.floor((size / 4096) * part)}`;
const megabyte = 1_000_000;

beforeAll(() => {
  sh(`truncate -s ${size} big; ${page(0.01)}; ${page(0.9)}`);
});
afterAll(() => bed.dispose());

test("it comes back from a backup that is based on another", async () => {
  const full = await makeGeneration(bed, 1, "Full");
  sh(`${page(0.5)}; ${page(1)}`);
  const before = join(bed.root, "before");
  run("cp", ["-a", volume, before]);
  const increment = await makeGeneration(bed, 2, "Incremental");
  for (const place of [full.path, increment.path, bed.layout.mirror("uploads")])
    expect(Number(run("du", ["-s", "-B1", place]).split("\t")[0])).toBeLessThan(megabyte);
  await restoreGeneration(bed, increment.path);
  expect(rsyncDifferences(before, volume)).toBe("");
  expect(statSync(join(volume, "big")).blocks * 512).toBeLessThan(megabyte);
});
