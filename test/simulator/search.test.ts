/**
 * Every state of the small world: two processes of the controller, two policies of one workload, its guard; and in each line one kind
 * of trouble more. Each is a search of its own that ends by itself: all that is reachable within its limits was seen.
 */
import { describe, expect, jest, test } from "@jest/globals";
import { explore } from "./explore.ts";
import { tallyStates } from "./tally.ts";

jest.setTimeout(900_000);

describe("the small world", () => {
  test.each([
    { overtakes: 1, crashes: 0, scalings: 0, leaps: 0 },
    { overtakes: 0, crashes: 3, scalings: 0, leaps: 0 },
    { overtakes: 0, crashes: 1, scalings: 1, leaps: 0 },
  ])("breaks no law with %j", async (limits) => {
    const { states, violation } = await explore(limits);
    tallyStates(JSON.stringify(limits), states);
    expect(violation).toBeUndefined();
  });
});
