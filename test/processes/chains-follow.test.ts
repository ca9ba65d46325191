/** A mistake in what an increment stores or names as deleted, made on purpose: the seal refuses it by the two lists alone. */
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { seal } from "../../operator/mover/steps/seal.ts";
import { archivePartSchema } from "../../operator/mover/store/parts.ts";
import { argvCompare, argvCreateNamed, memberPath } from "../../operator/mover/tools/tar.ts";
import { digestOf, make, type Made } from "../support/chain-bed.ts";
import { capture, createBed, sealTask, warmUp, type Captured, type MoverBed } from "../support/mover-bed.ts";
import { run, setAttribute } from "../support/odd-files.ts";

jest.setTimeout(120_000);

let bed: MoverBed;
let first: Made;
let second: Made;
let of: Captured;
let staging = "";
/** What was captured, by its path. */
const whole = new Map<string, Buffer>();

const archiveFile = "volumes/uploads.tar.zst";
const deletedFile = "volumes/uploads.deleted";
const listFile = "files.jsonl.zst";
const partFile = "part-archive.json";

beforeAll(async () => {
  bed = createBed();
  const volume = bed.volume("uploads");
  const path = (name: string): string => join(volume, name);
  for (const name of ["d", "gd", "ad"]) mkdirSync(path(name));
  for (const name of ["a", "b", "c", "d/x", "d/y", "gd/z", "ad/in", "l1", "t", "é\n\\8"])
    writeFileSync(path(name), name);
  linkSync(path("l1"), path("l2"));
  setAttribute(path("ad"), "user.mark", "1");
  first = await make(bed, 1, "Full");
  writeFileSync(path("b"), "second");
  second = await make(bed, 2, "Incremental");

  writeFileSync(path("c"), "third");
  writeFileSync(path("é\n\\8"), "third");
  for (const name of ["d/y", "t"]) unlinkSync(path(name));
  rmSync(path("gd"), { recursive: true });
  mkdirSync(path("t"));
  linkSync(path("l1"), path("l3"));
  setAttribute(path("ad"), "user.mark", "2");
  const base = { id: second.id, manifestSHA256: digestOf(second.path) };
  of = { seq: 3, runUID: "run-3", podUID: "pod-3", type: "Incremental", base };
  await warmUp(bed, of);
  await capture(bed, of);
  staging = join(bed.layout.staging, "000003-pod-3");
  for (const file of [archiveFile, deletedFile, listFile, partFile]) whole.set(file, readFileSync(join(staging, file)));
});
afterAll(() => bed.dispose());

/** Changes what was captured, and what the capture says of it. */
function forge(change: Change): void {
  for (const [file, bytes] of whole) writeFileSync(join(staging, file), bytes);
  const part = archivePartSchema.parse(JSON.parse(readFileSync(join(staging, partFile), "utf8")));
  let names: readonly string[] | undefined;
  if ("archive" in change) {
    names = change.archive([
      "./",
      "./a",
      "./ad/",
      "./ad/in",
      "./c",
      "./d/",
      "./l1",
      "./l2",
      "./l3",
      "./t/",
      "./é\n\\8",
    ]);
    const wanted = join(bed.root, "names");
    writeFileSync(wanted, names.map((name) => `${name}\0`).join(""));
    const pack = `${argvCreateNamed()
      .map((word) => `'${word}'`)
      .join(" ")} <"$0" | zstd -qf -o "$1"`;
    run("sh", ["-c", pack, wanted, join(staging, archiveFile)], { cwd: bed.layout.mirror("uploads") });
  }
  if ("deleted" in change) {
    const text = change.deleted(readFileSync(join(staging, deletedFile), "utf8").split("\0").slice(0, -1));
    writeFileSync(join(staging, deletedFile), text.map((name) => `${name}\0`).join(""));
  }
  if ("list" in change) {
    const lines = run("zstd", ["-dcq", join(staging, listFile)]).split("\n");
    writeFileSync(join(bed.root, "lines"), lines.map((line) => change.list(line)).join("\n"));
    run("zstd", ["-qf", join(bed.root, "lines"), "-o", join(staging, listFile)]);
  }
  const files = part.files.map(({ path }) => ({
    path,
    size: statSync(join(staging, path)).size,
    sha256: run("sha256sum", [join(staging, path)]).slice(0, 64),
  }));
  const volumes = part.volumes.map((volume) => ({ ...volume, packed: names?.length ?? volume.packed }));
  writeFileSync(join(staging, partFile), JSON.stringify({ ...part, files, volumes }));
}

type Change =
  | { readonly archive: (names: readonly string[]) => readonly string[] }
  | { readonly deleted: (names: readonly string[]) => readonly string[] }
  | { readonly list: (line: string) => string };

