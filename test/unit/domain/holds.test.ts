/** Holds: what an annotation says, and that in doubt it holds. */
import { expect, test } from "@jest/globals";
import { isInForce, parseHold, tellHold } from "../../../operator/domain/holds.ts";

test.each([
  ["2026-12-31T00:00:00Z before the migration", "2026-12-31T00:00:00.000Z", "before the migration", false],
  ["2026-12-31T01:00:00+01:00  audit\n2026 ", "2026-12-31T00:00:00.000Z", "audit 2026", false],
  ["forever the last one with the old schema", "forever", "the last one with the old schema", false],
  ["forever", "forever", "no reason given", false],
  ["2026-12-31T00:00:00Z", "2026-12-31T00:00:00.000Z", "no reason given", false],
  ["2026-12-31 audit", "forever", "unreadable hold: 2026-12-31 audit", true],
  ["until christmas", "forever", "unreadable hold: until christmas", true],
  ["", "forever", "unreadable hold: ", true],
  ["2026-02-29T00:00:00Z x", "forever", "unreadable hold: 2026-02-29T00:00:00Z x", true],
  ["Forever x", "forever", "unreadable hold: Forever x", true],
])("%j", (text, until, reason, unreadable) => {
  expect(parseHold(text)).toEqual({ hold: { until, reason }, unreadable });
});

test("a long reason is cut, and fits", () => {
  expect(parseHold(`forever ${"x".repeat(5_000)}`).hold.reason).toHaveLength(200);
  expect(parseHold("y".repeat(5_000)).hold.reason).toBe(`unreadable hold: ${"y".repeat(59)}…`);
  expect(tellHold({ until: "forever", reason: "x".repeat(200) })).toHaveLength(100);
});

test("it ends at its moment, and for ever is for ever", () => {
  const until = "2026-12-31T00:00:00.000Z";
  const at = Date.parse(until);
  expect([at - 1, at, at + 1].map((now) => isInForce({ until, reason: "" }, now))).toEqual([true, false, false]);
  expect(isInForce({ until: "forever", reason: "" }, at)).toBe(true);
  expect(isInForce({ until: "soon", reason: "" }, at)).toBe(true);
  expect(tellHold({ until, reason: "audit" })).toBe(`held until ${until}: audit`);
  expect(tellHold({ until: "forever", reason: "audit" })).toBe("held: audit");
});
