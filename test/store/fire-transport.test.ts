/** A transport that dies, or whose sink fails or is full, at each of its writes. */
import { testUnderFire } from "./fire/suite.ts";
import { transporting } from "./fire/scenarios.ts";

testUnderFire("fire-transport", ["transport", "transport-again"], transporting);
