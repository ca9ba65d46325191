/** What a mirror holds of owners, ACLs and attributes stays there from run to run, and what did not change is not read again. */
import { linkSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { listChanged, noMark, notAhead } from "../../operator/mover/mirror/changes.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { scanVolume, type Scan } from "../../operator/mover/mirror/scan.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { differences, setAttribute, writeOddFiles } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let bed: MirrorBed;
let job: MirrorJob;
beforeEach(() => {
  bed = createMirrorBed();
  ({ job } = bed);
});
afterEach(() => bed.remove());

test("a file that nobody touches keeps its ACL and its attributes from run to run", async () => {
  mkdirSync(join(job.source, "deep"));
  writeOddFiles(join(job.source, "deep"));
  for (let round = 0; round < 3; round++) {
    await warmMirror(job);
    expect(differences(job.source, job.mirror)).toBe("");
    await coldMirror(job, true);
    expect(differences(job.source, job.mirror)).toBe("");
    // Something changes beside them, so much later that they do not count as changed themselves.
    await sleep(2_100);
    writeFileSync(join(job.source, `new-${round}`), "");
  }
});

const survey = async (): Promise<Scan> => await scanVolume(job, { since: noMark, known: undefined, frozen: false });

test("an attribute of the root is brought over, though nothing else has changed", async () => {
  writeFileSync(join(job.source, "file"), "");
  await warmMirror(job);
  setAttribute(job.source, "user.colour", "blue");
  await coldMirror(job, true);
  expect(differences(job.source, job.mirror)).toBe("");
});

test.each([
  ["1795316841.1234567890", 1_795_316_842_000, "1795316841.1234567890"],
  ["1795316841.1234567890", 1_795_316_841_500, "1795316841.1234567890"],
  ["1795316841.1234567890", 1_795_316_700_999, "1795316700"],
  ["0", 0, "0"],
])("a change time %s, with the clock at %s, makes the mark %s", (newest, now, mark) => {
  expect(notAhead(newest, now)).toBe(mark);
});

test("a new file in the root does not make its neighbours be read", async () => {
  const list = join(job.scratch, "list");
  const changed = async (mark: string): Promise<readonly string[]> => {
    await listChanged(job.source, mark, list, job.signal);
    return readFileSync(list, "utf8").split("\0").slice(0, -1);
  };
  writeFileSync(join(job.source, "old"), "");
  const mark = (await survey()).newest;
  await sleep(50);
  writeFileSync(join(job.source, "new"), "");
  expect(await changed(mark)).toEqual(["./new"]);
  expect((await changed(noMark)).toSorted()).toEqual(["./new", "./old"]);
});

test("one pass is enough for what is small, and its mark is older than what could have changed in it unseen", async () => {
  const marked = (): number =>
    Number(JSON.parse(readFileSync(join(job.stateDirectory, "uploads.mirror.json"), "utf8")).mark);
  const newest = async (): Promise<number> => Number((await survey()).newest);
  writeFileSync(join(job.source, "file"), "");
  await warmMirror(job);
  expect((await newest()) - marked()).toBeGreaterThanOrEqual(1);
  // Read once more with the app stopped, this would cost it its time: so it is compared before, when its clock has moved on.
  writeFileSync(join(job.source, "large"), "");
  truncateSync(join(job.source, "large"), 65 * 1024 * 1024);
  await warmMirror(job);
  expect(marked()).toBe(await newest());
});

test("what a walk over the volume tells of the last second", async () => {
  writeFileSync(join(job.source, "old"), "x".repeat(1000));
  await sleep(2_100);
  writeFileSync(join(job.source, "new"), "x".repeat(100_000));
  const { recentBytes } = await survey();
  // The directory that holds it has changed too.
  expect(recentBytes).toBeGreaterThanOrEqual(100_000);
  expect(recentBytes).toBeLessThan(110_000);
});

test("a directory whose name has become a link to a file that was there before does not end the pass", async () => {
  writeFileSync(join(job.source, "file"), "x");
  mkdirSync(join(job.source, "name"));
  await warmMirror(job);
  rmSync(join(job.source, "name"), { recursive: true });
  linkSync(join(job.source, "file"), join(job.source, "name"));
  await warmMirror(job);
  expect(differences(job.source, job.mirror)).toBe("");
});
