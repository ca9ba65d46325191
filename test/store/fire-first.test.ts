/** The first transport to a sink that knows nothing of us. */
import { describeFire } from "./fire/suite.ts";
import { firstTransport } from "./fire/scenarios.ts";

describeFire("fire-first", ["transport-first"], firstTransport);
