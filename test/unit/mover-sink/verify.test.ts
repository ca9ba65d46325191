/** Verify: each way in which a copy can differ from its manifest is found, and only the bad copy is set aside. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import {
  appendFileSync,
  existsSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
  readFileSync,
} from "node:fs";
import { join } from "node:path";
import type { TaskOf } from "../../../operator/contract/task.ts";
import { verify } from "../../../operator/mover/steps/verify.ts";
import { readMarkers, writeMarker } from "../../../operator/mover/store/markers.ts";
import { addGeneration, common, createBench, idOf, sha256, type Bench } from "../../support/generations.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(240_000);

const task = (mode: "Full" | "Sample" | "None" = "Full"): TaskOf<"verify"> => ({
  ...common,
  step: "verify",
  sink: { name: "vault", uuid: "vault-uuid" },
  mode,
});

let bench: Bench;
beforeEach(() => {
  bench = createBench();
  for (const seq of [1, 2, 3]) addGeneration(bench.sink().store, { seq });
});
afterEach(() => bench.remove());

const archive = "volumes/uploads.tar.zst";

/** Changes one bit in the middle; size and times stay plausible. */
function flipBit(path: string): void {
  const file = openSync(path, "r+");
  writeSync(file, Buffer.from([0xff]), 0, 1, 1_000_000);
}

/** As one would be with such a manifest, its digest beside it. */
function rewriteManifest(path: string, change: Readonly<Record<string, unknown>>): void {
  const manifest = JSON.parse(readFileSync(join(path, "manifest.json"), "utf8")) as Record<string, unknown>;
  const text = JSON.stringify({ ...manifest, ...change });
  writeFileSync(join(path, "manifest.json"), text);
  writeFileSync(join(path, "manifest.sha256"), `${sha256(text)}  manifest.json\n`);
}

test("whole copies are verified, newest first, and marked with the digest of their manifest", async () => {
  const result = await verify(task(), bench.context);
  expect(result).toMatchObject({ verified: [idOf(3), idOf(2), idOf(1)], damaged: [] });
  expect(result.bytes).toBeGreaterThan(6_900_000);
  expect([...(await readMarkers(bench.sink())).values()].map(({ mode }) => mode)).toEqual(["Full", "Full", "Full"]);
});

test("a lesser check says which one it was, and what has passed that or more", async () => {
  await writeMarker(bench.sink(), addGeneration(bench.sink().store, { seq: 4 }), "Full");
  truncateSync(join(bench.sink().store, idOf(2), archive), 10);
  const checked = { since: 1, ranges: "1,3-4" };
  expect((await verify(task("None"), bench.context)).lesser).toEqual({ mode: "None", checked });
  expect(await verify(task("Sample"), bench.context)).toMatchObject({
    lesser: { mode: "Sample", checked },
    sequences: { since: 1, ranges: "4" },
  });
  expect((await verify(task(), bench.context)).lesser).toBeUndefined();
});

test("more verified copies than ids fit into the result are told by their numbers", async () => {
  for (let seq = 4; seq <= 28; seq += 1) {
    if (seq === 20) continue;
    await writeMarker(bench.sink(), addGeneration(bench.sink().store, { seq, files: { a: "x" } }), "Full");
  }
  const result = await verify(task(), bench.context);
  expect(result.verified).toHaveLength(20);
  expect(result.sequences).toEqual({ since: 1, ranges: "1-19,21-28" });
});

test("what is marked is not read again, unless the marker is for another manifest", async () => {
  await verify(task(), bench.context);
  expect((await verify(task(), bench.context)).bytes).toBe(0);
  await writeMarker(bench.sink(), { id: idOf(2), manifestSHA256: "0".repeat(64) }, "Full");
  expect((await verify(task(), bench.context)).bytes).toBeGreaterThan(2_000_000);
});

describe("a copy that differs is set aside, the others stay", () => {
  const damages: Readonly<Record<string, (path: string) => void>> = {
    "a flipped bit": (path) => flipBit(join(path, archive)),
    "a truncated file": (path) => truncateSync(join(path, archive), 1_000_000),
    "a longer file": (path) => appendFileSync(join(path, archive), "x"),
    "a missing file": (path) => rmSync(join(path, archive)),
    "an extra file": (path) => writeFileSync(join(path, "volumes/extra"), ""),
    "a link in place of a file": (path) => {
      rmSync(join(path, archive));
      symlinkSync("/dev/zero", join(path, archive));
    },
    "a changed manifest": (path) => appendFileSync(join(path, "manifest.json"), " "),
    "a missing manifest": (path) => rmSync(join(path, "manifest.json")),
    "another digest of the manifest": (path) => writeFileSync(join(path, "manifest.sha256"), "0".repeat(64)),
    "a digest without its file name, which sha256sum does not take": (path) =>
      writeFileSync(join(path, "manifest.sha256"), readFileSync(join(path, "manifest.sha256"), "utf8").slice(0, 64)),
    "a changed SHA256SUMS": (path) => writeFileSync(join(path, "SHA256SUMS"), ""),
    // It would be the newest of all for ever.
    "the number of another": (path) => rewriteManifest(path, { seq: 999_999 }),
  };
  test.each(Object.keys(damages))("%s", async (name) => {
    damages[name]?.(join(bench.sink().store, idOf(2)));
    const result = await verify(task(), bench.context);
    expect(result).toMatchObject({ verified: [idOf(3), idOf(1)], damaged: [idOf(2)] });
    expect(readdirSync(bench.sink().damaged)).toEqual([`${idOf(2)}-1`]);
    expect(existsSync(join(bench.sink().store, idOf(2)))).toBe(false);
  });
});

test("the same id damaged twice leaves two directories to look at", async () => {
  for (const _ of [1, 2]) {
    flipBit(join(bench.sink().store, idOf(2), archive));
    await verify(task(), bench.context);
    addGeneration(bench.sink().store, { seq: 2 });
  }
  expect(readdirSync(bench.sink().damaged)).toEqual([`${idOf(2)}-1`, `${idOf(2)}-2`]);
});

test("a sample or a look does not count as verified, and Full reads everything afterwards", async () => {
  expect((await verify(task("None"), bench.context)).verified).toEqual([]);
  expect((await verify(task("Sample"), bench.context)).verified).toEqual([]);
  expect((await verify(task(), bench.context)).verified).toHaveLength(3);
});

test("a link of the right length in place of a file is found even without reading", async () => {
  const file = join(bench.sink().store, idOf(2), "databases/shop/dump/toc.dat");
  rmSync(file);
  symlinkSync("a/b/c", file);
  expect((await verify(task("None"), bench.context)).damaged).toEqual([idOf(2)]);
});

test("another store under the mount point is refused", async () => {
  const other = { ...task(), sink: { name: "vault", uuid: "another-uuid" } };
  await expect(verify(other, bench.context)).rejects.toMatchObject({ code: "HO-T502" });
});

test("a lineage of another policy is refused", async () => {
  await expect(verify({ ...task(), policyUID: "another" }, bench.context)).rejects.toMatchObject({ code: "HO-P106" });
});