const without = (...names: readonly string[]) => ({
  archive: (all: readonly string[]) => all.filter((name) => name !== "./a" && !names.includes(name)),
});
const notDeleted = (name: string) => ({ deleted: (all: readonly string[]) => all.filter((one) => one !== name) });
const held = (name: string, by: () => string) => ({
  list: (line: string) =>
    line.includes(`"p":"${name}"`) ? line.replace(/(,"in":"[^"]*")?}$/, `,"in":"${by()}"}`) : line,
});

describe("the seal refuses an increment that does not follow from its base, and names the path", () => {
  const cases: readonly (readonly [string, Change, RegExp])[] = [
    ["a changed file is not packed", without("./c"), /"c" has changed since 000002-\S+, and is not in the archive/],
    ["a new directory is not packed", without("./t/"), /"t" is named as deleted since \S+, and is not in the archive/],
    ["an odd name is not packed", without("./é\n\\8"), /"é\\n\\\\8" has changed since/],
    ["a directory that lost a name is not packed", without("./d/"), /"d" has changed since/],
    ["the root is not packed", without("./"), /"\." has changed since/],
    ["one name of a file is not packed", without("./l1"), /"l1" has changed since/],
    [
      "a file that has not changed is packed",
      { archive: (all) => all },
      /"a" is in the archive, and listed as held by 000001-/,
    ],
    ["another order", { archive: (all) => [...all.slice(2), "./"] }, /not in the archive|has it not there/],
    ["what is gone is not deleted", notDeleted("./d/y"), /"d\/y" is gone since 000002-\S+, and is not among/],
    ["a directory that is gone stays", notDeleted("./gd"), /"gd" is gone since/],
    ["what is in it stays", notDeleted("./gd/z"), /"gd\/z" is gone since/],
    ["another type is not deleted before", notDeleted("./t"), /"t" is of another type than in 000002-/],
    ["attributes stay", notDeleted("./ad"), /"ad" has lost extended attributes or ACLs since 000002-/],
    ["what lies in what is deleted stays", notDeleted("./ad/in"), /"ad\/in" lies in "ad\/", which is deleted/],
    ["what has not changed is deleted", { deleted: (all) => [...all, "./a"] }, /"a" is named as deleted since/],
    [
      "what was never there is deleted",
      { deleted: (all) => ["./zzz", ...all] },
      /"zzz" is named as deleted, and 000002-/,
    ],
    ["and another name of that", { deleted: (all) => [...all, "./aa"] }, /"aa" is named as deleted, and 000002-/],
    [
      "what is in no list is packed",
      { archive: (all) => ["./", "./a", ...all.slice(1)] },
      /"a" is in the archive, and/,
    ],
    [
      "the wrong holder",
      held("a", () => second.id),
      /"a" is listed as held by 000002-\S+; by 000002-\S+ it is 000001-/,
    ],
    ["held by another one before", held("b", () => first.id), /"b" is listed as held by 000001-/],
    [
      "stored here and listed elsewhere",
      held("c", () => second.id),
      /"c" is in the archive, and listed as held by 000002-/,
    ],
    [
      "held here and not stored",
      { list: (line) => (line.includes('"p":"a"') ? line.replace(/,"in":"[^"]*"/, "") : line) },
      /"a" is listed as held by this generation, and is not in its archive/,
    ],
  ];

  test.each(cases)("%s", async (_, change, why) => {
    forge(change);
    const sealed = seal(sealTask(of), bed.context("s"));
    await expect(sealed).rejects.toMatchObject({ code: "HO-A404", message: expect.stringMatching(why) });
  });

  test("and seals what was captured", async () => {
    forge(without());
    await expect(seal(sealTask(of), bed.context("s"))).resolves.toMatchObject({ ok: true });
  });
});

test("a name is read from what tar prints, whatever its bytes are", () => {
  const root = bed.volume("uploads");
  mkdirSync(join(root, "bytes"));
  const names: string[] = [];
  for (let byte = 1; byte < 256; byte += 1) if (byte !== 0x2f) names.push(`x${String.fromCharCode(byte)}7`);
  for (const name of names) writeFileSync(Buffer.from(join(root, "bytes", name), "latin1"), "");
  const compare = argvCompare()
    .map((word) => `'${word}'`)
    .join(" ");
  const printed = run("sh", ["-c", `tar --create --format=posix --sort=name . | LC_ALL=C ${compare}`], {
    cwd: join(root, "bytes"),
  });
  expect(printed.split("\n").slice(0, -1).map(memberPath)).toEqual(["", ...names]);
});
