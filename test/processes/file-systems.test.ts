/** Stores on file systems that keep less than others, or nothing any more: said before anything is stopped. Needs root for the mounts. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import {
  mkdirSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blame, CommandError } from "../../operator/mover/errors.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { transport } from "../../operator/mover/steps/transport.ts";
import { observeLacks } from "../../operator/mover/store/abilities.ts";
import { make, restoredDifference, scriptDifference, type Made } from "../support/chain-bed.ts";
import { common, createBed, preflightTask, warmUp, type MoverBed } from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let directory = "";
let bed: MoverBed;
const mounts: string[] = [];
const mount = (at: string, ...args: readonly string[]): void => {
  mkdirSync(at, { recursive: true });
  run("mount", [...args, at]);
  mounts.push(at);
};
const inMemory = ["-t", "tmpfs", "-o", "size=64m", "handover-test"];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "handover-places-"));
});
afterEach(() => {
  for (const at of mounts.splice(0).toReversed()) run("umount", [at]);
  bed.dispose();
  rmSync(directory, { recursive: true, force: true });
});

describe("that has become read-only", () => {
  test("a store is refused before the app is stopped, and nothing is tried on it", async () => {
    const store = join(directory, "store");
    mount(store, ...inMemory);
    bed = createBed({ store });
    writeFileSync(join(bed.volume("uploads"), "a"), "a");
    const first = await make(bed, 1, "Full");
    run("mount", ["-o", "remount,ro", store]);
    await expect(preflight(preflightTask(), bed.context("p"))).rejects.toMatchObject({
      code: "HO-P105",
      message: "the store cannot be used (it is mounted read-only, or its file system has become so)",
    });
    // Between the preflight and the copy, with the app still up.
    await expect(warmUp(bed, { seq: 2 })).rejects.toMatchObject({
      code: "HO-A403",
      message: expect.stringMatching(/EROFS|read-only/i),
    });
    expect(await restoredDifference(bed, first)).toBe("");
  });

  test("a sink is warned of and keeps its copies; what is not there waits", async () => {
    bed = createBed();
    const sink = join(bed.root, "sinks/vault");
    mount(sink, ...inMemory);
    writeFileSync(join(bed.volume("uploads"), "a"), "a");
    const first = await make(bed, 1, "Full");
    const bring = async (seq: number): ReturnType<typeof transport> =>
      await transport({ ...common, step: "transport", seq, sink: { name: "vault" } }, bed.context("t"));
    expect((await bring(1)).delivered).toEqual([first.id]);
    run("mount", ["-o", "remount,ro", sink]);
    const { warnings } = await preflight({ ...preflightTask(), sinks: [{ name: "vault" }] }, bed.context("p"));
    expect(warnings).toEqual([expect.stringMatching(/^HO-T502 sink vault cannot be used \(it is mounted read-only/)]);
    const second = await make(bed, 2, "Full");
    await expect(bring(2)).rejects.toMatchObject({
      code: "HO-T501",
      message: expect.stringMatching(/EROFS|read-only/i),
    });
    run("mount", ["-o", "remount,rw", sink]);
    expect((await bring(3)).delivered).toEqual([second.id]);
  });
});

describe("that keeps times by the second", () => {
  const ext2 = (at: string): void => {
    const image = join(directory, "image");
    writeFileSync(image, "");
    truncateSync(image, 64 * 1024 * 1024);
    run("mkfs.ext2", ["-q", "-F", "-I", "128", image]);
    mount(at, "-o", "loop", image);
    rmSync(join(at, "lost+found"), { recursive: true });
  };

  test("a chain comes back but for what the store cannot keep, an edit that keeps size and time included, and the preflight says so", async () => {
    const store = join(directory, "store");
    bed = createBed({ store });
    try {
      ext2(store);
    } catch (error) {
      // Nothing here depends on loop devices, which many containers do not have.
      if (!/loop|mount/.test(String(error))) throw error;
      process.stderr.write("  ext2 was not tried: this machine mounts no images\n");
      return;
    }
    const volume = bed.volume("uploads");
    for (const name of ["a", "c"]) writeFileSync(join(volume, name), name.repeat(5_000));
    linkSync(join(volume, "a"), join(volume, "b"));
    const made: Made[] = [];
    for (const seq of [1, 2, 3]) {
      made.push(await make(bed, seq, seq === 1 ? "Full" : "Incremental"));
      const { atime, mtime } = statSync(join(volume, "a"));
      writeFileSync(join(volume, "a"), String(seq).repeat(5_000));
      utimesSync(join(volume, "a"), atime, mtime);
    }
    const { warnings } = await preflight(preflightTask(), bed.context("p"));
    expect(warnings).toEqual([
      "the store keeps no nanoseconds: the files of its generations lose a part of their times",
    ]);
    for (const one of made)
      for (const found of [await restoredDifference(bed, one), scriptDifference(bed, one)])
        // Of each name the time alone, as rsync tells it.
        expect(found.split("\n").filter((line) => line !== "" && !/^[.h][fd]\.\.t\.{6} /.test(line))).toEqual([]);
    expect(readFileSync(join(made[2]!.state, "a"), "utf8")[0]).toBe("2");
  });
});

test("one without hard links, and one that has everything", async () => {
  bed = createBed();
  const file = join(directory, "probe");
  writeFileSync(file, "");
  // What a death has left of a look before.
  writeFileSync(`${file}-link`, "");
  expect(await observeLacks(file)).toEqual([]);
  // The kernel's own, whose directory knows no links, and times by the second.
  const queues = join(directory, "queues");
  mount(queues, "-t", "mqueue", "handover-test");
  const name = join(queues, `handover-${process.pid}`);
  writeFileSync(name, "");
  try {
    expect(await observeLacks(name)).toEqual([
      expect.stringMatching(/^keeps no nanoseconds: /),
      expect.stringMatching(/^keeps no hard links: /),
    ]);
  } finally {
    rmSync(name);
  }
});

test("a quota that is used up is told as a full disk, by Node and by tools", () => {
  bed = createBed();
  const by = { full: "HO-C901", otherwise: "HO-A403", what: "copying" } as const;
  for (const error of [
    Object.assign(new Error("EDQUOT: disk quota exceeded, write"), { code: "EDQUOT" }),
    new CommandError("rsync", 11, null, 'rsync: write failed on "/x": Disk quota exceeded (122)\n'),
  ])
    expect(blame(error, by)).toMatchObject({ code: "HO-C901" });
});
