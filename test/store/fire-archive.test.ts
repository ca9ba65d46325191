/**
 * The same of an archive against a base: of the last pass, and of what is packed, listed and kept in mind afterwards. There is never
 * a half generation in view, none lost, nothing left over.
 */
import { CaptureCampaign, isKnowledge } from "./fire/captures.ts";
import { some, testSomeUnderFire } from "./fire/suite.ts";
import { makeCaptures } from "./fire/ways.ts";

testSomeUnderFire("fire-archive", ["archive"], some(32, isKnowledge), async (world) => {
  const scenarioOf = await makeCaptures(world);
  return { scenarios: [scenarioOf("archive")], campaign: new CaptureCampaign(world) };
});
