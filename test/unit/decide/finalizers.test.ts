/** Ours comes and goes; those of others stay, in their order. */
import { expect, test } from "@jest/globals";
import type { Metadata } from "../../../operator/api/kinds.ts";
import { finalizer } from "../../../operator/api/names.ts";
import { holdBack, isHeldBack, letGo } from "../../../operator/decide/finalizers.ts";

const meta = (finalizers?: string[]): Metadata => ({
  name: "nightly",
  namespace: "shop",
  uid: "u",
  resourceVersion: "1",
  ...(finalizers === undefined ? {} : { finalizers }),
});

test.each<[string, string[] | undefined, boolean, string[], string[]]>([
  ["without any", undefined, false, [finalizer], []],
  ["with none", [], false, [finalizer], []],
  ["with another's", ["a", "b"], false, ["a", "b", finalizer], ["a", "b"]],
])("%s", (_what, before, held, after, without) => {
  expect(isHeldBack(meta(before))).toBe(held);
  expect(holdBack(meta(before))).toEqual({ do: "setFinalizers", finalizers: after });
  expect(isHeldBack(meta(after))).toBe(true);
  expect(letGo(meta(after))).toEqual({ do: "setFinalizers", finalizers: without });
  expect(letGo(meta(before))).toEqual({ do: "setFinalizers", finalizers: without });
});
