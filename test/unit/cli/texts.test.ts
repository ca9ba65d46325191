/** Holds, moments, tables, advices and rules: what is typed and what is printed. */
import { describe, expect, test } from "@jest/globals";
import { adviceLines } from "../../../operator/cli/advice-text.ts";
import { Failure } from "../../../operator/cli/failure.ts";
import { isExpired, parseUntil, tellHold, untilText } from "../../../operator/cli/hold-text.ts";
import { effectiveRules, parseKeep, rulesAt } from "../../../operator/cli/retention-rules.ts";
import { renderFields, renderTable } from "../../../operator/cli/table.ts";
import { mergeNumbers } from "../../../operator/cli/undelete.ts";
import { parseHold } from "../../../operator/domain/holds.ts";
import { aPolicy, sink } from "../../support/builders.ts";
import { now } from "./command-bed.ts";

const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return `${error.exitCode} ${error.message}`;
    throw error;
  }
  return "accepted";
};

describe("a moment to come", () => {
  test.each([
    ["30d", "2026-12-29T12:00:00Z"],
    ["1h30m", "2026-11-29T13:30:00Z"],
    // To the end of the day: a hold that ends too early loses something.
    ["2027-01-31", "2027-02-01T00:00:00Z"],
    ["2026-11-29", "2026-11-30T00:00:00Z"],
    ["2027-01-31T12:00:00+01:00", "2027-01-31T11:00:00Z"],
    ["2026-11-29T12:00:00.001Z", "2026-11-29T12:00:01Z"],
  ])("%s is %s", (text, expected) => {
    expect(untilText(parseUntil(text, now, "--until", "hold"))).toBe(expected);
  });

  test.each(["tomorrow", "2027-02-30", "30", "-3d", "2026-11-28", "2026-11-29T11:59:59Z", "9999999w", "2027-1-1"])(
    "%s is refused",
    (text) => {
      expect(refusal(() => parseUntil(text, now, "--until", "hold"))).toMatch(/^2 --until /);
    },
  );
});

test.each([
  ["forever audit 2026", "forever, audit 2026"],
  ["2026-11-29T12:00:01Z migration", "until 2026-11-29T12:00:01.000Z, migration"],
  ["2026-11-29T12:00:00Z migration", "expired 2026-11-29T12:00:00.000Z, migration"],
  // As retention takes it: whoever wrote it wanted something to stay.
  ["whatever", "forever, unreadable hold: whatever"],
])("the hold %s is %s", (text, expected) => {
  const { hold } = parseHold(text);
  expect(tellHold(hold, now)).toBe(expected);
  expect(isExpired(hold, now)).toBe(expected.startsWith("expired"));
});

describe("rules of --keep", () => {
  const policy = aPolicy()
    .sinks(sink("vault"), sink("own", { retention: { last: 3, minVerified: 3 } }))
    .build();
  const locations = ["source", "vault", "own"];

  test("without any, those of the policy, and a sink's own", () => {
    expect(rulesAt(policy, "source")).toEqual({ last: 2, minVerified: 1 });
    expect(rulesAt(policy, "vault")).toEqual({ last: 7, minVerified: 2 });
    expect(effectiveRules(policy, "own", new Map())).toEqual({ last: 3, minVerified: 3 });
  });

  test("for all locations or for one; the floor stays unless it is named", () => {
    const given = parseKeep(["last=7,daily=14", "own:monthly=12", "own:maxAge=400d"], locations);
    expect(effectiveRules(policy, "vault", given)).toEqual({ last: 7, daily: 14, minVerified: 2 });
    expect(effectiveRules(policy, "own", given)).toEqual({ monthly: 12, maxAge: "400d", minVerified: 3 });
    expect(effectiveRules(policy, "own", parseKeep(["last=2,minVerified=2"], locations))).toEqual({
      last: 2,
      minVerified: 2,
    });
  });

  test.each([
    "",
    "last",
    "last=",
    "last=-1",
    "last=x",
    "dayly=3",
    "last=1,",
    "maxAge=3",
    "minVerified=0,last=1",
    "nowhere:last=1",
    "last=0",
    "maxAge=3d",
    "last=100000",
  ])("%p is refused", (text) => {
    expect(refusal(() => parseKeep([text], locations))).toMatch(/^2 --keep /);
  });
  test("a rule that there is not is answered with those that there are", () => {
    expect(refusal(() => parseKeep(["lst=3"], locations))).toContain(
      "lst=3 is not understood; it goes like last=7,daily=14,maxAge=400d, and the rules are last, hourly, daily, weekly, monthly, yearly, maxAge, minVerified",
    );
  });
});

test("numbers to undelete are added once, and what somebody else wrote stays", () => {
  expect(mergeNumbers(undefined, [13, 12])).toBe("000012,000013");
  expect(mergeNumbers("000012, 000040", [12, 7])).toBe("000007,000012,000040");
  // What was asked for before and has gone again is asked for anew, as often as somebody likes.
  expect(mergeNumbers("000012", [12])).toBe("000012,");
  expect(mergeNumbers("000012,", [12])).toBe("000012");
});

test("an advice is four lines", () => {
  expect(adviceLines("HO-T201 the sink is full. App: running. Data: waits. Next: kubectl -n a get pvc")).toBe(
    "HO-T201 the sink is full\n  App: running\n  Data: waits\n  Next: kubectl -n a get pvc\n",
  );
});

test("no text of an object breaks a line or steers a terminal", () => {
  expect(renderTable(["A", "B"], [["x\n\u001b[31my\u009bz", ""]])).toBe("A          B\nx [31my z  -\n");
  expect(
    renderFields([
      ["Name", "a\r\nb"],
      ["Empty", ""],
      ["None", undefined],
    ]),
  ).toBe("Name  a b\n");
});
