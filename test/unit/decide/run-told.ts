/** Recorded steps of a run, and what is told of them. */
import type { BackupRun, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { summariseRun } from "../../../operator/decide/run-summary.ts";
import { aPolicy, aRun, aWorkload, anApp, at, settings } from "../../support/builders.ts";
import { type State, type Steps, names, stepsOf } from "./recorded-steps.ts";

export interface Story {
  readonly over?: boolean;
  readonly status?: RunStatus;
  readonly now?: string;
  readonly replicas?: number;
  readonly run?: ReturnType<typeof aRun>;
  readonly siblings?: readonly BackupRun[];
  /** Of the app as it is seen. */
  readonly workload?: string;
}

/** All before it are done; all after it are Pending. */
export const upTo = (last: string, state: State | Omit<StepRecord, "name">): Steps => ({
  ...Object.fromEntries(names.slice(0, names.indexOf(last) + 1).map((name) => [name, "Done" as const])),
  [last]: state,
});
export const allDone = stepsOf(upTo("Prune/vault", "Done"));
/** All after it are skipped. */
export const failedAt = (
  last: string,
  code: StepRecord["code"],
  more: Partial<StepRecord> = {},
): readonly StepRecord[] =>
  stepsOf(upTo(last, { state: "Failed", code: code!, message: "no way", ...more })).map((step) =>
    step.state === "Pending" ? { ...step, state: "Skipped" as const } : step,
  );
export const changed = (name: string, change: Partial<StepRecord>): readonly StepRecord[] =>
  allDone.map((step) => (step.name === name ? { ...step, ...change } : step));

export const workloads = [
  { kind: "Deployment" as const, name: "shop", uid: "shop-uid", replicas: 1, heldAt: "2026-11-21T01:00:00Z" },
];
export const before = [{ ...workloads[0]!, heldAt: undefined as never }];
export const stopped: RunStatus = {
  workloads,
  times: { stopAt: "2026-11-21T01:00:00Z" },
  policy: aPolicy().build().spec,
};
export const id = "000001-20261121T010203Z-full";
export const generation = { id, sealedAt: "2026-11-21T01:05:00Z", storedBytes: 600, files: 10, tables: 3 };
export type Copy = NonNullable<RunStatus["copies"]>[number];
export const copy = (location: string, state: Copy["state"], required = true): Copy => ({ location, state, required });
export const sealed: RunStatus = {
  ...stopped,
  generation,
  copies: [copy("source", "Verified"), copy("vault", "Verified")],
};

export function summarise(
  steps: readonly StepRecord[] | undefined,
  {
    over = false,
    status = {},
    now = "01:05",
    replicas = 1,
    run = aRun(),
    siblings = [],
    workload = "shop",
  }: Story = {},
): RunStatus {
  const app = anApp({ workloads: [aWorkload(workload).replicas(replicas).build()] });
  const seen = { run: run.build(), policy: undefined, siblings, restores: [], app, jobs: new Map(), settings };
  return summariseRun(seen, steps === undefined ? status : { ...status, steps: [...steps] }, over, at(now));
}
export const conditionsOf = ({ conditions = [] }: RunStatus): Readonly<Record<string, string>> =>
  Object.fromEntries(
    conditions.map(({ type, status, reason, message }) => [type, `${status} ${reason} ${message}`.trim()]),
  );
