/** A directory of the mirror is as that of the volume, also when rsync could not make it so at its end, of which it says nothing. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { isDiskFull } from "../../operator/mover/errors.ts";
import { withAncestors } from "../../operator/mover/mirror/directories.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { differences } from "../support/odd-files.ts";

jest.setTimeout(240_000);

const path = process.env["PATH"] ?? "";
const directories = [".", "dir", "dir/deep", "other", "other/odd\nname"];

let bed: MirrorBed;
let root = "";
let job: MirrorJob;
beforeEach(() => {
  bed = createMirrorBed();
  ({ job, root } = bed);
  for (const name of directories) {
    mkdirSync(join(job.source, name), { recursive: true });
    writeFileSync(join(job.source, name, "file"), name);
  }
});
afterEach(() => {
  process.env["PATH"] = path;
  bed.remove();
});

/** A program of that name on the path, which finds that of the system behind itself. */
function putInTheWay(name: string, ...lines: readonly string[]): void {
  const bin = join(root, "bin");
  mkdirSync(bin, { recursive: true });
  const script = ["#!/bin/sh", "PATH=${PATH#*:}", `echo >>${join(root, `${name}.calls`)}`, ...lines].join("\n");
  writeFileSync(join(bin, name), `${script}\n`, { mode: 0o755 });
  process.env["PATH"] = `${bin}${delimiter}${path}`;
}

const callsOf = (name: string): number => {
  const file = join(root, `${name}.calls`);
  return existsSync(file) ? readFileSync(file, "utf8").length : 0;
};

/** As after a call of the system that failed: the directories have another time, as when something is put into them. */
const afterRsync = (...lines: readonly string[]): void =>
  putInTheWay("rsync", 'rsync "$@" || exit', `cd ${job.mirror}`, ...lines);
const forgetTimes = (): void => afterRsync("find . -type d -exec touch -d 2001-01-01 {} +");
const secondsOf = (where: string): readonly number[] =>
  directories.map((name) => Math.floor(statSync(join(where, name)).mtimeMs / 1000));

test("in a new mirror, in a pass over all of it and in one over what has changed", async () => {
  forgetTimes();
  await warmMirror(job);
  expect(differences(job.source, job.mirror)).toBe("");
  // So much later that what lies above the next name does not count as changed itself.
  await sleep(2_100);
  writeFileSync(join(job.source, "later"), "later");
  await warmMirror(job);
  writeFileSync(join(job.source, "dir/deep/new"), "new");
  const before = callsOf("rsync");
  await coldMirror(job, true);
  expect(callsOf("rsync")).toBe(before + 1);
  const strange = secondsOf(job.mirror).filter((second) => second < 1_000_000_000);
  // Nothing was brought there, so nobody looks.
  expect(strange).toHaveLength(2);
  expect(differences(join(job.source, "dir"), join(job.mirror, "dir"))).toBe("");
  await warmMirror(job, true);
  expect(differences(job.source, job.mirror)).toBe("");
});

test("one that rsync has opened for itself is closed again", async () => {
  chmodSync(join(job.source, "dir"), 0o555);
  afterRsync("chmod u+w dir");
  await warmMirror(job);
  expect(differences(job.source, job.mirror)).toBe("");
});

test("a time that cannot be set ends the pass with the reason, and the next one sets it", async () => {
  forgetTimes();
  putInTheWay("touch", 'echo "touch: setting times of ./: No space left on device" >&2', "exit 1");
  const failed: unknown = await warmMirror(job).catch((error: unknown) => error);
  expect(isDiskFull(failed)).toBe(true);
  process.env["PATH"] = path;
  await warmMirror(job);
  expect(differences(job.source, job.mirror)).toBe("");
});

test("where times are kept to the second, all get theirs, and one attempt tells of those that have it", async () => {
  const eachSecond = ["for name; do :; done", 'touch "$@" && touch -m -d "@$(stat -L -c %Y "$name")" "$name"'];
  putInTheWay("touch", ...eachSecond);
  forgetTimes();
  await warmMirror(job);
  expect(secondsOf(job.mirror)).toEqual(secondsOf(job.source));
  expect(callsOf("touch")).toBe(directories.length);
  afterRsync(
    `find . -type d -exec sh -c '${eachSecond[1]!.replace('touch "$@" && ', "")}' - {} ';'`.replaceAll("$name", "$1"),
  );
  await coldMirror(job, true);
  expect(secondsOf(job.mirror)).toEqual(secondsOf(job.source));
  expect(callsOf("touch")).toBe(directories.length + 1);
});

test("one whose time the file system cannot keep does not keep the others from theirs", async () => {
  forgetTimes();
  putInTheWay(
    "touch",
    "for name; do :; done",
    `[ "$(stat -L -c %i "$name")" = "$(stat -c %i ${job.mirror})" ] || touch "$@"`,
  );
  await warmMirror(job);
  expect(secondsOf(job.mirror).slice(1)).toEqual(secondsOf(job.source).slice(1));
});

test("of a directory that the app has just changed, the next pass will know", async () => {
  putInTheWay("touch", 'exec touch "$@"');
  putInTheWay("rsync", 'rsync "$@" || exit', `cd ${job.source}`, "echo more >>dir/$$", "echo more >>other/$$");
  await warmMirror(job);
  expect(callsOf("touch")).toBe(0);
  process.env["PATH"] = path;
  await coldMirror(job, true);
  expect(differences(job.source, job.mirror)).toBe("");
});

test("what lies above a name is looked at with it", () => {
  expect([...withAncestors(["a/b/c", "a/d", ""])].toSorted()).toEqual(["", "a", "a/b", "a/b/c", "a/d"]);
});
