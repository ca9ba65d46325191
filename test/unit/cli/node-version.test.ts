/** An old Node is told what to do. */
import { expect, test } from "@jest/globals";
import { tooOld } from "../../../operator/cli/node-version.ts";

test.each(["v24.0.0", "v26.1.2", process.version])("%s will do", (version) => {
  expect(tooOld(version)).toBeUndefined();
});
test.each(["v23.11.1", "v9.0.0", ""])("%p will not", (version) => {
  expect(tooOld(version)).toBe(
    `error: kubectl handover needs Node 24 or newer, and this is ${version}\nNext: install Node 24, put it before the old one on the PATH, and type the same again: node --version\n`,
  );
});
