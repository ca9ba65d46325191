/** What a pass sees of the app: its workloads, their records, its claims, and every pod of the namespace. */
import type { Autoscaler, Claim, HeldWorkload, Lease, Pod, Workload } from "../api/kinds.ts";
import { labels } from "../api/names.ts";
import { type Instant, parseInstant } from "../domain/instant.ts";
import { isTerminated } from "./job-state.ts";

export interface AppObservation {
  /** By `<kind>/<name>`. */
  readonly workloads: ReadonlyMap<string, Workload>;
  /** Quiesce records by the uid of their workload. */
  readonly records: ReadonlyMap<string, Lease>;
  readonly claims: ReadonlyMap<string, Claim>;
  readonly autoscalers: readonly Autoscaler[];
  /** Every pod of the namespace, read live. */
  readonly pods: readonly Pod[];
  /** By uid: pods that are gone, as they were when they went, as far as that is known. */
  readonly lastStates: ReadonlyMap<string, Pod>;
}

export const workloadKey = (of: { readonly kind: string; readonly name: string }): string => `${of.kind}/${of.name}`;

export function matchesSelector(pod: Pod, workload: Workload): boolean {
  const own = pod.metadata.labels ?? {};
  const { matchLabels = {}, matchExpressions = [] } = workload.spec.selector;
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) return false;
  return (
    Object.entries(matchLabels).every(([key, value]) => own[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = own[key];
      if (operator === "Exists") return value !== undefined;
      if (operator === "DoesNotExist") return value === undefined;
      if (operator === "In") return value !== undefined && values.includes(value);
      return value === undefined || !values.includes(value);
    })
  );
}

export const mountsClaim = (pod: Pod, claims: ReadonlySet<string>): boolean =>
  pod.spec.volumes?.some(
    (volume) => volume.persistentVolumeClaim !== undefined && claims.has(volume.persistentVolumeClaim.claimName),
  ) ?? false;

/** A pod of a Job of Handover: it may use the claims of the app, because it never does so with an app that it does not know stopped. */
export const isMover = (pod: Pod): boolean =>
  pod.metadata.labels?.[labels.owner] !== undefined && pod.metadata.labels[labels.step] !== undefined;

/** Pods that can touch the app's data, or could when they ran. */
function podsOf(app: AppObservation, held: readonly HeldWorkload[], claims: ReadonlySet<string>): readonly Pod[] {
  const workloads = held
    .map((workload) => app.workloads.get(workloadKey(workload)))
    .filter((workload) => workload !== undefined);
  return app.pods.filter(
    (pod) =>
      !isMover(pod) && (mountsClaim(pod, claims) || workloads.some((workload) => matchesSelector(pod, workload))),
  );
}

/** Pods that still may touch the app's data. A pod on a node that does not answer has containers without an end, so it counts. */
export const runningPods = (...of: Parameters<typeof podsOf>): readonly Pod[] =>
  podsOf(...of).filter((pod) => !isTerminated(pod));

/**
 * Pods that run or have run since a moment, as one of a CronJob that came and went while nobody looked. The API server tells in whole
 * seconds when a pod was made, so one of the same second does not count: it is more likely the app's last.
 */
export const podsSince = (moment: Instant, ...of: Parameters<typeof podsOf>): readonly Pod[] =>
  podsOf(...of).filter(
    (pod) => !isTerminated(pod) || (parseInstant(pod.metadata.creationTimestamp) ?? -Infinity) > moment,
  );
