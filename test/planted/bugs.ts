/** All planted bugs. */
import type { PlantedBug } from "./bug.ts";
import { baseBugs } from "./bugs/bases.ts";
import { guardBugs } from "./bugs/guard.ts";
import { interferenceBugs } from "./bugs/interference.ts";
import { jobBugs } from "./bugs/jobs.ts";
import { mirrorBugs } from "./bugs/mirrors.ts";
import { fireBugs } from "./bugs/fire.ts";
import { quiesceBugs } from "./bugs/quiesce.ts";
import { restoreBugs } from "./bugs/restore.ts";
import { retentionBugs } from "./bugs/retention.ts";
import { runtimeBugs } from "./bugs/runtime.ts";
import { securityBugs } from "./bugs/security.ts";
import { storeBugs } from "./bugs/store.ts";

export const plantedBugs: readonly PlantedBug[] = [
  ...quiesceBugs,
  ...guardBugs,
  ...jobBugs,
  ...storeBugs,
  ...mirrorBugs,
  ...fireBugs,
  ...retentionBugs,
  ...restoreBugs,
  ...runtimeBugs,
  ...securityBugs,
  ...interferenceBugs,
  ...baseBugs,
];
