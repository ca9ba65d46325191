/** Generations that hold what has changed: whatever happens to the files between them, each comes back as it was. */
import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { manifestSchema, type Manifest } from "../../operator/domain/manifest.ts";
import type { GenerationType } from "../../operator/domain/generation.ts";
import { createBed, type MoverBed } from "../support/mover-bed.ts";
import { make, restoredDifference, scriptDifference, type Made } from "../support/chain-bed.ts";
import { mutate, randomOf } from "../support/mutations.ts";
import { allowNamedUser, run, setAttribute, writeOddFiles } from "../support/odd-files.ts";

jest.setTimeout(300_000);

let bed: MoverBed;
let volume = "";
beforeEach(() => {
  bed = createBed();
  volume = bed.volume("uploads");
});
afterEach(() => bed.dispose());

const manifestOf = ({ path }: Made): Manifest =>
  manifestSchema.parse(JSON.parse(readFileSync(join(path, "manifest.json"), "utf8")));
const membersOf = ({ path }: Made): readonly string[] =>
  run("sh", ["-c", 'zstd -dcq "$0" | tar -t', join(path, "volumes/uploads.tar.zst")])
    .split("\n")
    .filter((line) => line !== "");

describe("every generation of a chain comes back as its moment was", () => {
  const types: readonly GenerationType[] = [
    "Full",
    "Incremental",
    "Incremental",
    "Differential",
    "Incremental",
    "Incremental",
    "Differential",
    "Incremental",
  ];

  test.each([1, 2])("after random changes, seed %i", async (seed) => {
    const random = randomOf(seed);
    const done: string[] = [];
    for (let step = 0; step < 40; step += 1) mutate(volume, random);
    const made: Made[] = [];
    for (const [index, type] of types.entries()) {
      if (index > 0) for (let step = 0; step < 12; step += 1) done.push(mutate(volume, random));
      made.push(await make(bed, index + 1, type));
      // So the next one that is based on it need not compare the two.
      const known = readFileSync(join(bed.layout.base, "mirror/.state/uploads.files.zst"));
      expect(known.equals(readFileSync(join(made.at(-1)?.path ?? "", "files.jsonl.zst")))).toBe(true);
    }
    expect(
      made.map(manifestOf).map(({ type, chain }) => [type, chain.map(({ id }) => Number(id.slice(0, 6)))]),
    ).toEqual([
      ["Full", []],
      ["Incremental", [1]],
      ["Incremental", [1, 2]],
      ["Differential", [1]],
      ["Incremental", [1, 4]],
      ["Incremental", [1, 4, 5]],
      ["Differential", [1]],
      ["Incremental", [1, 7]],
    ]);
    for (const one of made) {
      const what = { generation: one.id, done };
      expect({ ...what, restored: await restoredDifference(bed, one) }).toEqual({ ...what, restored: "" });
      expect({ ...what, script: scriptDifference(bed, one) }).toEqual({ ...what, script: "" });
    }
  });
});

describe("an incremental", () => {
  test("holds what has changed and the directories above it, and nothing else", async () => {
    run("mkdir", ["-p", join(volume, "a/b"), join(volume, "c")]);
    for (const name of ["a/b/old", "a/b/changed", "c/same", "gone"]) writeFileSync(join(volume, name), name);
    await make(bed, 1, "Full");
    writeFileSync(join(volume, "a/b/changed"), "CHANGED");
    run("rm", [join(volume, "gone")]);
    const second = await make(bed, 2, "Incremental");
    expect(membersOf(second).toSorted()).toEqual(["./", "./a/", "./a/b/", "./a/b/changed"]);
    expect(readFileSync(join(second.path, "volumes/uploads.deleted"), "utf8")).toBe("./gone\0");
    const lines = run("zstd", ["-dcq", join(second.path, "files.jsonl.zst")])
      .trim()
      .split("\n");
    const holders = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ t }) => t === "f");
    expect(holders.map((line) => [line["p"], line["in"]])).toEqual([
      ["a/b/changed", undefined],
      ["a/b/old", manifestOf(second).parent],
      ["c/same", manifestOf(second).parent],
    ]);
    expect([await restoredDifference(bed, second), scriptDifference(bed, second)]).toEqual(["", ""]);
  });

  test("of which nothing has changed is a whole generation, and nearly empty", async () => {
    writeOddFiles(volume);
    run("rm", [join(volume, "socket")]);
    const first = await make(bed, 1, "Full");
    const second = await make(bed, 2, "Incremental");
    expect(membersOf(second)).toEqual(["./"]);
    expect(manifestOf(second).totals.files).toBe(manifestOf(first).totals.files);
    expect(await restoredDifference(bed, second)).toBe("");
    expect(scriptDifference(bed, second)).toBe("");
  });

  test("sees an edit that keeps size and time, and one of the time alone", async () => {
    for (const name of ["sly", "touched", "same"]) writeFileSync(join(volume, name), "first");
    for (const name of ["sly", "touched", "same"]) utimesSync(join(volume, name), 1000, 1000);
    await make(bed, 1, "Full");
    writeFileSync(join(volume, "sly"), "other");
    utimesSync(join(volume, "sly"), 1000, 1000);
    utimesSync(join(volume, "touched"), 2000, 2000);
    // A new change time, and nothing else.
    utimesSync(join(volume, "same"), 1000, 1000);
    const second = await make(bed, 2, "Incremental");
    expect(membersOf(second).toSorted()).toEqual(["./", "./sly", "./touched"]);
    expect(await restoredDifference(bed, second)).toBe("");
  });

  test("takes away attributes and access lists that are gone, of files, of directories with all in them, and of the root", async () => {
    run("mkdir", ["-p", join(volume, "a/b"), join(volume, "c")]);
    for (const name of ["a/f", "a/b/g", "c/h"]) writeFileSync(join(volume, name), name);
    for (const name of ["a", "a/f", "."]) setAttribute(join(volume, name), "user.one", "1");
    allowNamedUser(join(volume, "c"));
    await make(bed, 1, "Full");
    for (const name of ["a", "a/f", "."]) run("setfattr", ["-x", "user.one", join(volume, name)]);
    run("setfattr", ["-x", "system.posix_acl_access", join(volume, "c")]);
    run("chmod", ["750", join(volume, "c")]);
    const second = await make(bed, 2, "Incremental");
    expect(readFileSync(join(second.path, "volumes/uploads.deleted"), "utf8").split("\0").slice(0, -1)).toEqual([
      "./c/h",
      "./c",
      "./a/f",
      "./a/b/g",
      "./a/b",
      "./a",
    ]);
    expect(await restoredDifference(bed, second)).toBe("");
    // Only the root cannot be made anew by plain tools.
    expect(scriptDifference(bed, second).replaceAll(/^\.d.{9} \.\/\n/gm, "")).toBe("");
  });

  test("says in its guide and in the file chain what it needs", async () => {
    writeFileSync(join(volume, "f"), "x");
    const first = await make(bed, 1, "Full");
    const second = await make(bed, 2, "Incremental");
    const third = await make(bed, 3, "Incremental");
    expect(existsSync(join(first.path, "chain"))).toBe(false);
    const text = readFileSync(join(third.path, "chain"), "utf8");
    const digest = (path: string): string => run("sha256sum", [join(path, "manifest.json")]).slice(0, 64);
    expect(text).toBe(`${digest(first.path)}  ${first.id}\n${digest(second.path)}  ${second.id}\n`);
    expect(readFileSync(join(third.path, "RESTORE.md"), "utf8")).toContain(`- \`${second.id}\``);
  });
});
