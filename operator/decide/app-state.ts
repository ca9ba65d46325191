/** What a run or a restore may say of the app: what it has done to it, or has seen. Of anything else that it is unknown. */
import type { ErrorCode } from "../api/codes.ts";
import type { PolicySpec, RunStatus } from "../api/kinds.ts";
import { type AppObservation, workloadKey } from "./app.ts";
import { parseRecord } from "./record.ts";
import { unreadyWorkloads } from "./giving-back.ts";

export type AppState = NonNullable<RunStatus["app"]>;

/** Refused because another run or a restore was active: nothing was tried, and whoever is active may stop the app at any moment. */
export const isBecauseOfAnother = (code: ErrorCode | "" | undefined): boolean =>
  code === "HO-P109" || code === "HO-R806";

/** Whether one of the workloads may be stopped at any moment, or is: by its quiesce record, of which an Intent touches nothing. */
const isHeld = (app: AppObservation, workloads: PolicySpec["app"]["workloads"]): boolean =>
  workloads.some((item) => {
    const lease = app.records.get(app.workloads.get(workloadKey(item))?.metadata.uid ?? "");
    return lease !== undefined && parseRecord(lease)?.state !== "Intent";
  });

/** Whether the run or the restore has begun to stop the app. */
export const hasStopped = ({ workloads = [] }: Pick<RunStatus, "workloads">): boolean =>
  workloads.some(({ heldAt }) => heldAt !== undefined);

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
