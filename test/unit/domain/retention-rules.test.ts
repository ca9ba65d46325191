/** The rules by the calendar, age, chains and holds, as tables: which stay, which go, and why. */
import { describe, expect, test } from "@jest/globals";
import { formatGenerationId, type GenerationType } from "../../../operator/domain/generation.ts";
import { formatInstant, parseInstant } from "../../../operator/domain/instant.ts";
import {
  planRetention,
  type KeepRules,
  type RetentionGeneration,
  type RetentionInput,
  type RetentionPlan,
} from "../../../operator/domain/retention.ts";

/** `1F 2026-11-21T01:00Z` in short; `?` is not verified, `<1` is based on 1. */
function generationOf(text: string, index: number): RetentionGeneration {
  const [, type = "", doubt = "", time = "", bases = ""] = /^([FIDB])(\??)@([-0-9:T]+)(?:<([0-9,]+))?$/.exec(text)!;
  const types: Readonly<Record<string, GenerationType>> = {
    F: "Full",
    I: "Incremental",
    D: "Differential",
    B: "Database",
  };
  const full = `${time.length === 10 ? `${time}T01:00` : time}:00Z`;
  return {
    id: formatGenerationId(index + 1, full, types[type]!),
    seq: index + 1,
    time: full,
    sealedAt: full,
    chain: bases === "" ? [] : bases.split(",").map((seq) => `#${seq}`),
    verified: doubt === "",
    bytes: 1,
  };
}
/** Separated by spaces, from number 1 on. */
function generationsOf(text: string): readonly RetentionGeneration[] {
  const list = text.split(" ").map(generationOf);
  return list.map((one) => ({ ...one, chain: one.chain.map((base) => list[Number(base.slice(1)) - 1]!.id) }));
}
const idIn = (text: string, seq: number): string => generationsOf(text)[seq - 1]!.id;

const planOf = (text: string, keep: Partial<KeepRules>, more: Partial<RetentionInput> = {}): RetentionPlan => {
  const generations = generationsOf(text);
  return planRetention({
    generations,
    keep: { minVerified: 1, ...keep },
    timeZone: "UTC",
    now: Date.UTC(2026, 10, 29, 12),
    acknowledged: generations.map(({ id }) => id),
    undelivered: [],
    waiting: [],
    holds: [],
    ...more,
  });
};
const seqs = (list: readonly { readonly id: string }[]): string =>
  list
    .map(({ id }) => Number(id.slice(0, 6)))
    .toSorted((a, b) => a - b)
    .join(" ");
const why = (plan: RetentionPlan, seq: number): readonly string[] | undefined =>
  plan.keep.find(({ id }) => Number(id.slice(0, 6)) === seq)?.why;

