/** Retention: the golden cases of test/golden/retention and the floors over random histories. */
import { describe, expect, test } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { formatGenerationId } from "../../../operator/domain/generation.ts";
import {
  planRetention,
  type RetentionGeneration,
  type RetentionInput,
  type RetentionPlan,
} from "../../../operator/domain/retention.ts";

/** What a state of the time of its number is, for tests that ask for no time. */
const stamp = { time: "2026-11-21T01:02:03Z", sealedAt: "2026-11-21T01:02:03Z", chain: [], bytes: 1 } as const;
const quiet = {
  timeZone: "UTC",
  now: Date.UTC(2026, 10, 22),
  acknowledged: [],
  undelivered: [],
  waiting: [],
  holds: [],
} as const;

const directory = new URL("../../golden/retention/", import.meta.url);
const parse = (name: string): { input: RetentionInput; plan: RetentionPlan } =>
  // The shape is checked by the comparison itself.
  JSON.parse(readFileSync(new URL(name, directory), "utf8"));

const generations = fc
  .array(fc.record({ verified: fc.boolean(), full: fc.boolean(), gap: fc.integer({ min: 1, max: 3 }) }), {
    maxLength: 24,
    // Short histories, of which there would be most, lose nothing by any rule.
    size: "max",
  })
  .map((list): readonly RetentionGeneration[] => {
    let seq = 0;
    return list.map(({ verified, full, gap }) => {
      seq += gap;
      return {
        id: formatGenerationId(seq, "2026-11-21T01:02:03Z", full ? "Full" : "Database"),
        seq,
        verified,
        ...stamp,
      };
    });
  });
const rule = fc.record({ last: fc.integer({ min: 1, max: 8 }), minVerified: fc.integer({ min: 1, max: 4 }) });
const inputs: fc.Arbitrary<RetentionInput> = fc
  .record({
    generations,
    keep: rule,
    all: fc.boolean(),
    unknown: fc.option(fc.constant("the listing failed"), { nil: undefined, freq: 4 }),
    picks: fc.array(fc.nat(30), { maxLength: 4 }),
    arrived: fc.option(fc.nat(5), { nil: undefined }),
  })
  .map(({ picks, all, ...input }) => ({
    ...quiet,
    ...input,
    acknowledged: all ? input.generations.map(({ id }) => id) : [],
    undelivered: picks.flatMap((pick) => input.generations.at(pick % Math.max(1, input.generations.length))?.id ?? []),
  }));

const acknowledging = (input: RetentionInput): RetentionInput => ({
  ...input,
  acknowledged: input.generations.map(({ id }) => id),
});
const removed = (plan: RetentionPlan): ReadonlySet<string> => new Set(plan.remove.map(({ id }) => id));
const after = (input: RetentionInput, plan: RetentionPlan): RetentionInput => ({
  ...input,
  generations: input.generations.filter(({ id }) => !removed(plan).has(id)),
});
const ofType = (list: readonly RetentionGeneration[], type: string): readonly RetentionGeneration[] =>
  list.filter(({ id, verified }) => verified && id.endsWith(type));

describe("golden cases", () => {
  test.each(readdirSync(directory).filter((name) => name.endsWith(".json")))("%s", (name) => {
    const golden = parse(name);
    expect(planRetention(golden.input)).toEqual(golden.plan);
  });
});

describe("at the edges", () => {
  /** `3v` is verified, `3` is not; equal numbers are told apart by the time, `3b` is younger than `3a`. */
  const generationOf = (text: string): RetentionGeneration => {
    const [, number = "", moment = "", verified = ""] = /^(\d)([ab]?)(v?)$/.exec(text)!;
    const id = formatGenerationId(Number(number), `2026-11-21T01:02:0${moment === "b" ? 2 : 1}Z`, "Full");
    return { id, seq: Number(number), verified: verified !== "", ...stamp };
  };
  const listed = (given: string): readonly RetentionGeneration[] => given.split(" ").map(generationOf);
  const plan = (
    given: readonly RetentionGeneration[],
    last: number,
    minVerified: number,
    more: Partial<RetentionInput> = {},
  ): RetentionPlan =>
    planRetention({
      ...quiet,
      generations: given,
      keep: { last, minVerified },
      acknowledged: given.map(({ id }) => id),
      ...more,
    });
  const ids = (list: readonly { readonly id: string }[]): string =>
    list.map(({ id }) => `${Number(id.slice(0, 6))}${id.slice(20, 22)}`).join(" ");

  test.each([
    // An unverified one goes as soon as as many newer verified ones stay as the rule asks for, and not before.
    { given: "1 2v 3v", last: 2, min: 1, removed: "101" },
    { given: "1 2v 3v", last: 1, min: 2, removed: "101" },
    { given: "1 2v 3v", last: 3, min: 1, removed: "" },
    // Two of one number, as after a status that was lost: the time decides, whatever the order of the listing.
    { given: "1av 1bv", last: 1, min: 1, removed: "101" },
    { given: "1bv 1av", last: 1, min: 1, removed: "101" },
    { given: "1bv 2av", last: 1, min: 1, removed: "102" },
    { given: "1bv 1av 2av", last: 1, min: 1, removed: "101 102" },
    { given: "1av 1bv 2av", last: 1, min: 1, removed: "101 102" },
    { given: "1 1bv", last: 1, min: 1, removed: "101" },
  ])("$given with last $last and minVerified $min: $removed go", ({ given, last, min, removed: gone }) => {
    expect(ids(plan(listed(given), last, min).remove)).toBe(gone);
  });

  test("the plan names the youngest first, those of one number by their time", () => {
    expect(ids(plan(listed("1av 2bv 1bv 2av"), 4, 1).keep)).toBe("202 201 102 101");
  });

  test("unverified ones do not make half of more", () => {
    expect(plan(listed("1v 2v 3v 4v 5 6 7 8"), 1, 1, { acknowledged: [] }).refused).toContain("3 of 4 generations");
  });

  test("what has no id of ours is of no type of ours", () => {
    const foreign = { id: "lost+found", seq: 0, verified: true, ...stamp };
    const { keep } = plan([foreign, ...listed("1v")], 1, 1);
    expect(keep.map(({ why }) => why)).toEqual([
      ["newest verified", "minVerified 1", "last 1"],
      ["newest verified", "minVerified 1", "last 1"],
    ]);
  });
});

