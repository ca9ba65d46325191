/** The warm pass that fills the first mirror of a volume, and the archive that follows it: what dies half way is no mirror to be believed. */
import { CaptureCampaign } from "./fire/captures.ts";
import { some, testSomeUnderFire } from "./fire/suite.ts";
import { makeFirst } from "./fire/ways.ts";

/** What is there from then on: directories, and what is told of the mirror. */
const isFirst = (call: string): boolean =>
  /^(mkdir|rename)\S* \S*\/(mirror|\.state|uploads|uploads\.mirror\.json)$/.test(call);

testSomeUnderFire("fire-full", ["warm", "archive"], some(48, isFirst), async (world) => ({
  scenarios: await makeFirst(world),
  campaign: new CaptureCampaign(world),
}));
