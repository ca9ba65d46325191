/** One pass over a run, from its recorded steps and what is seen. */
import type { BackupPolicy, BackupRun, Job, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { AppObservation } from "../../../operator/decide/app.ts";
import { decideRun } from "../../../operator/decide/run.ts";
import type { RunDecision } from "../../../operator/decide/run-observation.ts";
import { aPolicy, aRun, anApp, at, settings } from "../../support/builders.ts";

export interface Story {
  readonly run?: ReturnType<typeof aRun>;
  readonly policy?: BackupPolicy | undefined;
  readonly status?: RunStatus;
  readonly jobs?: readonly Job[];
  readonly siblings?: readonly BackupRun[];
  readonly seen?: AppObservation;
  readonly now?: string;
}
export const spec = aPolicy().build().spec;
export function pass(steps: readonly StepRecord[] | undefined, story: Story = {}): RunDecision {
  const {
    run = aRun().holding(),
    policy,
    status = {},
    jobs = [],
    siblings = [],
    seen = anApp(),
    now = "01:00",
  } = story;
  const recorded = { policy: spec, policyUID: "shop-policy-uid", ...status, ...(steps && { steps: [...steps] }) };
  const observed = {
    run: steps === undefined ? run.build() : run.status(recorded).build(),
    policy,
    siblings,
    restores: [],
    app: seen,
    jobs: new Map(jobs.map((job) => [job.metadata.name, job])),
    settings,
  };
  return decideRun(observed, at(now));
}
export const stateOf = ({ status }: RunDecision, name: string): string | undefined =>
  status.steps?.find((step) => step.name === name)?.state;
export const stepOf = ({ status }: RunDecision, name: string): StepRecord | undefined =>
  status.steps?.find((step) => step.name === name);
export const begun = (decision: RunDecision, steps: readonly StepRecord[]): readonly string[] =>
  steps
    .filter(({ name, state }) => state === "Pending" && ["Running", "Waiting"].includes(stateOf(decision, name) ?? ""))
    .map(({ name }) => name);
export const acts = ({ actions }: RunDecision): readonly string[] => actions.map((action) => action.do);
