/** What the steps that touch the app look at: an app at zero under a hold of its own, unless something else is said. */
import type { HoldContext } from "../../../operator/decide/hold-steps.ts";
import { claims, down, held } from "../../support/app-states.ts";
import { at } from "../../support/builders.ts";

export const context = (change: Partial<HoldContext> = {}): HoldContext => ({
  holder: { kind: "BackupRun", name: "run", uid: "run-uid" },
  namespace: "shop",
  app: down(),
  held,
  pods: [],
  claims,
  needed: [],
  stopTimeout: "2m",
  budget: 600_000,
  times: {},
  quiescedAt: undefined,
  leaving: false,
  now: at("01:00"),
  ...change,
});
