/** What a run or a restore may say of the app: what it has done to it, or has seen. Of anything else that it is unknown. */
import type { ErrorCode } from "../api/codes.ts";
import type { HeldWorkload, PolicySpec, RunStatus } from "../api/kinds.ts";
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

/** A person has set it to no replicas, and there it stays. */
const isParked = (app: AppObservation, held: readonly HeldWorkload[]): boolean =>
  held.length > 0 &&
  held.every((item) => {
    const workload = app.workloads.get(workloadKey(item));
    return workload?.metadata.uid === item.uid && workload.spec.replicas === 0;
  });

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
  if (!isKnown || unreadyWorkloads(app, named).length > 0) return "Unknown";
  return isParked(app, named) ? "Parked" : "Up";
}

/** For whoever stops the app, before it does. */
export function judgeApp(app: AppObservation, held: readonly HeldWorkload[]): AppState {
  if (isHeld(app, held)) return "Unknown";
  if (isParked(app, held)) return "Parked";
  return unreadyWorkloads(app, held).length === 0 ? "Up" : "Down";
}

/**
 * For whoever has given it back. What was ready then counts as up: a node that does not answer for a moment is not what a run or a
 * restore has done to the app. Who leaves does not wait for it, and says no more than what is seen.
 */
export function appGivenBack(
  app: AppObservation,
  { workloads = [], times }: Pick<RunStatus, "workloads" | "times">,
): AppState {
  if (!isHeld(app, workloads) && isParked(app, workloads)) return "Parked";
  return times?.readyAt !== undefined || unreadyWorkloads(app, workloads).length === 0 ? "Up" : "Unknown";
}