describe("by the calendar, the newest of each of the last that have one", () => {
  const days = "F@2026-11-01 F@2026-11-20 F@2026-11-27T01:00 F@2026-11-27T13:00 F@2026-11-29T01:00 F@2026-11-29T02:00";
  test.each<[Partial<KeepRules>, string]>([
    [{ daily: 1 }, "6"],
    [{ daily: 2 }, "4 6"],
    [{ daily: 3 }, "2 4 6"],
    [{ daily: 9 }, "1 2 4 6"],
    [{ hourly: 2 }, "5 6"],
    [{ hourly: 3 }, "4 5 6"],
    [{ weekly: 1 }, "6"],
    [{ weekly: 2 }, "2 6"],
    [{ monthly: 5 }, "6"],
    [{ yearly: 5 }, "6"],
    [{ last: 2, daily: 2 }, "4 5 6"],
    [{ last: 1, weekly: 3 }, "1 2 6"],
  ])("%j keeps %s", (keep, kept) => {
    expect(seqs(planOf(days, keep).keep)).toBe(kept);
  });

  test("each kept one says all that keeps it, each removed one all that did not", () => {
    const plan = planOf(days, { last: 1, hourly: 1, daily: 2, weekly: 1, monthly: 1, yearly: 1 });
    expect(plan.keep.map(({ why: reasons }) => reasons)).toEqual([
      ["newest verified", "minVerified 1", "last 1", "hourly 1", "daily 2", "weekly 1", "monthly 1", "yearly 1"],
      ["daily 2"],
    ]);
    expect(new Set(plan.remove.map(({ why: reason }) => reason))).toEqual(
      new Set(["beyond last 1, hourly 1, daily 2, weekly 1, monthly 1, yearly 1"]),
    );
    expect(plan.remove.map(({ id }) => Number(id.slice(0, 6)))).toEqual([1, 2, 3, 5]);
  });

  test("without a count there are the floors alone", () => {
    const plan = planOf(days, { minVerified: 2 });
    expect([seqs(plan.keep), plan.remove[0]?.why]).toEqual(["5 6", "beyond minVerified 2"]);
  });

  test("days are those of the time zone", () => {
    const evenings = "F@2026-11-27T22:30 F@2026-11-27T23:30 F@2026-11-28T22:30";
    expect(seqs(planOf(evenings, { daily: 3 }).keep)).toBe("2 3");
    expect(seqs(planOf(evenings, { daily: 3 }, { timeZone: "Europe/Berlin" }).keep)).toBe("1 3");
  });

  test("what is not verified takes no place, and a dump not that of a full one", () => {
    expect(seqs(planOf("F@2026-11-27 F@2026-11-28 F?@2026-11-28T02:00 B@2026-11-29", { daily: 1 }).keep)).toBe("2 3 4");
  });

  test("what is not verified stays where it would have a place: lost marks do not take a history along", () => {
    const lost = "F?@2026-07-31 F?@2026-08-31 F?@2026-09-30";
    const plan = planOf(`${lost} F@2026-11-27 F@2026-11-28 F@2026-11-29`, { monthly: 4, minVerified: 2 });
    expect(seqs(plan.keep)).toBe("1 2 3 5 6");
    expect(why(plan, 1)).toEqual(["not verified"]);
    const superseded = planOf(`${lost} F@2026-10-31 F@2026-11-29`, { monthly: 2 });
    expect([seqs(superseded.keep), superseded.remove[0]?.why]).toEqual(["4 5", "never verified, superseded"]);
    // One that is verified is newer in the same month.
    expect(seqs(planOf("F?@2026-10-30 F@2026-10-31 F@2026-11-29", { monthly: 4 }).keep)).toBe("2 3");
    expect(seqs(planOf(`${lost} F@2026-11-29`, { monthly: 9, maxAge: "80d" }).keep)).toBe("3 4");
  });

  test("the number orders, whatever the clock has said", () => {
    // The second was made by a clock that was a year behind: it is the newest, and of a day of its own.
    expect(seqs(planOf("F@2026-11-28 F@2025-11-28", { daily: 1 }).keep)).toBe("2");
    expect(seqs(planOf("F@2026-11-27 F@2025-11-28 F@2026-11-27T02:00", { daily: 2 }).keep)).toBe("2 3");
  });
});

describe("maxAge", () => {
  const text = "F@2026-10-01 F@2026-11-01 F@2026-11-28";
  test.each([
    ["10d", "3"],
    ["30d", "2 3"],
    ["400d", "1 2 3"],
    ["28d11h", "2 3"],
    ["28d10h59m", "3"],
  ])("of %s keeps %s", (maxAge, kept) => {
    expect(seqs(planOf(text, { last: 9, maxAge }).keep)).toBe(kept);
  });

  test("beats the rules and says so, but no floor", () => {
    const plan = planOf(text, { last: 2, daily: 9, minVerified: 2, maxAge: "1h" });
    expect([why(plan, 3), why(plan, 2)]).toEqual([["newest verified", "minVerified 2"], ["minVerified 2"]]);
    expect(plan.remove).toEqual([{ id: idIn(text, 1), why: "older than maxAge 1h" }]);
  });

  test("an old one takes its place before it goes, so that less age never makes room for others", () => {
    expect(seqs(planOf("F@2026-11-20 F@2025-11-28 F@2026-11-28", { last: 2, maxAge: "30d" }).keep)).toBe("3");
  });

  test("what was never verified stays longer than its age only where nothing else would", () => {
    expect(seqs(planOf("F?@2026-01-01 F@2026-11-28", { last: 9 }).keep)).toBe("1 2");
    expect(seqs(planOf("F?@2026-01-01 F@2026-11-28", { last: 9, maxAge: "30d" }).keep)).toBe("2");
    expect(seqs(planOf("F?@2026-01-01", { last: 9, maxAge: "30d" }).keep)).toBe("1");
    expect(planOf("F?@2026-01-01 F@2026-11-28", { last: 1 }).remove[0]?.why).toBe("never verified, superseded");
  });
});

