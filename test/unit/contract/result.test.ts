/** A result comes from a pod that has read whatever the app's users wrote. It is what the schema allows, or nothing. */
import { describe, expect, test } from "@jest/globals";
import { maxResultBytes, parseResult } from "../../../operator/contract/result.ts";

const seal = {
  version: 1,
  ok: true,
  step: "seal",
  id: "000001-20261121T010203Z-full",
  manifestSHA256: "ab",
  bytes: 1,
  storedBytes: 1,
  files: 1,
  tables: 0,
  peakMiB: 1,
};
const failure = { version: 1, ok: false, step: "seal", code: "HO-A404", message: "differs", retry: false };
const text = (result: object, change: object = {}): string => JSON.stringify({ ...result, ...change });

describe("a result that is none", () => {
  test.each([
    ["nothing", undefined],
    ["no text", ""],
    ["the tail of a log", "Error: ENOSPC\n    at write"],
    ["half of one", text(seal).slice(0, -5)],
    ["not an object", "[]"],
    ["null", "null"],
    ["of another version", text(seal, { version: 2 })],
    ["of a step that does not exist", text(seal, { step: "root" })],
    ["without its numbers", text(seal, { bytes: undefined })],
    ["with text for a number", text(seal, { bytes: "1" })],
    ["with a fraction of a file", text(seal, { files: 0.5 })],
    ["neither well nor badly ended", text(seal, { ok: "yes" })],
    ["a failure with a code that does not exist", text(failure, { code: "HO-Z999" })],
    ["a failure with too long a message", text(failure, { message: "x".repeat(1_001) })],
    ["longer than Kubernetes lets it be", text(failure) + " ".repeat(maxResultBytes)],
  ])("%s", (_, given) => {
    expect(parseResult(given)).toBeUndefined();
  });
});

test("what is not of the contract is not carried on", () => {
  const parsed = parseResult(text(seal, { status: { phase: "Complete" }, constructor: "x" }));
  expect(parsed).toEqual(seal);
  expect(parseResult(text(failure))).toEqual(failure);
});
