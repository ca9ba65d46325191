/** The exchange of a restore that dies, or whose volume fails or is full, at each of its writes: nothing of either state is lost, and it is completed. */
import { testUnderFire } from "./fire/suite.ts";
import { swapping } from "./fire/scenarios.ts";

testUnderFire("fire-swap", ["swap"], swapping);