describe("chains", () => {
  const week = "F@2026-11-22 I@2026-11-23<1 I@2026-11-24<1,2 D@2026-11-25<1 F@2026-11-26 I@2026-11-27<5";
  test.each<[Partial<KeepRules>, string, string]>([
    [{ last: 1 }, "5 6", "5"],
    [{ last: 2 }, "5 6", ""],
    [{ last: 3 }, "1 4 5 6", "1"],
    [{ last: 4 }, "1 2 3 4 5 6", "1 2"],
  ])("%j keeps %s, of which %s only as bases", (keep, kept, bases) => {
    const plan = planOf(week, keep);
    expect([
      seqs(plan.keep),
      plan.due
        .map((id) => Number(id.slice(0, 6)))
        .toSorted((a, b) => a - b)
        .join(" "),
    ]).toEqual([kept, bases]);
  });

  test("a base says whose, by number", () => {
    const plan = planOf(week, { last: 4 });
    expect([why(plan, 1), why(plan, 2), why(plan, 5)]).toEqual([
      ["base of 000004 and 2 more"],
      ["base of 000003"],
      ["last 4", "base of 000006"],
    ]);
  });

  test("full, incremental and differential count together", () => {
    expect(seqs(planOf("F@2026-11-22 D@2026-11-23<1 F@2026-11-24", { last: 1 }).keep)).toBe("3");
  });

  test("an unverified one that stays keeps its bases, too, and a base of a base stays", () => {
    const text = "F@2026-11-22 I@2026-11-23<1 I?@2026-11-24<2";
    expect(seqs(planOf(text, { last: 1 }).keep)).toBe("1 2 3");
  });

  test("so does what waits in the handover point, and what is held or wanted by a sink", () => {
    const text = "F@2026-11-22 I@2026-11-23<1 F@2026-11-24 F@2026-11-25";
    const waiting = [{ id: "000005-20261126T010000Z-incremental", chain: [idIn(text, 1), idIn(text, 2)] }];
    expect(seqs(planOf(text, { last: 1 }, { waiting }).keep)).toBe("1 2 4");
    expect(seqs(planOf(text, { last: 1 }, { undelivered: [idIn(text, 2)] }).keep)).toBe("1 2 4");
    const holds = [{ id: idIn(text, 2), until: "forever", reason: "x" }];
    expect(seqs(planOf(text, { last: 1 }, { holds }).keep)).toBe("1 2 4");
  });

  test("after days without a sink, what arrived turns over, and a tenth of the others with it", () => {
    const first = parseInstant("2026-01-01T00:00:00Z") ?? 0;
    const days = Array.from({ length: 190 }, (_, index) => formatInstant(first + index * 86_400_000).slice(0, 10));
    const text = days.map((date) => `F@${date}`).join(" ");
    const back = { acknowledged: [], arrived: 90 };
    expect(planOf(text, { last: 90 }, back).remove).toHaveLength(100);
    expect(planOf(text, { last: 89 }, back).refused).toContain("HO-K701: 101 of 190");
  });

  test("a chain that has had its time goes as a whole without an acknowledgement, once the rules had let it go", () => {
    const text = "F@2026-11-22 I@2026-11-23<1 I@2026-11-24<1,2 I@2026-11-25<1,2,3 F@2026-11-26 F@2026-11-27";
    const due = [1, 2, 3].map((seq) => idIn(text, seq));
    const ask = { acknowledged: [], arrived: 1 };
    expect(planOf(text, { last: 2 }, ask).refused).toContain("HO-K701: 4 of 6");
    const plan = planOf(text, { last: 2 }, { ...ask, due });
    expect([plan.refused, seqs(plan.remove)]).toEqual([undefined, "1 2 3 4"]);
  });
});

