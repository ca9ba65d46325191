/** Two lists of a volume are of the same state, or they are not. */
import { expect, test } from "@jest/globals";
import { isSameState } from "../../../operator/mover/config/same-state.ts";

async function* lines(...batches: readonly (readonly string[])[]): AsyncGenerator<readonly string[], undefined> {
  for (const batch of batches) yield await Promise.resolve(batch);
  return undefined;
}
const entry = (path: string, more = "", type = "f", time = "1"): string =>
  `{"v":"conf","p":"${path}","t":"${type}","s":1,"m":"644","u":0,"g":0,"mt":"${time}"${more}}`;
const linked = (path: string, inode: number): string => entry(path, `,"i":"${inode}","n":2,"h":"aa"`);
const root = entry(".", "", "d");
const pairs = (a: number, b: number, c: number, d: number): readonly string[] => [
  root,
  linked("a", a),
  linked("b", b),
  linked("c", c),
  linked("d", d),
];

test.each<[string, readonly string[], readonly string[], boolean]>([
  ["equal lines", [root, entry("a")], [root, entry("a")], true],
  ["nothing at all", [], [], true],
  ["one more", [root, entry("a"), entry("b")], [root, entry("a")], false],
  ["one less", [root], [root, entry("a")], false],
  ["another time of a file", [entry("a")], [entry("a", "", "f", "2")], false],
  ["another time of a directory", [root], [entry(".", "", "d", "2")], true],
  ["a time from before 1970 of a directory", [root], [entry(".", "", "d", "-2")], true],
  ["another mode of a directory", [root], [root.replace("644", "755")], false],
  ["a directory that became a file", [entry("a", "", "d")], [entry("a")], false],
  [
    "a file whose name looks like a directory's line",
    [entry(String.raw`,\"t\":\"d\",`)],
    [entry(String.raw`,\"t\":\"d\",`, "", "f", "2")],
    false,
  ],
  ["other numbers of inodes", pairs(1, 1, 2, 2), pairs(8, 8, 9, 9), true],
  ["numbers that are swapped", pairs(1, 1, 2, 2), pairs(2, 2, 1, 1), true],
  ["names that share a file with others", pairs(1, 1, 2, 2), pairs(1, 2, 1, 2), false],
  ["names that shared no file", pairs(1, 2, 1, 2), pairs(1, 1, 2, 2), false],
  ["names that share one file", pairs(1, 1, 2, 2), pairs(1, 1, 1, 1), false],
  ["names that shared one file", pairs(1, 1, 1, 1), pairs(1, 1, 2, 2), false],
])("%s", async (_what, one, other, same) => {
  expect(await isSameState(lines(one), lines(other))).toBe(same);
  // However the lines come.
  expect(await isSameState(lines(...one.map((line) => [line])), lines([], other, []))).toBe(same);
});
