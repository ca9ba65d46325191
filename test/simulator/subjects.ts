/** A run and a restore of the small shop, and the steps at which something can befall them. */
import { type Resource, restores, runs } from "../../operator/api/kinds.ts";
import { aRestore, aRun } from "../support/builders.ts";
import type { Story } from "./scenario.ts";

export interface Subject {
  readonly resource: Resource;
  readonly name: string;
  readonly story: Story;
  readonly phases: readonly string[];
}

export const subjects = {
  run: {
    resource: runs,
    name: "shop-1",
    story: { run: aRun().build() },
    phases: [
      "Preflight",
      "Warm",
      "Quiesce",
      "Capture",
      "GiveBack",
      "Seal",
      "Transport/vault",
      "Verify/vault",
      "Prune/source",
      "Prune/vault",
    ],
  },
  restore: {
    resource: restores,
    name: "back",
    story: { restore: aRestore().build() },
    phases: ["Plan", "Stage", "Quiesce", "Swap", "GiveBack", "Cleanup"],
  },
} as const satisfies Readonly<Record<string, Subject>>;
export type SubjectKind = keyof typeof subjects;
