/** Recorded steps of a restore, and what is told of them. */
import type { RestoreStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { restoreSteps, summariseRestore } from "../../../operator/decide/restore-summary.ts";
import { aRestore, aWorkload, anApp, at, settings } from "../../support/builders.ts";

export type State = StepRecord["state"];
export type Steps = Readonly<Record<string, State | Omit<StepRecord, "name">>>;
export interface Story {
  readonly over?: boolean;
  readonly planOnly?: boolean;
  readonly status?: RestoreStatus;
  readonly replicas?: number;
}

/** The steps in their order; whoever is not named is Pending. */
export const stepsOf = (states: Steps): readonly StepRecord[] =>
  ["Accept", ...restoreSteps].map((name) => {
    const state = states[name] ?? "Pending";
    return { name, ...(typeof state === "string" ? { state } : state) };
  });
export function summarise(
  steps: readonly StepRecord[] | undefined,
  { over = false, planOnly = false, status = {}, replicas = 1 }: Story = {},
): RestoreStatus {
  const request = aRestore().spec({ planOnly }).build();
  const app = anApp({ workloads: [aWorkload().replicas(replicas).build()] });
  const seen = { request, policy: undefined, runs: [], siblings: [], app, jobs: new Map(), settings };
  const before = steps === undefined ? status : { ...status, steps: [...steps] };
  return summariseRestore(seen, before, over, at("01:30"));
}
/** Of each condition its status, its reason and its message. */
export const conditionsOf = ({ conditions = [] }: RestoreStatus): Readonly<Record<string, string>> =>
  Object.fromEntries(
    conditions.map(({ type, status, reason, message }) => [type, `${status} ${reason} ${message}`.trim()]),
  );

export const upTo = (last: string, state: State | Omit<StepRecord, "name">): Steps => ({
  ...Object.fromEntries(
    ["Accept", ...restoreSteps].slice(0, restoreSteps.indexOf(last) + 1).map((name) => [name, "Done" as const]),
  ),
  [last]: state,
});
export const allDone = stepsOf(upTo("Cleanup", "Done"));
export const failedAt = (
  last: string,
  code: StepRecord["code"],
  more: Partial<StepRecord> = {},
): readonly StepRecord[] => {
  const states = upTo(last, { state: "Failed", code: code!, message: "no way", ...more });
  return stepsOf(states).map((step) => (step.state === "Pending" ? { ...step, state: "Skipped" as const } : step));
};
export const held = {
  workloads: [
    { kind: "Deployment" as const, name: "shop", uid: "shop-uid", replicas: 1, heldAt: "2026-11-21T01:00:00Z" },
  ],
  times: { stopAt: "2026-11-21T01:00:00Z" },
};
