/**
 * Why a run or a restore is refused before anything is stopped: an ordered list of small checks, each named after the
 * violation. The first refusal wins. Only what the API server knows is checked here; the mover's preflight checks the rest.
 */
import type { ErrorCode } from "../api/codes.ts";
import type { BackupPolicy, BackupRun, PolicySpec, RestoreRequest, RestoreSpec, Workload } from "../api/kinds.ts";
import { isFinished, isTrue } from "../api/conditions.ts";
import { claimTrouble, locationsOf, readableLocations } from "./locations.ts";
import { isIncluded } from "./restore-jobs.ts";
import { type AppObservation, isMover, matchesSelector, mountsClaim, workloadKey } from "./workload.ts";
import { isTerminated } from "./job-state.ts";

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface Candidate {
  /** BackupRun or RestoreRequest. */
  readonly uid: string;
  readonly created: string;
  readonly policyName: string;
  readonly policy: BackupPolicy | undefined;
  readonly app: AppObservation;
  /** Other runs and restores of the policy. */
  readonly runs: readonly BackupRun[];
  readonly restores: readonly RestoreRequest[];
  /** Whether the workloads will be stopped. */
  readonly stops: boolean;
  readonly sinks: readonly string[];
  readonly type: "Full" | "Database" | "Restore";
  /** What a restore asks for. */
  readonly asked?: Pick<RestoreSpec, "from" | "include">;
}

type Check = (seen: Candidate, spec: PolicySpec) => Refusal | undefined;

const refuse = (code: ErrorCode, message: string): Refusal => ({ code, message });

const workloadsOf = (
  seen: Candidate,
  spec: PolicySpec,
): readonly (readonly [PolicySpec["app"]["workloads"][number], Workload | undefined])[] =>
  seen.stops ? spec.app.workloads.map((item) => [item, seen.app.workloads.get(workloadKey(item))]) : [];

