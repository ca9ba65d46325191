/** What holds of every plan, over made-up places with chains, failures, holds and clocks that lie; and over years of runs. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { bucketsIn, periods } from "../../../operator/domain/buckets.ts";
import { familyOf, formatGenerationId, parseGenerationId } from "../../../operator/domain/generation.ts";
import { isInForce } from "../../../operator/domain/holds.ts";
import { formatInstant } from "../../../operator/domain/instant.ts";
import {
  planRetention,
  type KeepRules,
  type RetentionGeneration,
  type RetentionInput,
  type RetentionPlan,
} from "../../../operator/domain/retention.ts";

const hour = 3_600_000;
const day = 24 * hour;
/** The night before the clocks of Berlin go back. */
const start = Date.UTC(2027, 9, 30, 12);
const zones = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"];

const steps = fc.array(
  fc.record({
    type: fc.constantFrom("Full", "Incremental", "Incremental", "Differential", "Database"),
    luck: fc.nat(9),
    /** Hours since the one before; clocks go back, too. */
    gap: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 1, max: 400 }) },
      { weight: 1, arbitrary: fc.constant(-30) },
    ),
  }),
  { maxLength: 40, size: "max" },
);
const generations = steps.map((list): readonly RetentionGeneration[] => {
  let at = start;
  const made: RetentionGeneration[] = [];
  for (const [index, { type, luck, gap }] of list.entries()) {
    at += gap * hour;
    const seq = index + 1;
    const states = made.filter(({ id }) => familyIn(id) === "app");
    const base = type === "Differential" ? states.findLast(({ chain }) => chain.length === 0) : states.at(-1);
    const based = base !== undefined && (type === "Incremental" || type === "Differential");
    const kind = based ? type : type === "Database" ? type : "Full";
    const chain = based ? [...base.chain, base.id] : [];
    const whole = chain.every((id) => made.find((one) => one.id === id)?.verified);
    const time = formatInstant(at);
    made.push({
      id: formatGenerationId(seq, time, kind),
      seq,
      time,
      sealedAt: time,
      chain,
      verified: luck > 1 && whole,
      bytes: 1,
    });
  }
  return made;
});
const familyIn = (id: string): string => familyOf(parseGenerationId(id)!.type);

const number = fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined });
const rules: fc.Arbitrary<KeepRules> = fc.record({
  last: number,
  hourly: number,
  daily: number,
  weekly: number,
  monthly: number,
  yearly: number,
  maxAge: fc.option(fc.constantFrom("12h", "10d", "60d", "400d"), { nil: undefined }),
  minVerified: fc.integer({ min: 1, max: 3 }),
});
const picks = fc.array(fc.nat(60), { maxLength: 3 });
const inputs: fc.Arbitrary<RetentionInput> = fc
  .record({
    generations,
    keep: rules,
    timeZone: fc.constantFrom(...zones),
    later: fc.integer({ min: 0, max: 300 }),
    all: fc.boolean(),
    undelivered: picks,
    held: picks,
    due: picks,
    arrived: fc.option(fc.nat(5), { nil: undefined }),
  })
  .map(({ generations: list, later, all, undelivered, held, due, ...rest }) => {
    const newest = Math.max(start, ...list.map(({ time }) => Date.parse(time)));
    const pick = (indices: readonly number[]): readonly string[] =>
      list.length === 0 ? [] : indices.map((index) => list[index % list.length]!.id);
    return {
      ...rest,
      generations: list,
      now: newest + later * day,
      acknowledged: all ? list.map(({ id }) => id) : [],
      undelivered: pick(undelivered),
      waiting: pick(undelivered).map((id) => ({ id: `9${id.slice(1)}`, chain: [id] })),
      holds: pick(held).map((id, index) => ({
        id,
        until: index === 0 ? "forever" : formatInstant(newest + 100 * day),
        reason: "x",
      })),
      due: pick(due),
    };
  });

