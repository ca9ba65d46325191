/** A seal that dies, or whose disk fails or is full, at each of its writes. */
import { describeFire } from "./fire/suite.ts";
import { sealing } from "./fire/scenarios.ts";

describeFire("fire-seal", ["seal"], sealing);
