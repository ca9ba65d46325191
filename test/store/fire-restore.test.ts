/** A restore that dies, or whose volume fails or is full, at each write of its stage beside the app. */
import { testUnderFire } from "./fire/suite.ts";
import { staging } from "./fire/scenarios.ts";

testUnderFire("fire-restore", ["stage", "cleanup"], staging);
