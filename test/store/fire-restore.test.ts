/** A restore that dies, or whose volume fails or is full, at each write of its stage beside the app. */
import { describeFire } from "./fire/suite.ts";
import { staging } from "./fire/scenarios.ts";

describeFire("fire-restore", ["stage", "cleanup"], staging);