describe("floors beat every rule", () => {
  test("every generation is either kept or removed, with a reason", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const plan = planRetention(input);
        expect([...plan.keep, ...plan.remove].map(({ id }) => id).toSorted()).toEqual(
          input.generations.map(({ id }) => id).toSorted(),
        );
        expect(
          plan.keep.every(({ why }) => why.length > 0 && why.every((text) => text.length > 0 && text.length <= 100)),
        ).toBe(true);
      }),
    );
  });

  test("newest verified, minVerified and the last of each type stay", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const left = after(input, planRetention(input)).generations;
        for (const type of ["full", "database"]) {
          const before = ofType(input.generations, type);
          const floor = Math.min(before.length, Math.max(input.keep.last ?? 0, input.keep.minVerified));
          expect(ofType(left, type).slice(-floor || before.length)).toEqual(before.slice(-floor || before.length));
        }
      }),
    );
  });

  test("undelivered stays, unknown state removes nothing", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const plan = planRetention(input);
        expect(input.undelivered.some((id) => removed(plan).has(id))).toBe(false);
        const frozen = input.unknown === undefined ? {} : { remove: [], refused: "HO-K702: the listing failed" };
        expect(plan).toMatchObject(frozen);
      }),
    );
  });

  test("more than half goes only acknowledged, as arrived, or as one single generation", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const plan = planRetention(input);
        const verified = input.generations.filter((generation) => generation.verified).map(({ id }) => id);
        const half = Math.floor(verified.length / 2);
        const leaving = verified.filter((id) => removed(plan).has(id)).length;
        const { arrived = 0 } = input;
        const turned = arrived + Math.floor(Math.max(0, verified.length - arrived) / 10);
        expect(leaving <= Math.max(1, half, turned) || input.acknowledged.length > 0).toBe(true);
        expect(plan.remove.length === 0 || plan.refused === undefined).toBe(true);
      }),
    );
  });

  test("of three one goes at once, and two only acknowledged", () => {
    const three = [1, 2, 3].map((seq) => ({
      id: formatGenerationId(seq, "2026-11-21T01:02:03Z", "Full"),
      seq,
      verified: true,
      ...stamp,
    }));
    const keeping = (last: number, acknowledged = false): readonly number[] => {
      const keep = { last, minVerified: 1 };
      const given = { ...quiet, generations: three, keep };
      const left = planRetention(acknowledged ? acknowledging(given) : given).keep;
      return left.map(({ id }) => Number(id.slice(0, 6)));
    };
    expect([keeping(2), keeping(1), keeping(1, true)]).toEqual([[3, 2], [3, 2, 1], [3]]);
  });

  test("an unverified generation never changes what happens to verified ones", () => {
    fc.assert(
      fc.property(inputs, (given) => {
        const input = acknowledging(given);
        const verified = input.generations.filter((generation) => generation.verified);
        const ids = (plan: RetentionPlan): readonly string[] =>
          verified.map(({ id }) => id).filter((id) => removed(plan).has(id));
        expect(ids(planRetention({ ...input, generations: verified }))).toEqual(ids(planRetention(input)));
      }),
    );
  });
});

describe("the plan settles", () => {
  test("idempotent: what is left after a plan is left by the next plan", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const plan = planRetention(input);
        fc.pre(plan.refused === undefined);
        expect(planRetention(after(input, plan)).remove).toEqual([]);
      }),
    );
  });

  test("monotone: a wider rule keeps at least what a narrower one keeps", () => {
    fc.assert(
      fc.property(inputs, fc.nat(3), fc.nat(3), (given, moreLast, moreMin) => {
        const input = acknowledging(given);
        const wider = {
          ...input,
          keep: { last: (input.keep.last ?? 0) + moreLast, minVerified: input.keep.minVerified + moreMin },
        };
        expect([...removed(planRetention(wider))].every((id) => removed(planRetention(input)).has(id))).toBe(true);
      }),
    );
  });

  test("a history of runs with failures never loses the floor and never stops by itself", () => {
    fc.assert(
      fc.property(
        rule,
        fc.array(fc.constantFrom("ok", "failed", "prune missed"), { minLength: 1, maxLength: 40 }),
        (keep, runs) => {
          let present: readonly RetentionGeneration[] = [];
          let known: readonly string[] = [];
          for (const [index, outcome] of runs.entries()) {
            const id = formatGenerationId(index + 1, "2026-11-21T01:02:03Z", "Full");
            present = [...present, { id, seq: index + 1, verified: outcome !== "failed", ...stamp }];
            if (outcome === "prune missed") continue;
            const arrived = present.filter((generation) => !known.includes(generation.id)).length;
            const input: RetentionInput = { ...quiet, generations: present, keep, arrived };
            const plan = planRetention(input);
            const good = present.filter(({ verified }) => verified);
            expect(plan.refused).toBeUndefined();
            present = after(input, plan).generations;
            known = present.map((generation) => generation.id);
            expect(present.filter(({ verified }) => verified)).toEqual(
              good.slice(-Math.max(keep.last, keep.minVerified)),
            );
          }
        },
      ),
    );
  });
});
