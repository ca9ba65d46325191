/**
 * The same of a look at the configuration, keys and a volume, beside the running app: the next look captures what is there by then.
 */
import { CaptureCampaign } from "./fire/captures.ts";
import { some, testSomeUnderFire } from "./fire/suite.ts";
import { makeCollections } from "./fire/ways.ts";

testSomeUnderFire("fire-collect", ["collect"], some(26), async (world) => {
  const scenarioOf = await makeCollections(world);
  return { scenarios: [scenarioOf("collect")], campaign: new CaptureCampaign(world) };
});