const acknowledging = (input: RetentionInput): RetentionInput => ({
  ...input,
  acknowledged: input.generations.map(({ id }) => id),
});
const gone = (plan: RetentionPlan): ReadonlySet<string> => new Set(plan.remove.map(({ id }) => id));
/** What lies there once the plan was carried out. */
const after = (input: RetentionInput, plan: RetentionPlan): RetentionInput => ({
  ...input,
  generations: input.generations.filter(({ id }) => !gone(plan).has(id)),
});
const runs = { numRuns: 150 };

describe("whatever lies there", () => {
  test("each one is kept or removed, once, with reasons that fit", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { keep, remove, due } = planRetention(input);
        const ids = [...keep, ...remove].map(({ id }) => id);
        expect(ids.toSorted()).toEqual(input.generations.map(({ id }) => id).toSorted());
        const reasons = [...keep.flatMap(({ why }) => why), ...remove.map(({ why }) => why)];
        expect(reasons.every((text) => text.length > 0 && text.length <= 100)).toBe(true);
        expect(keep.every(({ why }) => why.length > 0)).toBe(true);
        expect(due.every((id) => keep.some((kept) => kept.id === id))).toBe(true);
      }),
      runs,
    );
  });

  test("no floor is undercut", () => {
    fc.assert(
      fc.property(inputs, (given) => {
        const input = acknowledging(given);
        const removed = gone(planRetention(input));
        for (const family of ["app", "database"]) {
          const verified = input.generations.filter((one) => one.verified && familyIn(one.id) === family);
          expect(verified.slice(-input.keep.minVerified).some(({ id }) => removed.has(id))).toBe(false);
        }
        expect(input.undelivered.some((id) => removed.has(id))).toBe(false);
        expect(input.holds.some((hold) => isInForce(hold, input.now) && removed.has(hold.id))).toBe(false);
        const left = input.generations.filter(({ id }) => !removed.has(id));
        expect([...left, ...input.waiting].some(({ chain }) => chain.some((id) => removed.has(id)))).toBe(false);
        // What nobody has verified goes only when something newer of its kind was.
        const unverified = input.generations.filter(({ id, verified }) => removed.has(id) && !verified);
        const isSuperseded = ({ id }: RetentionGeneration): boolean =>
          left.some((one) => one.verified && one.id > id && familyIn(one.id) === familyIn(id));
        expect(unverified.every(isSuperseded)).toBe(true);
      }),
      runs,
    );
  });

  test("each rule has what it asks for, by a count that knows nothing of the plan", () => {
    fc.assert(
      fc.property(inputs, (given) => {
        const input = { ...acknowledging(given), keep: { ...given.keep, maxAge: undefined } };
        const removed = gone(planRetention(input));
        const bucketOf = bucketsIn(input.timeZone)!;
        for (const family of ["app", "database"]) {
          const verified = input.generations.filter((one) => one.verified && familyIn(one.id) === family).toReversed();
          for (const period of periods) {
            const keys = [...new Set(verified.map(({ time }) => bucketOf(Date.parse(time), period)))];
            const newest = keys
              .slice(0, input.keep[period] ?? 0)
              .map((key) => verified.find(({ time }) => bucketOf(Date.parse(time), period) === key)!.id);
            expect(newest.filter((id) => removed.has(id))).toEqual([]);
          }
          expect(verified.slice(0, input.keep.last ?? 0).filter(({ id }) => removed.has(id))).toEqual([]);
        }
      }),
      runs,
    );
  });

  test("idempotent: once it was carried out, nothing more is to go", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const plan = planRetention(input);
        if (plan.refused !== undefined) return;
        const again = planRetention(after(input, plan));
        expect([again.remove, again.refused]).toEqual([[], undefined]);
        expect(again.keep.map(({ id }) => id)).toEqual(plan.keep.map(({ id }) => id));
      }),
      runs,
    );
  });

  test("monotone: a number that is raised, or an age, never removes more", () => {
    const wider = fc.record({ last: fc.nat(3), each: fc.nat(3), which: fc.constantFrom(...periods), min: fc.nat(2) });
    fc.assert(
      fc.property(inputs, wider, fc.boolean(), (given, { last, each, which, min }, ageless) => {
        const input = acknowledging(given);
        const { keep } = input;
        const more: KeepRules = {
          ...keep,
          last: (keep.last ?? 0) + last,
          [which]: (keep[which] ?? 0) + each,
          minVerified: keep.minVerified + min,
          maxAge: ageless || keep.maxAge === "400d" ? undefined : keep.maxAge === undefined ? undefined : "400d",
        };
        const narrow = gone(planRetention(input));
        expect([...gone(planRetention({ ...input, keep: more }))].filter((id) => !narrow.has(id))).toEqual([]);
      }),
      runs,
    );
  });

  test("failures never evict: without those that were never verified, no more is kept of the others", () => {
    fc.assert(
      fc.property(inputs, (given) => {
        const input = acknowledging(given);
        const verified = input.generations.filter((one) => one.verified);
        const alone = gone(planRetention({ ...input, generations: verified }));
        expect(verified.filter(({ id }) => gone(planRetention(input)).has(id) && !alone.has(id))).toEqual([]);
      }),
      runs,
    );
  });

  test("more than half goes only acknowledged, as arrived, as due, or as a single one", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const plan = planRetention(input);
        const counted = input.generations.filter((one) => one.verified && input.due?.includes(one.id) === false);
        const leaving = counted.filter(({ id }) => gone(plan).has(id) && !input.acknowledged.includes(id)).length;
        const { arrived = 0 } = input;
        const turned = arrived + Math.floor(Math.max(0, counted.length - arrived) / 10);
        expect(leaving).toBeLessThanOrEqual(Math.max(1, Math.floor(counted.length / 2), turned));
        expect(plan.refused === undefined || plan.remove.length === 0).toBe(true);
        expect(plan.proposed === undefined || plan.proposed.length > 0).toBe(true);
      }),
      runs,
    );
  });
});

