/** Two deaths while the app is held: every pair of writes between the first hold and the last give-back. */
import { describe, expect, test, jest } from "@jest/globals";
import { type Lease, leases } from "../../operator/api/kinds.ts";
import { isExchanging, parseRecord } from "../../operator/decide/record.ts";
import { play, prepare } from "./plan.ts";
import type { StoryName } from "./stories.ts";
import { tally } from "./tally.ts";
import type { Write } from "./world.ts";

jest.setTimeout(600_000);
const told: readonly StoryName[] = ["small run", "restore"];
const touchesHold = ({ plural, verb }: Write): boolean => plural === leases.plural || verb === "scale";

/** The numbers of the first and of the last write that the hold has to do with, when nothing befalls the story. */
async function holdOf(story: StoryName): Promise<{ readonly first: number; readonly last: number }> {
  const { scenario } = prepare({ story, faults: [] });
  await scenario.settle();
  const { writes } = scenario.world;
  return { first: writes.findIndex(touchesHold) + 1, last: writes.findLastIndex(touchesHold) + 1 };
}
const exchanges = (lease: Lease): boolean => {
  const record = parseRecord(lease);
  return record !== undefined && isExchanging(record);
};

describe.each(told.map((story) => ({ story })))("$story", ({ story }) => {
  test("the app comes back when the controller dies twice while it is held", async () => {
    const { first, last } = await holdOf(story);
    expect(last - first).toBeGreaterThan(10);
    for (let one = first; one <= last; one++)
      // The second death counts from the next life, whose first writes may be others than those of the reference.
      for (let other = one + 1; other <= last + 1; other++) {
        const faults = [
          { write: one, die: "unanswered" },
          { write: other, die: (one + other) % 2 === 0 ? "unsent" : "unanswered" },
        ] as const;
        tally("two deaths", await play({ story, faults }));
      }
  });

  test("the guard gives the app back when the controller is dead for good, at every write of the hold", async () => {
    const { first, last } = await holdOf(story);
    for (let write = first; write <= last; write++) {
      const ended = await play({ story, faults: [{ write, die: "unanswered" }], forGood: true });
      tally("dead for good", ended);
      // Inside an exchange nobody starts the app, because it would start on a mixture.
      const exchanging = ended.scenario.laws.wasExchanged || ended.scenario.records.some(exchanges);
      expect([write, exchanging || ended.scenario.replicas() === 3]).toEqual([write, true]);
    }
  });
});
