/** Which holds count at a place, of those that runs have and those that lie there. */
import { expect, test } from "@jest/globals";
import { releasedReason, takenBackReason } from "../../../operator/domain/holds.ts";
import { type Held, holdsInAll } from "../../../operator/mover/store/held.ts";

const id = "000040-20261126T020000Z-full";
const takenBack = { until: "2026-12-05T00:00:00Z", request: "000040" };
const untilOf = (run: Held["run"], asked: readonly { until: string; reason: string }[], isKnown = true): unknown =>
  holdsInAll(
    asked.map((hold) => ({ id, ...hold })),
    new Map([[id, { format: 1 as const, id, ...(run === undefined ? {} : { run }), takenBack }]]),
    { since: 1, ranges: isKnown ? "40" : "" },
  ).find(({ reason }) => reason === takenBackReason)?.until;
const released = (until: string) => ({ until, reason: releasedReason });

test("what was taken back is held for its time, whatever else is held or has ended", () => {
  expect(untilOf(undefined, [])).toBe("2026-12-05T00:00:00Z");
  expect(untilOf(undefined, [{ until: "2026-12-01T00:00:00Z", reason: "audit" }])).toBe("2026-12-05T00:00:00Z");
});

test("its run ends it by saying that it is released, if that was said since", () => {
  expect(untilOf(undefined, [released("2026-11-30T00:00:00Z")])).toBe("2026-11-30T00:00:00.000Z");
  expect(untilOf(undefined, [released("2026-11-27T23:59:59Z")])).toBe("2026-12-05T00:00:00Z");
  expect(untilOf(undefined, [released("2026-12-06T00:00:00Z")])).toBe("2026-12-05T00:00:00Z");
  expect(untilOf(undefined, [released("forever")])).toBe("2026-12-05T00:00:00Z");
});

test("the file says it for a run that is lost, and for no other", () => {
  expect(untilOf(released("2026-11-30T00:00:00Z"), [], false)).toBe("2026-11-30T00:00:00.000Z");
  expect(untilOf(released("2026-11-30T00:00:00Z"), [], true)).toBe("2026-12-05T00:00:00Z");
});
