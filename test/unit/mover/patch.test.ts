/** A list of which some entries are replaced is the list that would have been written anew. */
import { describe, expect, test } from "@jest/globals";
import { compareWalk } from "../../../operator/mover/mirror/lines.ts";
import { patched, type Replacement } from "../../../operator/mover/mirror/patch.ts";
import { randomOf } from "../../support/mutations.ts";

const lineOf = (path: string, mode = "644"): string =>
  JSON.stringify({ v: "uploads", p: path || ".", t: "f", m: mode });

async function* batches(lines: readonly string[], size: number): AsyncGenerator<readonly string[], undefined> {
  for (let at = 0; at < lines.length; at += size) yield lines.slice(at, at + size);
  return undefined;
}

async function patch(lines: readonly string[], replacements: readonly Replacement[], size: number): Promise<string[]> {
  const all: string[] = [];
  for await (const batch of patched(batches(lines, size), replacements)) all.push(...batch);
  return all;
}

const known = ["", "a", "a/b", "a.b", "c"].map((path) => lineOf(path));

describe("of five lines", () => {
  test.each<[string, readonly Replacement[], readonly string[]]>([
    ["nothing differs", [], known],
    ["the first is another", [{ path: "", line: "new" }], ["new", ...known.slice(1)]],
    ["the last is gone", [{ path: "c", line: undefined }], known.slice(0, -1)],
    ["one comes at the end", [{ path: "d", line: "new" }], [...known, "new"]],
    [
      "one comes in between, one is gone that was in no list",
      [
        { path: "a/a", line: "new" },
        { path: "b", line: undefined },
      ],
      [...known.slice(0, 2), "new", ...known.slice(2)],
    ],
    ["all are gone", known.map((line) => ({ path: JSON.parse(line).p.replace(/^\.$/, ""), line: undefined })), []],
  ])("%s", async (_what, replacements, expected) => {
    for (const size of [1, 2, 5]) expect(await patch(known, replacements, size)).toEqual(expected);
  });
});

test("of no lines: what comes is all there is", async () => {
  expect(await patch([], [{ path: "a", line: "new" }], 5)).toEqual(["new"]);
});

test.each([1, 2, 3])("whatever is replaced, wherever a batch ends (seed %i)", async (seed) => {
  const random = randomOf(seed);
  for (let round = 0; round < 200; round += 1) {
    const paths = (): string[] =>
      [
        ...new Set(
          Array.from({ length: Math.floor(random() * 30) }, () =>
            ["a", "b", "/", "-"]
              .map((one) => (random() < 0.6 ? one : ""))
              .join("")
              .replaceAll(/^\/|\/$/g, ""),
          ),
        ),
      ].toSorted(compareWalk);
    const now = new Map(paths().map((path) => [path, lineOf(path)]));
    const lines = [...now.values()];
    const replacements = paths().map((path) => ({ path, line: random() < 0.4 ? undefined : lineOf(path, "600") }));
    for (const { path, line } of replacements) {
      if (line === undefined) now.delete(path);
      else now.set(path, line);
    }
    const expected = [...now].toSorted(([a], [b]) => compareWalk(a, b)).map(([, line]) => line);
    expect(await patch(lines, replacements, 1 + Math.floor(random() * 7))).toEqual(expected);
  }
});
