/** The controller dies at each of three points of every write of every reference story. Each story ends as if it had not. */
import { describe, expect, test, jest } from "@jest/globals";
import type { Death } from "./port.ts";
import { play } from "./plan.ts";
import { type StoryName, stories } from "./stories.ts";
import { tally } from "./tally.ts";

jest.setTimeout(300_000);
const deaths: readonly Death[] = ["unsent", "unanswered", "answered"];

describe.each((Object.keys(stories) as StoryName[]).map((story) => ({ story })))("$story", ({ story }) => {
  test("ends the same when the controller dies at any of its writes", async () => {
    const reference = await play({ story, faults: [] });
    const { result, code } = reference.scenario.status;
    const { writes } = reference.counts;
    expect(writes).toBeGreaterThan(1);
    for (let write = 1; write <= writes; write++)
      for (const die of deaths) {
        const ended = await play({ story, faults: [{ write, die }] });
        tally("crash", ended);
        const { status } = ended.scenario;
        expect([write, die, status.result, status.code]).toEqual([write, die, result, code]);
      }
  });
});
