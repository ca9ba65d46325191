/**
 * A verification and a retention with a fault at any system call by which they change the disk: they die there, or it fails, or is
 * full. Never a half generation in view, none lost, nothing left over: never asked of the code that wrote it.
 */
import { testUnderFire } from "./fire/suite.ts";
import { settling } from "./fire/scenarios.ts";

testUnderFire("fire-verify", ["verify", "prune-source", "prune-sink"], settling);
