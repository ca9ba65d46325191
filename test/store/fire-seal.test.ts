/** A seal that dies, or whose disk fails or is full, at each of its writes. */
import { testUnderFire } from "./fire/suite.ts";
import { sealing } from "./fire/scenarios.ts";

testUnderFire("fire-seal", ["seal"], sealing);
