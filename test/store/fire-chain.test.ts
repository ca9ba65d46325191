/** The seal of an increment: it dies, or its disk fails or is full; then it is tried again, or the next run makes another one. */
import { CaptureCampaign } from "./fire/captures.ts";
import { some, testSomeUnderFire } from "./fire/suite.ts";
import { makeCaptures } from "./fire/ways.ts";

testSomeUnderFire("fire-chain", ["seal"], some(6), async (world) => {
  const scenarioOf = await makeCaptures(world);
  return { scenarios: [scenarioOf("seal")], campaign: new CaptureCampaign(world) };
});
