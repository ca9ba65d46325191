/** A verification and a retention that die, or whose disk fails or is full, at each of their writes. */
import { describeFire } from "./fire/suite.ts";
import { settling } from "./fire/scenarios.ts";

describeFire("fire-verify", ["verify", "prune-source", "prune-sink"], settling);
