/** Texts that people see, as files: a change of a table is seen in the diff. `UPDATE_GOLDEN=1` writes them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "@jest/globals";

const directory = new URL("../../golden/cli/", import.meta.url);

export function expectGolden(name: string, text: string): void {
  const file = new URL(`${name}.txt`, directory);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, "utf8"));
}
