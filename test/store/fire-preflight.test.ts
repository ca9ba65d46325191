/** The first preflight of a policy, which gives its store and its sink their identities. */
import { testUnderFire } from "./fire/suite.ts";
import { looking } from "./fire/scenarios.ts";

testUnderFire("fire-preflight", ["preflight-first"], looking);
