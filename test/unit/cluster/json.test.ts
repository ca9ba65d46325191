/** Equality of JSON values, against the plain way to tell: writing both with sorted keys. */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { isSameJson } from "../../../operator/cluster/json.ts";

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, item]) => [key, sorted(item)]),
        )
      : value;
const written = (value: unknown): string => JSON.stringify(sorted(value));

test.each([
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
  [{ a: undefined }, { b: 1 }, false],
  [{ a: null }, {}, false],
  [[], {}, false],
  [[1, 2], [2, 1], false],
  [{ a: [{ b: undefined }] }, { a: [{}] }, true],
])("%j and %j", (a, b, same) => {
  expect([isSameJson(a, b), isSameJson(b, a)]).toEqual([same, same]);
});

test("agrees with what is written", () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const agrees = fc.property(value, value, (a, b) => isSameJson(a, b) === (written(a) === written(b)));
  const knowsItself = fc.property(value, (a) => isSameJson(a, JSON.parse(written(a))));
  expect([fc.check(agrees).failed, fc.check(knowsItself).failed]).toEqual([false, false]);
});
