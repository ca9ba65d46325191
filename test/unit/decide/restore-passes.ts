/** One pass over a restore, from its recorded steps and what is seen. */
import type {
  BackupPolicy,
  BackupRun,
  Job,
  RestoreRequest,
  RestoreStatus,
  StepRecord,
} from "../../../operator/api/kinds.ts";
import type { AppObservation } from "../../../operator/decide/app.ts";
import type { Decision } from "../../../operator/decide/decision.ts";
import { decideRestore } from "../../../operator/decide/restore.ts";
import { restoreSteps } from "../../../operator/decide/restore-summary.ts";
import { finalizer } from "../../../operator/api/names.ts";
import { down, holder, stopped } from "../../support/app-states.ts";
import { aPolicy, aRestore, anApp, at, settings } from "../../support/builders.ts";

export type State = StepRecord["state"] | Omit<StepRecord, "name">;
export type States = Readonly<Record<string, State>>;
export interface Story {
  readonly request?: ReturnType<typeof aRestore>;
  readonly policy?: BackupPolicy;
  readonly status?: RestoreStatus;
  readonly jobs?: readonly Job[];
  readonly seen?: AppObservation;
  readonly runs?: readonly BackupRun[];
  readonly siblings?: readonly RestoreRequest[];
  readonly now?: string;
}
export const held = (request = aRestore()): ReturnType<typeof aRestore> => request.meta({ finalizers: [finalizer] });

/** Whoever is not named is Pending. */
export const stepsOf = (states: States): readonly StepRecord[] =>
  ["Accept", ...restoreSteps].map((name) => {
    const state = states[name] ?? "Pending";
    return { name, ...(typeof state === "string" ? { state } : state) };
  });

export function pass(states: States | undefined, story: Story = {}): Decision<RestoreStatus> {
  const { request = held(), status = {}, jobs = [], seen = anApp(), now = "01:00", runs = [], siblings = [] } = story;
  const recorded = { policy: aPolicy().build().spec, policyUID: "shop-policy-uid", ...status };
  const observed = {
    request:
      states === undefined ? request.build() : request.status({ ...recorded, steps: [...stepsOf(states)] }).build(),
    policy: story.policy,
    runs,
    siblings,
    app: seen,
    jobs: new Map(jobs.map((job) => [job.metadata.name, job])),
    settings,
  };
  return decideRestore(observed, at(now));
}
export const stepOf = ({ status }: Decision<RestoreStatus>, name: string): StepRecord | undefined =>
  status.steps?.find((step) => step.name === name);
/** Steps that were Pending and are under way. */
export const begun = (decision: Decision<RestoreStatus>, states: States): readonly string[] =>
  stepsOf(states)
    .filter(
      ({ name, state }) => state === "Pending" && ["Running", "Waiting"].includes(stepOf(decision, name)?.state ?? ""),
    )
    .map(({ name }) => name);
export const acts = ({ actions }: Decision<RestoreStatus>): readonly string[] => actions.map((action) => action.do);

export const staged: State = { state: "Done", attempt: 1 };
export const failed = (code: "HO-X001" | "HO-R803" | "HO-S207" | "HO-R807", more: object = {}): State => ({
  state: "Failed",
  code,
  message: "x",
  attempt: 1,
  ...more,
});
export const own = {
  ...holder,
  kind: "RestoreRequest" as const,
  name: "back",
  uid: "back-uid",
  deadline: "2026-11-21T23:00:00Z",
};
export const closed = down({ holders: [{ ...own, exchanging: true }] });
export const times = { stopAt: "2026-11-21T00:59:00Z", goneAt: "2026-11-21T00:59:30Z" };
export const isDown: Story = { seen: closed, status: { workloads: stopped, times } };
