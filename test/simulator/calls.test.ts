/** Requests of the reference stories fail, each write once in each way in which a request can fail. Each story ends well all the same. */
import { describe, expect, test, jest } from "@jest/globals";
import { play } from "./plan.ts";
import type { Failing } from "./port.ts";
import type { StoryName } from "./stories.ts";
import { tally } from "./tally.ts";

jest.setTimeout(600_000);
const failures: readonly Failing[] = [429, 500, 503, "conflict", "lost", "cut"];
/**
 * Of reads each way takes every so many-th, beginning with another one: most of them are looks at a world that has not changed. In the
 * smallest story that is every read, in one way or another.
 */
const stories: readonly { readonly story: StoryName; readonly stride: number }[] = [
  { story: "small run", stride: failures.length },
  { story: "restore", stride: 23 },
  { story: "two policies", stride: 23 },
];

describe.each(stories)("$story", ({ story, stride }) => {
  const reference = play({ story, faults: [] });

  test.each(failures)("ends the same when a request fails: %s", async (fail) => {
    const { scenario, counts } = await reference;
    for (let call = 1 + failures.indexOf(fail); call <= counts.calls; call += stride) {
      const ended = await play({ story, faults: [{ call, fail }] });
      tally(`request ${fail}`, ended);
      expect([call, ended.scenario.status.result]).toEqual([call, scenario.status.result]);
    }
  });
  test.each(failures)("ends the same when a write fails: %s", async (fail) => {
    const { scenario, counts } = await reference;
    for (let write = 1; write <= counts.writes; write++) {
      const ended = await play({ story, faults: [{ write, fail }] });
      tally(`write ${fail}`, ended);
      expect([write, ended.scenario.status.result]).toEqual([write, scenario.status.result]);
    }
  });
});
