/** A mirror that is empty is filled by two readers at once; what they leave out, the pass after them brings. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { fillMirror, type Copy } from "../../operator/mover/mirror/fill.ts";
import { takeInventory } from "../../operator/mover/mirror/inventory.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { differences, writeOddFiles } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let bed: MirrorBed;
let job: MirrorJob;
beforeEach(() => {
  bed = createMirrorBed({ exclude: ["cache", "**/*.tmp"] });
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

const inventory = (): string => join(job.scratch, "inventory");

/** What has been found of the volume, and then `meanwhile`, and then the fill. @returns the names that rsync was to bring */
async function fill(meanwhile: () => void = () => undefined): Promise<readonly string[]> {
  expect(await takeInventory({ root: job.source, target: inventory(), signal: job.signal })).toBe(true);
  meanwhile();
  const rest: string[] = [];
  const copy: Copy = (argv) => {
    const list = argv.find((arg) => arg.startsWith("--files-from="))?.slice("--files-from=".length) ?? "";
    rest.push(...readFileSync(list, "utf8").split("\0").slice(0, -1));
    return Promise.resolve();
  };
  await fillMirror(
    { ...job, selection: job.volume, inventory: inventory(), listFile: join(job.scratch, "fill") },
    copy,
  );
  return rest.toSorted();
}

const inMirror = (): readonly string[] => readdirSync(job.mirror, { recursive: true, encoding: "utf8" }).toSorted();

test("every file with one name is copied, and nothing that is excluded", async () => {
  mkdirSync(join(job.source, "few"));
  writeFileSync(join(job.source, "few/small"), "x");
  writeFileSync(join(job.source, "b/left-out.tmp"), "x");
  expect(await fill()).toEqual(["few/small"]);
  const copied = ["a/deep/large-1", "b/large-2", "b/odd\n-name \\# é"];
  expect(inMirror()).toEqual(["a", "a/deep", "b", ...copied].toSorted());
  for (const name of copied) {
    const [from, to] = [job.source, job.mirror].map((root) => statSync(join(root, name), { bigint: true }));
    expect([to?.size, to?.mtimeNs]).toEqual([from?.size, from?.mtimeNs]);
    expect(to?.blocks).toBeLessThan(1000n);
    expect(readFileSync(join(job.mirror, name)).equals(readFileSync(join(job.source, name)))).toBe(true);
  }
  await warmMirror(job);
  expect(readdirSync(job.mirror).toSorted()).toEqual(["a", "b", "few", "link"]);
});

test("a name of which Node can make no argument is brought by rsync", async () => {
  for (let index = 0; index < 40; index += 1) writeFileSync(join(job.source, `a/small-${index}`), "x");
  writeFileSync(Buffer.concat([Buffer.from(`${job.source}/a/`), Buffer.from([0xff])]), "x");
  expect(await fill()).toEqual(["a/\ufffd"]);
  expect(inMirror()).toContain("a/small-39");
  await warmMirror(job);
  expect(readdirSync(join(job.mirror, "a"), "buffer")).toContainEqual(Buffer.from([0xff]));
});

test("nothing is read through a link that has come in the place of a directory or a file", async () => {
  const outside = join(bed.root, "outside");
  for (const directory of ["deep", "b"]) mkdirSync(join(outside, directory), { recursive: true });
  for (const name of ["deep/large-1", "b/large-2"]) writeFileSync(join(outside, name), "a secret");
  await fill(() => {
    renameSync(join(job.source, "a"), join(job.source, "other"));
    symlinkSync(outside, join(job.source, "a"));
    rmSync(join(job.source, "b/large-2"));
    symlinkSync(join(outside, "b/large-2"), join(job.source, "b/large-2"));
  });
  expect(readdirSync(join(job.mirror, "a/deep"))).toEqual([]);
  const secret = spawnSync("grep", ["--recursive", "--files-with-matches", "a secret", job.mirror], {
    encoding: "utf8",
  });
  expect(secret.stdout).toBe("");
});

test("nobody waits for a pipe that has come in the place of a file, nor for what has gone", async () => {
  await fill(() => {
    rmSync(join(job.source, "a/deep/large-1"));
    rmSync(join(job.source, "b/large-2"));
    expect(spawnSync("mkfifo", [join(job.source, "b/large-2")]).status).toBe(0);
  });
  expect(existsSync(join(job.mirror, "b/odd\n-name \\# é"))).toBe(true);
  await warmMirror(job);
  expect(differences(join(job.source, "b"), join(job.mirror, "b"))).toBe("");
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
  expect(await fill()).toEqual([]);
  expect(inMirror()).toEqual([]);
});
