/** A directory of the mirror has the time of that of the volume, also when rsync could not give it that, of which it says nothing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { isDiskFull } from "../../operator/mover/errors.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { differences } from "../support/odd-files.ts";

jest.setTimeout(240_000);

const path = process.env["PATH"] ?? "";
const directories = ["dir", "dir/deep", "other"];

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

/** As after a call of the system that failed: the directories have the time at which something was put into them. */
const forgetTimes = (): void =>
  putInTheWay(
    "rsync",
    'rsync "$@" || exit',
    `cd ${job.mirror}`,
    `for name in ${directories.join(" ")}; do [ ! -d "$name" ] || touch -d 2001-01-01 "$name"; done`,
  );

test("in a new mirror, in a pass over all of it and in one over what has changed", async () => {
  forgetTimes();
  await warmMirror(job);
  expect(differences(job.source, job.mirror)).toBe("");
  writeFileSync(join(job.source, "dir/deep/new"), "new");
  const before = callsOf("rsync");
  await coldMirror(job, true);
  expect(callsOf("rsync")).toBe(before + 1);
  expect(differences(job.source, job.mirror)).toBe("");
  writeFileSync(join(job.source, "other/newer"), "newer");
  await warmMirror(job, true);
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

test("where times are kept less exactly than they are set, one attempt tells", async () => {
  forgetTimes();
  putInTheWay("touch", "exit 0");
  await warmMirror(job);
  expect(callsOf("touch")).toBe(1);
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