describe("holds", () => {
  const text = "F@2026-11-22 F@2026-11-23 F@2026-11-24";
  test("keep until their end, with their reason", () => {
    const hold = (until: string): Partial<RetentionInput> => ({
      holds: [{ id: idIn(text, 1), until, reason: "audit" }],
    });
    const plan = planOf(text, { last: 1 }, hold("2026-12-01T00:00:00.000Z"));
    expect([seqs(plan.remove), why(plan, 1)]).toEqual(["2", ["held until 2026-12-01T00:00:00.000Z: audit"]]);
    expect(plan.due).toEqual([idIn(text, 1)]);
    expect(seqs(planOf(text, { last: 1 }, hold("2026-11-29T00:00:00.000Z")).remove)).toBe("1 2");
    expect(seqs(planOf(text, { last: 1 }, hold("forever")).remove)).toBe("2");
  });
});

describe("what is acknowledged", () => {
  const text = "F@2026-11-22 F@2026-11-23 F@2026-11-24 F@2026-11-25 F@2026-11-26 F@2026-11-27";
  const some = (...list: readonly number[]): Partial<RetentionInput> => ({
    acknowledged: list.map((seq) => idIn(text, seq)),
  });
  test("is a list of generations: others that are more than half wait all the same", () => {
    expect(planOf(text, { last: 1 }, some()).refused).toContain("HO-K701: 5 of 6 generations");
    expect(planOf(text, { last: 1 }, some(1)).refused).toContain("4 of 6");
    expect(seqs(planOf(text, { last: 1 }, some(1, 2)).remove)).toBe("1 2 3 4 5");
    expect(planOf(text, { last: 1 }, some(6)).refused).toContain("5 of 6");
  });

  test("what is proposed is what would go, oldest first", () => {
    const { proposed, remove, keep } = planOf(text, { last: 2 }, some());
    expect([proposed?.map(({ id }) => Number(id.slice(0, 6))), remove, keep.length]).toEqual([[1, 2, 3, 4], [], 6]);
    expect(proposed?.[0]?.why).toBe("beyond last 2");
  });
});

describe("on doubt nothing is removed", () => {
  const text = "F@2026-11-22 F@2026-11-23 F@2026-11-24";
  test.each<[string, Partial<RetentionInput>, string]>([
    ["an unknown time zone", { timeZone: "Mars/Olympus" }, "the time zone Mars/Olympus is unknown"],
    ["a clock that is behind", { now: Date.UTC(2026, 10, 23, 23, 59) }, "the clock is behind 000003"],
    [
      "a clock that is behind the seal",
      { generations: generationsOf(text).map((one) => ({ ...one, sealedAt: "2026-11-30T01:00:00Z" })) },
      "the clock is behind 000003",
    ],
    [
      "a time that cannot be read",
      { generations: generationsOf(text).map((one) => ({ ...one, time: "yesterday" })) },
      "the times of 000003",
    ],
    ["what the mover has seen", { unknown: "the listing failed", timeZone: "Mars/Olympus" }, "the listing failed"],
  ])("%s", (_, more, says) => {
    const plan = planOf(text, { last: 1 }, more);
    expect([plan.remove, plan.refused?.startsWith(`HO-K702: ${says}`), plan.keep.length]).toEqual([[], true, 3]);
    expect(plan.keep.every(({ why: reasons }) => reasons.at(-1) === "nothing is removed on unknown state")).toBe(true);
  });

  test("clocks may be apart by an hour", () => {
    expect(planOf(text, { last: 1 }, { now: Date.UTC(2026, 10, 24, 0, 0) }).refused).toBeUndefined();
    expect(planOf(text, { last: 1 }, { now: Date.UTC(2026, 10, 24, 0, 0) - 1 }).refused).toContain("HO-K702");
  });
});
