/** What a mirror holds of owners, ACLs and attributes stays there from run to run, and what did not change is not read again. */
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { listChanged, noMark, notAhead, surveyVolume } from "../../operator/mover/mirror/changes.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { differences, setAttribute, writeOddFiles } from "../support/odd-files.ts";

jest.setTimeout(60_000);

let root = "";
let job: MirrorJob;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-attributes-"));
  const [source, mirror, stateDirectory, scratch] = ["source", "mirror", "state", "scratch"].map((name) => {
    mkdirSync(join(root, name));
    return join(root, name);
  }) as [string, string, string, string];
  const volume = { name: "uploads", claimName: "uploads", paths: ["."], exclude: [] };
  job = { volume, source, mirror, stateDirectory, scratch, signal: new AbortController().signal };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

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
  const mark = (await surveyVolume(job.source, join(job.scratch, "large"), job.signal)).newest;
  await sleep(50);
  writeFileSync(join(job.source, "new"), "");
  expect(await changed(mark)).toEqual(["./new"]);
  expect((await changed(noMark)).toSorted()).toEqual(["./new", "./old"]);
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
