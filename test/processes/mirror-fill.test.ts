/** A mirror that is empty is filled by two readers at once; what they leave out, the pass after them brings. */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { fillMirror } from "../../operator/mover/mirror/fill.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { differences, writeOddFiles } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let bed: MirrorBed;
let job: MirrorJob;
beforeEach(() => {
  bed = createMirrorBed({ exclude: ["cache"] });
  ({ job } = bed);
  for (const directory of ["a/deep", "b", "cache"]) mkdirSync(join(job.source, directory), { recursive: true });
  // Sparse, so that they are as large as it takes and cost nothing.
  for (const name of ["a/deep/large-1", "b/large-2", "b/odd\n-name \\# é", "cache/large-3"]) {
    writeFileSync(join(job.source, name), name);
    truncateSync(join(job.source, name), 40 * 1024 * 1024);
  }
  writeFileSync(join(job.source, "b/linked"), "two names");
  linkSync(join(job.source, "b/linked"), join(job.source, "a/linked"));
  symlinkSync("b", join(job.source, "link"));
});
afterEach(() => bed.remove());

test("every file with one name is on one of two lists, and what is excluded is not copied", async () => {
  const copied: (readonly string[])[] = [];
  await fillMirror({ ...job, selection: job.volume, listFile: join(job.scratch, "fill") }, async (argv) => {
    const list = argv.find((arg) => arg.startsWith("--files-from="))?.slice("--files-from=".length) ?? "";
    copied.push(readFileSync(list, "utf8").split("\0").slice(0, -1));
  });
  expect(copied).toHaveLength(2);
  expect(copied.every((names) => names.length > 0)).toBe(true);
  expect(copied.flat().toSorted()).toEqual(["a/deep/large-1", "b/large-2", "b/odd\n-name \\# é", "cache/large-3"]);
  await warmMirror(job);
  expect(readdirSync(job.mirror).toSorted()).toEqual(["a", "b", "link"]);
});

test("the mirror equals the volume afterwards", async () => {
  rmSync(join(job.source, "cache"), { recursive: true });
  mkdirSync(join(job.source, "odd"));
  writeOddFiles(join(job.source, "odd"));
  await warmMirror(job);
  expect(differences(job.source, job.mirror)).toBe("");
  expect(readFileSync(join(job.mirror, "b/large-2")).subarray(0, 9).toString()).toBe("b/large-2");
  writeFileSync(join(job.source, "b/linked"), "TWO NAMES");
  await coldMirror(job, true);
  expect(differences(job.source, job.mirror)).toBe("");
});

test("what is small is left to the pass", async () => {
  for (const name of ["a/deep", "b", "cache"]) rmSync(join(job.source, name), { recursive: true });
  writeFileSync(join(job.source, "small"), "x");
  const copies = jest.fn<() => Promise<void>>();
  await fillMirror({ ...job, selection: job.volume, listFile: join(job.scratch, "fill") }, copies);
  expect(copies).not.toHaveBeenCalled();
});
