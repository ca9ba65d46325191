/** Conditions: the time moves with the status, and with nothing else. */
import { describe, expect, test } from "@jest/globals";
import { type Condition, type NewCondition, isTrue, setConditions } from "../../../operator/api/conditions.ts";

const before: Condition = {
  type: "Sealed",
  status: "True",
  reason: "Done",
  message: "sealed",
  observedGeneration: 1,
  lastTransitionTime: "2026-11-21T01:00:00.000Z",
};
const now = "2026-11-21T02:00:00.000Z";

describe("a condition that is set again", () => {
  test.each<{ name: string; change: Partial<NewCondition>; time: string }>([
    { name: "the same: keeps its time", change: {}, time: before.lastTransitionTime },
    { name: "another message: keeps its time", change: { message: "sealed 000042" }, time: before.lastTransitionTime },
    { name: "another reason: keeps its time", change: { reason: "Late" }, time: before.lastTransitionTime },
    { name: "another status: has changed now", change: { status: "False" }, time: now },
    { name: "unknown: has changed now", change: { status: "Unknown" }, time: now },
  ])("$name", ({ change, time }) => {
    const { observedGeneration: _generation, lastTransitionTime: _time, ...same } = before;
    const next = { ...same, ...change };
    expect(setConditions([before], [next], 2, now)).toEqual([
      { ...next, observedGeneration: 2, lastTransitionTime: time },
    ]);
  });

  test("a new one has changed now, and all are in the order of their types", () => {
    const next = ["Verified", "Accepted", "Sealed"].map((type): NewCondition => ({
      type,
      status: "True",
      reason: "Done",
      message: "",
    }));
    const set = setConditions([before], next, 1, now);
    expect(set.map(({ type }) => type)).toEqual(["Accepted", "Sealed", "Verified"]);
    expect(set.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([now, before.lastTransitionTime, now]);
  });
  test("setting them twice changes nothing", () => {
    const once = setConditions([], [{ type: "Sealed", status: "True", reason: "Done", message: "" }], 1, now);
    expect(
      setConditions(
        once,
        [{ type: "Sealed", status: "True", reason: "Done", message: "" }],
        1,
        "2027-01-01T00:00:00.000Z",
      ),
    ).toEqual(once);
  });
});

test.each([
  { name: "True is true", status: "True" as const, says: true },
  { name: "False is not", status: "False" as const, says: false },
  { name: "Unknown is not", status: "Unknown" as const, says: false },
])("$name", ({ status, says }) => {
  expect(isTrue([{ ...before, status }], "Sealed")).toBe(says);
  expect(isTrue([{ ...before, status }], "Verified")).toBe(false);
  expect(isTrue(undefined, "Sealed")).toBe(false);
});