const eachWorkload =
  (check: (name: string, workload: Workload, seen: Candidate) => Refusal | undefined): Check =>
  (seen, spec) => {
    for (const [item, workload] of workloadsOf(seen, spec)) {
      const refusal = workload === undefined ? undefined : check(`${item.kind} ${item.name}`, workload, seen);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  };

const nothingToCapture: Check = (seen, spec) =>
  seen.type === "Database" && (spec.databases ?? []).length === 0
    ? refuse("HO-P108", "the run has type Database, but the policy names no databases")
    : undefined;

const sinkUnknown: Check = (seen, spec) => {
  const missing = seen.sinks.find((name) => !spec.sinks.some((sink) => sink.name === name));
  return missing === undefined ? undefined : refuse("HO-P112", `the policy has no sink ${missing}`);
};

/** The older one goes on; of the same age, the one whose uid sorts first. */
const comesBefore = (other: BackupRun | RestoreRequest, seen: Candidate): boolean => {
  const created = other.metadata.creationTimestamp ?? "";
  return created < seen.created || (created === seen.created && other.metadata.uid < seen.uid);
};
const isActive = (other: BackupRun | RestoreRequest, seen: Candidate): boolean =>
  other.metadata.uid !== seen.uid &&
  !isFinished(other) &&
  (isTrue(other.status?.conditions, "Accepted") || comesBefore(other, seen));

const anotherRunActive: Check = (seen) => {
  const other = seen.runs.find((run) => isActive(run, seen));
  if (other === undefined) return undefined;
  return refuse(seen.type === "Restore" ? "HO-R806" : "HO-P109", `run ${other.metadata.name} of this policy is active`);
};

const restoreActive: Check = (seen) => {
  // A plan that waits for a person changes nothing and blocks nothing.
  const other = seen.restores.find((restore) => isActive(restore, seen) && !restore.spec.planOnly);
  return other === undefined ? undefined : refuse("HO-R806", `restore ${other.metadata.name} of this policy is active`);
};

const claimMissing: Check = (seen, spec) => {
  if (seen.type === "Restore") return undefined;
  const volumes = seen.type === "Database" ? [] : (spec.volumes ?? []);
  const wanted = [
    spec.store.claimName,
    ...spec.sinks
      .filter(({ name }) => seen.sinks.length === 0 || seen.sinks.includes(name))
      .map((sink) => sink.claim.claimName),
    ...volumes.map((volume) => volume.claimName),
  ];
  for (const name of wanted) {
    const trouble = claimTrouble(name, seen.app.claims);
    if (trouble !== undefined) return trouble;
    // A store or sink that waits for its first pod is bound by the preflight; a volume of the app has to hold data already.
    if (seen.app.claims.get(name)?.status?.phase !== "Bound" && volumes.some((volume) => volume.claimName === name))
      return refuse("HO-P103", `PersistentVolumeClaim ${name} is not bound`);
  }
  return undefined;
};

/** A restore reads one location, and any will do unless one is named: it is for the day on which the others are gone. */
const noLocationLeft: Check = (seen, spec) => {
  if (seen.type !== "Restore") return undefined;
  const { claims } = seen.app;
  const locations = locationsOf(spec, seen.asked?.from.location);
  if (readableLocations(locations, claims).length > 0) return undefined;
  const troubles = locations.flatMap(({ claimName }) => claimTrouble(claimName, claims) ?? []);
  return refuse(troubles[0]?.code ?? "HO-P102", troubles.map(({ message }) => message).join(", "));
};

/** Of a restore: where the state is brought back to. A claim made anew is bound by the first pod that mounts it, the one of the plan. */
const targetMissing: Check = (seen, spec) => {
  if (seen.type !== "Restore") return undefined;
  const [trouble] = (spec.volumes ?? [])
    .filter(({ name }) => isIncluded("volumes", name, seen.asked ?? {}))
    .flatMap(({ claimName }) => claimTrouble(claimName, seen.app.claims) ?? []);
  return trouble;
};

const workloadMissing: Check = (seen, spec) => {
  // A restore is for the day on which things are gone: what does not exist need not be stopped.
  if (seen.type === "Restore") return undefined;
  const missing = workloadsOf(seen, spec).find(
    ([, workload]) => workload === undefined || workload.metadata.deletionTimestamp !== undefined,
  );
  return missing === undefined ? undefined : refuse("HO-S201", `${missing[0].kind} ${missing[0].name} does not exist`);
};

const wouldDeleteClaims = eachWorkload((name, workload) =>
  workload.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === "Delete"
    ? refuse("HO-S202", `${name} deletes its claims when it is scaled down (whenScaled: Delete)`)
    : undefined,
);

const workloadOwned = eachWorkload((name, workload) => {
  const owner = workload.metadata.ownerReferences?.find((reference) => reference.controller === true);
  return owner === undefined ? undefined : refuse("HO-S203", `${name} is controlled by ${owner.kind} ${owner.name}`);
});

const rolloutInProgress = eachWorkload((name, workload, seen) => {
  // A broken app may be stuck in a rollout for ever, and is what a restore is asked for.
  if (seen.type === "Restore") return undefined;
  const wanted = workload.spec.replicas ?? 1;
  if (wanted === 0) return undefined;
  const { observedGeneration = 0, updatedReplicas = 0, replicas = 0 } = workload.status ?? {};
  const settled =
    observedGeneration >= (workload.metadata.generation ?? 0) && updatedReplicas >= wanted && replicas <= wanted;
  return settled
    ? undefined
    : refuse(
        "HO-S204",
        `${name} is in a rollout: ${updatedReplicas} of ${wanted} replicas are up to date, ${replicas} exist`,
      );
});

const autoscalerMayWake: Check = (seen, spec) => {
  for (const [item] of workloadsOf(seen, spec)) {
    const found = seen.app.autoscalers.find(
      ({ spec: { scaleTargetRef: target, minReplicas }, metadata }) =>
        target.kind === item.kind &&
        target.name === item.name &&
        // At zero replicas a plain autoscaler rests; one that scales from zero, and KEDA's, do not.
        (minReplicas === 0 || metadata.ownerReferences?.some((owner) => owner.kind === "ScaledObject") === true),
    );
    if (found !== undefined)
      return refuse(
        "HO-S205",
        `HorizontalPodAutoscaler ${found.metadata.name} may start ${item.kind} ${item.name} from zero`,
      );
  }
  return undefined;
};

const claimUsedByOthers: Check = (seen, spec) => {
  if (!seen.stops) return undefined;
  const claims = new Set((spec.volumes ?? []).map((volume) => volume.claimName));
  const workloads = workloadsOf(seen, spec).flatMap(([, workload]) => (workload === undefined ? [] : [workload]));
  const other = seen.app.pods.find(
    (pod) =>
      !isMover(pod) &&
      !isTerminated(pod) &&
      mountsClaim(pod, claims) &&
      !workloads.some((workload) => matchesSelector(pod, workload)),
  );
  return other === undefined
    ? undefined
    : refuse("HO-S206", `pod ${other.metadata.name} uses a claim of the app and belongs to none of its workloads`);
};

const checks: readonly Check[] = [
  nothingToCapture,
  sinkUnknown,
  anotherRunActive,
  restoreActive,
  claimMissing,
  noLocationLeft,
  targetMissing,
  workloadMissing,
  wouldDeleteClaims,
  workloadOwned,
  rolloutInProgress,
  autoscalerMayWake,
  claimUsedByOthers,
];

export function checkCandidate(seen: Candidate): Refusal | undefined {
  const { policy } = seen;
  if (policy === undefined || policy.metadata.deletionTimestamp !== undefined)
    return refuse("HO-P101", `BackupPolicy ${seen.policyName} does not exist`);
  for (const check of checks) {
    const refusal = check(seen, policy.spec);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}
