/** Files with several names, of which only one has changed since the mirror was equal to the volume. */
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { maxDifferences } from "../../operator/mover/mirror/inventory.ts";
import { readState } from "../../operator/mover/mirror/mirror-state.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { scanVolume } from "../../operator/mover/mirror/scan.ts";
import { differences } from "../support/odd-files.ts";

jest.setTimeout(300_000);

let root = "";
let job: MirrorJob;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-shared-"));
  const [source, mirror, stateDirectory, scratch] = ["source", "mirror", "state", "scratch"].map((name) => {
    mkdirSync(join(root, name));
    return join(root, name);
  }) as [string, string, string, string];
  const volume = { name: "uploads", claimName: "uploads", paths: ["."], exclude: [] };
  job = { volume, source, mirror, stateDirectory, scratch, signal: new AbortController().signal };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const inSource = (path: string): string => join(job.source, path);
const passes = async (): Promise<void> => {
  await warmMirror(job);
  const { settle } = await coldMirror(job, true);
  await settle(job.signal);
};

test.each(["a", "z"])(
  "a name that is another file now, by its directory, and another name of the old one in %s",
  async (other) => {
    mkdirSync(inSource("dir"));
    mkdirSync(inSource(other));
    writeFileSync(inSource("dir/file"), "old content");
    linkSync(inSource("dir/file"), inSource(`${other}/file`));
    await passes();
    renameSync(inSource("dir"), inSource("dir2"));
    mkdirSync(inSource("dir"));
    writeFileSync(inSource("dir/file"), "new content!");
    await passes();
    expect(differences(job.source, job.mirror)).toBe("");
  },
);

test("another name of a large file with holes that was written to", async () => {
  const fd = openSync(inSource("disk"), "w");
  ftruncateSync(fd, 200 * 1024 * 1024);
  writeSync(fd, "x", 100);
  closeSync(fd);
  await passes();
  const again = openSync(inSource("disk"), "r+");
  writeSync(again, "changed", 100 * 1024 * 1024);
  closeSync(again);
  linkSync(inSource("disk"), inSource("other"));
  await passes();
  expect(differences(job.source, job.mirror)).toBe("");
});

test("more names than are treated one by one are left to a pass that compares everything", async () => {
  mkdirSync(inSource("dir"));
  writeFileSync(inSource("dir/file"), "x");
  for (let index = 0; index <= maxDifferences; index += 1) linkSync(inSource("dir/file"), inSource(`${index}`));
  await passes();
  renameSync(inSource("dir"), inSource("other"));
  const { changes } = await scanVolume(job, { since: "99999999999", known: await readState(job), frozen: true });
  expect(changes).toBeUndefined();
});
