/** The first transport to a sink that knows nothing of us. */
import { testUnderFire } from "./fire/suite.ts";
import { firstTransport } from "./fire/scenarios.ts";

testUnderFire("fire-first", ["transport-first"], firstTransport);
