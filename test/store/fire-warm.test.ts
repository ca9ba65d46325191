/**
 * A warm pass over what has changed that dies, or whose disk fails or is full, at one of its writes; then the app goes on, and the next
 * attempt or run captures what it has by then.
 */
import { CaptureCampaign, isKnowledge } from "./fire/captures.ts";
import { some, testSomeUnderFire } from "./fire/suite.ts";
import { makeCaptures } from "./fire/ways.ts";

testSomeUnderFire("fire-warm", ["warm"], some(20, isKnowledge), async (world) => {
  const scenarioOf = await makeCaptures(world);
  return { scenarios: [scenarioOf("warm")], campaign: new CaptureCampaign(world) };
});
