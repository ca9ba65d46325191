/** Texts that are cut say so. */
import { expect, test } from "@jest/globals";
import { clip } from "../../../operator/domain/text.ts";

test.each([
  ["what fits is left as it is", "12345", "12345"],
  ["what does not ends in an ellipsis, within the bound", "123456", "1234…"],
  ["not in a space before it", "123 567", "123…"],
  ["not in half a character", "123😀67", "123…"],
])("%s", (_what, text, clipped) => {
  expect(clip(text, 5)).toBe(clipped);
});
