/** Every event that is told is lost once, told twice, late, or met by the end of its watch. */
import { describe, expect, test, jest } from "@jest/globals";
import { play } from "./plan.ts";
import type { StoryName } from "./stories.ts";
import { tally } from "./tally.ts";
import type { EventFault } from "./watching.ts";

jest.setTimeout(600_000);
const everyEvent: readonly EventFault[] = ["drop"];
/** What the reflector cures at once: a few of each are enough. */
const someEvents: readonly EventFault[] = ["twice", "late", "cut", "expired", "malformed"];
const told: readonly StoryName[] = ["run", "restore", "two policies"];

describe.each(told.map((story) => ({ story })))("$story", ({ story }) => {
  const reference = play({ story, faults: [] });

  test.each([...everyEvent, ...someEvents])("ends the same when an event is met by: %s", async (befalls) => {
    const { scenario, counts } = await reference;
    const stride = everyEvent.includes(befalls) ? 1 : 5;
    for (let event = 1; event <= counts.events; event += stride) {
      const ended = await play({ story, faults: [{ event, befalls }] });
      tally(`event ${befalls}`, ended);
      expect([event, ended.scenario.status.result]).toEqual([event, scenario.status.result]);
    }
  });
  test("S31 ends the same when no event is ever told", async () => {
    const ended = await play({ story, faults: [], blind: true });
    tally("no events", ended);
    expect(ended.scenario.status.result).toBe((await reference).scenario.status.result);
  });
});
