/** What a run or a restore may say of the app: what it has done to it, or has seen. Of anything else that it is unknown. */
import type { ErrorCode } from "../api/codes.ts";
import type { PolicySpec, RunStatus } from "../api/kinds.ts";
import { type AppObservation, workloadKey } from "./app.ts";
import { unreadyWorkloads } from "./workload.ts";

export type AppState = NonNullable<RunStatus["app"]>;

/** Refused because another run or a restore was active: nothing was tried, and whoever is active may stop the app at any moment. */
export const isBecauseOfAnother = (code: ErrorCode | "" | undefined): boolean =>
  code === "HO-P109" || code === "HO-R806";

/** Whether a quiesce record is on one of the workloads. */
const isHeld = (app: AppObservation, workloads: PolicySpec["app"]["workloads"]): boolean =>
  workloads.some((item) => app.records.has(app.workloads.get(workloadKey(item))?.metadata.uid ?? ""));

/** For whoever takes no charge of the app: up if each workload is seen to be; nothing more is claimed. */
export function seeApp(app: AppObservation, policy: PolicySpec | undefined): AppState {
  const workloads = policy?.app.workloads ?? [];
  const named = workloads.flatMap((item) => {
    const workload = app.workloads.get(workloadKey(item));
    return workload === undefined
      ? []
      : [{ ...item, uid: workload.metadata.uid, replicas: workload.spec.replicas ?? 1 }];
  });
  const isKnown = workloads.length > 0 && named.length === workloads.length && !isHeld(app, workloads);
  return isKnown && unreadyWorkloads(app, named).length === 0 ? "Up" : "Unknown";
}

/** For whoever stops the app, before it does or when it has given it back. */
export function judgeApp(app: AppObservation, held: NonNullable<RunStatus["workloads"]>): AppState {
  if (isHeld(app, held)) return "Unknown";
  return unreadyWorkloads(app, held).length === 0 ? "Up" : "Down";
}
