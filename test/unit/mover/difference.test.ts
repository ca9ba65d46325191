/** What an increment stores, from two lists: cases that are rare in nature, and the rules that an archive of one obeys. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { changedInodes, differ } from "../../../operator/mover/mirror/difference.ts";
import { compareWalk, parseEntry } from "../../../operator/mover/mirror/lines.ts";
import type { Replacement } from "../../../operator/mover/mirror/patch.ts";
import { NameFile } from "../../../operator/mover/mirror/name-file.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-difference-"));
});
afterEach(() => rmSync(root, { recursive: true }));

type Entry = Readonly<Record<string, unknown>> & { readonly p: string };
const line = (entry: Entry): string => JSON.stringify({ v: "uploads", ...entry });
const top: Entry = { p: ".", t: "d" };
const directory = (p: string, more: object = {}): Entry => ({ p, t: "d", ...more });
const digest = (h: string): string => h.padStart(64, "0");
const file = (p: string, h = "1", more: object = {}): Entry => ({ p, t: "f", ...more, h: digest(h) });
const linked = (p: string, i: string, n: number): Entry => ({ p, t: "f", i, n, h: digest("1") });

/** Found out of both lists, and by what is known to differ alone. */
async function difference(before: readonly Entry[], now: readonly Entry[]): Promise<Record<string, unknown>> {
  const found = await differenceOf(before, now);
  for (const others of [0, 1, 2]) {
    const known = replacementsOf(before, now, (index) => others > 0 && index % others === 0);
    expect(await differenceOf(before, now, known)).toEqual(found);
  }
  return found;
}

/** @param isNamed whether an entry that is the same is among them, as one is whose change time alone is another */
function replacementsOf(
  before: readonly Entry[],
  now: readonly Entry[],
  isNamed: (index: number) => boolean,
): readonly Replacement[] {
  const linesOf = (entries: readonly Entry[]): ReadonlyMap<string, string> =>
    new Map(entries.map((entry) => [entry.p === "." ? "" : entry.p, line({ ...entry, in: undefined })]));
  const [old, fresh] = [linesOf(before), linesOf(now)];
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((path, index) => old.get(path) !== fresh.get(path) || isNamed(index))
    .map((path) => ({ path, line: fresh.get(path) }))
    .toSorted((a, b) => compareWalk(a.path, b.path));
}

async function differenceOf(
  before: readonly Entry[],
  now: readonly Entry[],
  replacements?: readonly Replacement[],
): Promise<Record<string, unknown>> {
  const stream = (entries: readonly Entry[]) =>
    async function* (): AsyncGenerator<readonly string[], undefined> {
      // As they come from a pipe: some at a time, and none at times.
      for (let at = 0; at < entries.length; at += 2) {
        yield entries.slice(at, at + 2).map(line);
        yield [];
      }
      return undefined;
    };
  const states = { now: stream(now), base: stream(before), baseId: "000001-base", replacements };
  const into = { packed: new NameFile(join(root, "packed")), deleted: new NameFile(join(root, "deleted")) };
  let text = "";
  for await (const batch of differ(states, await changedInodes(states), into)) text += batch;
  into.packed.close();
  into.deleted.close();
  const names = (name: string): readonly string[] => readFileSync(join(root, name), "utf8").split("\0").slice(0, -1);
  const holders = text
    .trim()
    .split("\n")
    .map((one) => JSON.parse(one) as Entry)
    .filter(({ t }) => t === "f");
  const found = { packed: names("packed"), deleted: names("deleted") };
  for (const name of ["packed", "deleted"]) rmSync(join(root, name));
  return { ...found, held: holders.map((one) => [one.p, one["in"]]) };
}

