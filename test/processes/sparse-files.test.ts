/** A change in a large file that is mostly holes costs what there is in it, not what it seems to be long. */
import { mkdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { copySparse } from "../../operator/mover/mirror/sparse-files.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { differences, run } from "../support/odd-files.ts";
import { below, readFacts } from "../support/tree-facts.ts";

jest.setTimeout(240_000);

let bed: MirrorBed;
let root = "";
let job: MirrorJob;
beforeEach(() => {
  bed = createMirrorBed();
  ({ job, root } = bed);
});
afterEach(() => bed.remove());

const sh = (script: string, directory = "."): string =>
  run("sh", ["-ec", script], { cwd: join(job.source, directory) });
/** What this process and all that it has started and waited for have read, in bytes. */
const bytesRead = (): number => Number(/^rchar: ([0-9]+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
const mebibyte = 1024 * 1024;

const page = "printf x | dd of=big bs=1M conv=notrunc status=none";
const cases: readonly (readonly [string, string])[] = [
  ["a page is written into a hole", `${page} seek=60`],
  ["a page is written that keeps the time", `t=$(stat -c %y big); ${page} seek=50; touch -d "$t" big`],
  ["it is made longer", "truncate -s 100M big"],
  ["it is made shorter", "truncate -s 66M big"],
  ["a hole is punched", "fallocate -p -o 52428800 -l 1048576 big"],
  [
    "its mode, owner and attributes change",
    "setfacl -b big; chown 5:6 big; chmod 0604 big; setfattr -n user.a -v b big",
  ],
  ["a name of it goes", String.raw`printf x >> big; rm "$(printf 'd\377\n')/-f"`],
  ["one name of it becomes a file of its own", "cp --sparse=always big new; printf x >> new; mv new big"],
  ["it is no longer sparse", "head -c 50000000 /dev/urandom | dd of=big conv=notrunc status=none"],
  ["it becomes a directory", "rm big; mkdir big; touch big/in"],
  ["it becomes a link", "rm big; ln -s f big"],
  ["nothing happens to it", ":"],
];

test("whatever happens to a file of 70 MiB with 2 MiB in it, the last pass brings it", async () => {
  for (const [index] of cases.entries()) {
    mkdirSync(join(job.source, `case-${index}`));
    sh(
      String.raw`truncate -s 70M big; head -c 2000000 /dev/urandom | dd of=big bs=1M seek=50 conv=notrunc status=none
        mkdir -p "$(printf 'd\377\n')"; ln big "$(printf 'd\377\n')/-f"; setfacl -m u:5:r big; printf small > f`,
      `case-${index}`,
    );
  }
  await warmMirror(job);
  for (const [index, [, change]] of cases.entries()) sh(change, `case-${index}`);
  await coldMirror(job, true);
  expect(differences(job.source, job.mirror)).toBe("");
  const [source, mirror] = [readFacts(job.source), readFacts(job.mirror)];
  for (const [index, [what]] of cases.entries())
    expect([what, below(mirror, `case-${index}`)]).toEqual([what, below(source, `case-${index}`)]);
  for (const [path, bytes] of Object.entries(mirror.allocated))
    expect([path, bytes <= (source.allocated[path] ?? 0) + mebibyte / 2]).toEqual([path, true]);
});

test("it is not read as a whole, beside the running app nor while it is stopped", async () => {
  sh(`truncate -s 200M big; ${page} seek=3`);
  await warmMirror(job);
  for (const pass of [async () => await warmMirror(job), async () => await coldMirror(job, true)]) {
    sh(`${page} seek=199`);
    const before = bytesRead();
    await pass();
    expect((bytesRead() - before) / mebibyte).toBeLessThan(50);
  }
  expect(differences(job.source, job.mirror)).toBe("");
});

test("no link leads out of the volume", async () => {
  mkdirSync(join(root, "secrets"));
  run("truncate", ["-s", "200M", join(root, "secrets/big")]);
  run(
    "sh",
    [
      "-ec",
      "mkdir sub; truncate -s 100M sub/big big; printf '0 209715200 sub/big\\0000 209715200 big\\0' > ../state/uploads.large",
    ],
    {
      cwd: job.mirror,
    },
  );
  symlinkSync(join(root, "secrets"), join(job.source, "sub"));
  symlinkSync(join(root, "secrets/big"), join(job.source, "big"));
  const large = { largeFiles: join(job.stateDirectory, "uploads.large"), copiedList: join(job.scratch, "copied") };
  expect((await copySparse({ ...job, ...large, mark: "0", frozen: true })).inodes).toEqual([]);
  expect([statSync(join(job.mirror, "sub/big")).size, statSync(join(job.mirror, "big")).size]).toEqual([
    100 * mebibyte,
    100 * mebibyte,
  ]);
});
