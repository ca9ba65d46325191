/** The planted bugs can still be planted, and their page tells of them. Whether they are caught is for `make test-planted`. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { renderReliability } from "../../docs/generate.ts";
import { plantedBugs } from "../planted/bugs.ts";
import { plant } from "../planted/bug.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const goldens = new Set(readdirSync(new URL("../golden/retention/", import.meta.url)));
const page = read("docs/explanation/reliability.md");

test("there are many, and no two have one name or do the same", () => {
  expect(plantedBugs.length).toBeGreaterThanOrEqual(30);
  expect(new Set(plantedBugs.map(({ id }) => id)).size).toBe(plantedBugs.length);
  expect(new Set(plantedBugs.map(({ file, text, becomes }) => `${file} ${text} ${becomes}`)).size).toBe(
    plantedBugs.length,
  );
});

describe.each(plantedBugs)("$id", (bug) => {
  test("its text is in the product exactly once, and something else becomes of it", () => {
    const content = read(bug.file);
    expect(plant(bug, content)).not.toBe(content);
  });

  test("its test is still called so", () => {
    const title = bug.caughtBy.test.at(-1) ?? "";
    const suite = read(bug.caughtBy.file);
    // A golden case is called as its file. Where `test.each` puts a name together, its words are there in pieces.
    const isThere = goldens.has(title) || title.split(/[ ,:;."]+/).every((word) => suite.includes(word));
    expect([title, isThere]).toEqual([title, true]);
  });

  test("what it breaks is on the page", () => {
    for (const promise of bug.breaks.split(", "))
      expect(page).toContain(promise.startsWith("law") ? "laws of the code" : `| ${promise} `);
  });
});

describe("docs/explanation/reliability.md", () => {
  test("has the table that `make generate` writes", () => {
    expect(renderReliability()).toBe(page);
  });

  test("names tests that exist", () => {
    const rows = [...page.matchAll(/^\| [SLX]\d+ .* \| (.*?) +\|$/gm)].flatMap(([, tests = ""]) => tests.split(", "));
    expect(rows.length).toBeGreaterThan(50);
    for (const name of rows.filter((one) => one !== "simulator"))
      expect(read(`test/${name}.test.ts`)).toContain("test");
  });
});
