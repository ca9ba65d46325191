/**
 * Why an app must not be stopped. Asked when a run or a restore is accepted, and again when it takes hold of a workload and before it
 * is scaled: a restore may have waited for a person for days, and what was safe to stop then may not be any more.
 */
import type { ErrorCode } from "../api/codes.ts";
import type { Autoscaler, HeldWorkload, Workload } from "../api/kinds.ts";
import { type AppObservation, matchesSelector, runningPods, workloadKey } from "./app.ts";

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}
export const refuse = (code: ErrorCode, message: string): Refusal => ({ code, message });

type Target = Pick<HeldWorkload, "kind" | "name">;
interface Purpose {
  /** The claims of the volumes of the app. */
  readonly claims: ReadonlySet<string>;
  readonly restores: boolean;
}
type WorkloadCheck = (name: string, workload: Workload, purpose: Pick<Purpose, "restores">) => Refusal | undefined;

const wouldDeleteClaims: WorkloadCheck = (name, workload) =>
  workload.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === "Delete"
    ? refuse("HO-S202", `${name} deletes its claims when it is scaled down (whenScaled: Delete)`)
    : undefined;

const workloadOwned: WorkloadCheck = (name, workload) => {
  const owner = workload.metadata.ownerReferences?.find((reference) => reference.controller === true);
  return owner === undefined ? undefined : refuse("HO-S203", `${name} is controlled by ${owner.kind} ${owner.name}`);
};

const rolloutInProgress: WorkloadCheck = (name, workload, { restores }) => {
  // A broken app may be stuck in a rollout for ever, and is what a restore is asked for.
  if (restores) return undefined;
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
};

const workloadChecks: readonly WorkloadCheck[] = [wouldDeleteClaims, workloadOwned, rolloutInProgress];

/** What the workload itself says against being scaled to zero. */
export function refuseWorkload(
  { kind, name }: Target,
  workload: Workload,
  purpose: Pick<Purpose, "restores">,
): Refusal | undefined {
  if (workload.metadata.deletionTimestamp !== undefined) return refuse("HO-S201", `${kind} ${name} is being deleted`);
  for (const check of workloadChecks) {
    const refusal = check(`${kind} ${name}`, workload, purpose);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** A plain autoscaler rests while there are zero replicas; one that scales from zero does not, and KEDA beside its own does not. */
function refuseAutoscaler({ metadata, spec, status }: Autoscaler, target: string): Refusal | undefined {
  const keda = metadata.ownerReferences?.find(({ kind }) => kind === "ScaledObject");
  // KEDA takes its autoscaler away for as long as it is paused, so one that is there is not.
  if (keda !== undefined)
    return refuse(
      "HO-S205",
      `ScaledObject ${keda.name} of KEDA may start ${target} from zero; it rests while it has the annotation autoscaling.keda.sh/paused: "true" (with paused-replicas it would start the app again)`,
    );
  const fromZero =
    spec.minReplicas === 0 ||
    status?.conditions?.some(({ type, status: is }) => type === "ScaledToZero" && is === "True");
  return fromZero === true
    ? refuse(
        "HO-S205",
        `HorizontalPodAutoscaler ${metadata.name} may start ${target} from zero; it rests with spec.minReplicas of 1 or more`,
      )
    : undefined;
}

function autoscalerMayWake({ autoscalers }: AppObservation, { kind, name }: Target): Refusal | undefined {
  for (const autoscaler of autoscalers) {
    const { kind: ofKind, name: of } = autoscaler.spec.scaleTargetRef;
    const refusal = ofKind === kind && of === name ? refuseAutoscaler(autoscaler, `${kind} ${name}`) : undefined;
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function claimUsedByOthers(
  app: AppObservation,
  targets: readonly Target[],
  claims: ReadonlySet<string>,
): Refusal | undefined {
  const workloads = targets.flatMap((target) => app.workloads.get(workloadKey(target)) ?? []);
  const other = runningPods(app, [], claims).find(
    (pod) => !workloads.some((workload) => matchesSelector(pod, workload)),
  );
  return other === undefined
    ? undefined
    : refuse("HO-S206", `pod ${other.metadata.name} uses a claim of the app and belongs to none of its workloads`);
}

/** @param targets the workloads of the app @param of those that are going to be stopped now, all of them unless they are named */
export function refuseStop(
  app: AppObservation,
  targets: readonly Target[],
  purpose: Purpose,
  of: readonly Target[] = targets,
): Refusal | undefined {
  for (const target of of) {
    const workload = app.workloads.get(workloadKey(target));
    const refusal = workload === undefined ? undefined : refuseWorkload(target, workload, purpose);
    if (refusal !== undefined) return refusal;
  }
  for (const target of of) {
    const refusal = autoscalerMayWake(app, target);
    if (refusal !== undefined) return refusal;
  }
  return claimUsedByOthers(app, targets, purpose.claims);
}