test("years of a calendar with failures: never stuck, never without what the rules promise, and the dumps by themselves", () => {
  const keep: KeepRules = { last: 7, daily: 14, weekly: 8, monthly: 12, yearly: 3, minVerified: 2 };
  const bucketOf = bucketsIn("Europe/Berlin")!;
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat(99)), fc.integer({ min: 0, max: 364 }), (chance, offset) => {
      let present: readonly RetentionGeneration[] = [];
      let known: readonly string[] = [];
      let due: readonly string[] = [];
      let seq = 0;
      const months = new Map<string, string>();
      for (let date = 0; date < 500; date += 1) {
        const at = Date.UTC(2027, 0, 1, 1) + (offset + date) * day;
        const luck = chance.next().value;
        // A night in which nothing ran.
        if (luck < 8) continue;
        const time = formatInstant(at);
        const newest = present.findLast(({ id }) => familyIn(id) === "app");
        const based = date % 7 !== 0 && newest?.verified === true && newest.chain.length < 6;
        seq += 1;
        const id = formatGenerationId(seq, time, based ? "Incremental" : "Full");
        const chain = based ? [...newest.chain, newest.id] : [];
        const verified = luck < 90;
        present = [...present, { id, seq, time, sealedAt: time, chain, verified, bytes: 1 }];
        if (verified) months.set(bucketOf(at, "monthly"), id);
        // A night in which the prune did not come to its end.
        if (luck % 10 === 3) continue;
        const input: RetentionInput = {
          generations: present,
          keep,
          timeZone: "Europe/Berlin",
          now: at + hour,
          acknowledged: [],
          undelivered: [],
          waiting: [],
          holds: [],
          arrived: present.filter((one) => !known.includes(one.id)).length,
          due,
        };
        const plan = planRetention(input);
        expect(plan.refused).toBeUndefined();
        present = after(input, plan).generations;
        known = present.map((one) => one.id);
        due = plan.due;
        const have = new Set(known);
        expect([...months.values()].slice(-12).filter((one) => !have.has(one))).toEqual([]);
        expect(present.flatMap((one) => one.chain).filter((base) => !have.has(base))).toEqual([]);
      }
      expect(present.length).toBeLessThan(7 * (7 + 14 + 8 + 12 + 3));
    }),
    { numRuns: 3 },
  );
});
