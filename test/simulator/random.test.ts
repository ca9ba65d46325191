/** Worlds by chance: two processes in any order of their requests, deaths, failures, lost events, people who interfere. */
import { describe, expect, jest, test } from "@jest/globals";
import * as fc from "fast-check";
import type { Foreign } from "./foreign.ts";
import { type Fault, type Plan, play } from "./plan.ts";
import type { Death, Failing } from "./port.ts";
import type { StoryName } from "./stories.ts";
import { tally } from "./tally.ts";
import type { EventFault } from "./watching.ts";

jest.setTimeout(900_000);
const seed = 20_261_122;

const deaths: readonly Death[] = ["unsent", "unanswered", "answered"];
const failures: readonly Failing[] = [429, 500, 503, "conflict", "lost", "cut"];
const befallings: readonly EventFault[] = ["drop", "twice", "late", "cut", "expired", "malformed"];
const people: readonly Foreign[] = [
  "scale to 2",
  "cancel",
  "delete",
  "delete policy",
  "suspend policy",
  "delete job",
  "evict mover",
  "pod on the claim",
  "compact",
];
const stories: readonly StoryName[] = ["small run", "stateful run", "restore", "twins", "dead sink", "second exchange"];

const at = fc.integer({ min: 1, max: 110 });
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ write: at, die: fc.constantFrom(...deaths) }),
  fc.record({ write: at, fail: fc.constantFrom(...failures) }),
  fc.record({ call: fc.integer({ min: 1, max: 1_500 }), fail: fc.constantFrom(...failures) }),
  fc.record({ event: fc.integer({ min: 1, max: 200 }), befalls: fc.constantFrom(...befallings) }),
);
const interference: fc.Arbitrary<Fault> = fc.record({ write: at, foreign: fc.constantFrom(...people) });
const setting: fc.Arbitrary<Fault> = fc.record({
  write: at,
  clock: fc.constantFrom(-86_400_000, -3_600_000, -90_000, 90_000, 3_600_000),
});
const plan = (faults: fc.Arbitrary<readonly Fault[]>, processes: 1 | 2): fc.Arbitrary<Plan> =>
  fc.record({
    story: fc.constantFrom(...stories),
    faults,
    ...(processes === 1 ? {} : { seed: fc.integer({ min: 1, max: 1_000_000 }) }),
  });

describe.each([
  { name: "faults of the cluster", runs: 250, plans: plan(fc.array(fault, { minLength: 1, maxLength: 6 }), 1) },
  {
    name: "people among faults",
    runs: 300,
    plans: plan(
      fc.tuple(interference, fc.array(fault, { maxLength: 3 })).map(([one, more]) => [one, ...more]),
      1,
    ),
  },
  { name: "a clock that is set", runs: 60, plans: plan(fc.array(setting, { minLength: 1, maxLength: 2 }), 1) },
  { name: "two processes at once", runs: 60, plans: plan(fc.array(fault, { maxLength: 3 }), 2) },
])("$name", ({ name, runs, plans }) => {
  test("break no law", async () => {
    const property = fc.asyncProperty(plans, async (one) => tally(name, await play(one)));
    await fc.assert(property, { numRuns: runs, seed });
    expect(runs).toBeGreaterThan(0);
  });
});