describe("an increment", () => {
  test("holds the directories above what it holds, each once and before it", async () => {
    const tree = [top, directory("a"), directory("a/b"), file("a/b/c"), file("a/d"), directory("e"), file("e/f")];
    const now = tree.map((entry) =>
      entry.p.includes("/") && entry["t"] === "f" ? { ...entry, h: digest("2") } : entry,
    );
    expect(await difference(tree, now)).toMatchObject({
      packed: ["./", "./a", "./a/b", "./a/b/c", "./a/d", "./e", "./e/f"],
      deleted: [],
    });
  });

  test("holds the directory that something has gone from, but not of what has gone with it", async () => {
    const before = [top, directory("a"), directory("a/b"), directory("a/b/c"), file("a/b/c/d"), file("z")];
    expect(await difference(before, [top, directory("a"), file("z")])).toEqual({
      packed: ["./", "./a"],
      deleted: ["./a/b", "./a/b/c", "./a/b/c/d"],
      held: [["z", "000001-base"]],
    });
  });

  test("keeps the holder of what an older one holds", async () => {
    const before = [top, { ...file("a"), in: "000001-older" }, file("b")];
    expect(await difference(before, [top, file("a"), file("b")])).toMatchObject({
      packed: ["./"],
      held: [
        ["a", "000001-older"],
        ["b", "000001-base"],
      ],
    });
  });

  test("does not mind other inodes, but who shares one", async () => {
    const before = [top, linked("a", "1", 2), linked("b", "1", 2), linked("c", "2", 2), linked("d", "2", 2)];
    const renumbered = [top, linked("a", "7", 2), linked("b", "7", 2), linked("c", "8", 2), linked("d", "8", 2)];
    expect(await difference(before, renumbered)).toMatchObject({ packed: ["./"] });
    const regrouped = [top, linked("a", "1", 2), linked("b", "2", 2), linked("c", "1", 2), linked("d", "2", 2)];
    expect(await difference(before, regrouped)).toMatchObject({
      packed: ["./", "./a", "./b", "./c", "./d"],
      held: ["a", "b", "c", "d"].map((name) => [name, undefined]),
    });
    // One of each pair is gone, and the others have become a pair.
    expect(await difference(before, [top, linked("a", "1", 2), linked("c", "1", 2)])).toMatchObject({
      packed: ["./", "./a", "./c"],
      deleted: ["./b", "./d"],
    });
  });

  test("holds every name of a file of which one has come", async () => {
    const before = [top, directory("a"), linked("a/x", "1", 2), linked("b", "1", 2), file("c")];
    const now = [top, directory("a"), linked("a/x", "1", 3), linked("b", "1", 3), linked("d", "1", 3)];
    expect(await difference(before, now)).toMatchObject({
      packed: ["./", "./a", "./a/x", "./b", "./d"],
      deleted: ["./c"],
    });
  });

  test("makes a directory anew that has other attributes, with all that is in it, and links from it to elsewhere", async () => {
    const tree = (x: object): readonly Entry[] => [
      top,
      directory("a", x),
      directory("a/b"),
      linked("a/b/c", "1", 2),
      linked("z", "1", 2),
    ];
    const whole = ["./", "./a", "./a/b", "./a/b/c", "./z"];
    expect(await difference(tree({ x: "1" }), tree({}))).toMatchObject({
      packed: whole,
      deleted: ["./a", "./a/b", "./a/b/c"],
    });
    // None before: tar can add what was not there.
    expect(await difference(tree({}), tree({ x: "1" }))).toMatchObject({ packed: ["./", "./a"], deleted: [] });
    const simple = (x: object): readonly Entry[] => [top, directory("a", x), file("a/b"), directory("a/c"), file("z")];
    expect(await difference(simple({ x: "1" }), simple({}))).toEqual({
      packed: ["./", "./a", "./a/b", "./a/c"],
      deleted: ["./a", "./a/b", "./a/c"],
      held: [
        ["a/b", undefined],
        ["z", "000001-base"],
      ],
    });
    // The root cannot be removed.
    expect(await difference([{ ...top, x: "1" }], [top])).toMatchObject({ packed: ["./"], deleted: [] });
  });

  test("removes first what has changed its type", async () => {
    const before = [top, directory("a"), file("a/b"), file("c")];
    const now = [top, file("a"), directory("c"), file("c/d")];
    expect(await difference(before, now)).toMatchObject({
      packed: ["./", "./a", "./c", "./c/d"],
      deleted: ["./a", "./a/b", "./c"],
    });
  });
});

test("the order is that of a walk: what is in a directory right after it", () => {
  const walk = ["", "a", "a/b", "a/b/c", "a/c", "a.b", "a.b/c", "ab", "b"];
  expect(walk.toReversed().toSorted(compareWalk)).toEqual(walk);
});

test.each(['{"t":"f"}', '{"p":1,"t":"f"}', '{"b64":1,"t":"f"}', '{"p":"a"}', '{"p":"a","t":1}', "{", "[]"])(
  "%s is no line of a list",
  (text) => {
    expect(() => parseEntry(text)).toThrow(/no line of a list|JSON/);
  },
);
