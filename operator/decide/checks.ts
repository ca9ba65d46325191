/**
 * Why a run or a restore is refused before anything is stopped: an ordered list of small checks, each named after the
 * violation. The first refusal wins. Only what the API server knows is checked here; the mover's preflight checks the rest.
 */
import type { BackupPolicy, BackupRun, PolicySpec, RestoreRequest, RestoreSpec, Workload } from "../api/kinds.ts";
import { isFinished, isTrue } from "../api/conditions.ts";
import { type GenerationType, needsBase } from "../domain/generation.ts";
import { claimTrouble, locationsOf, readableLocations, volumeClaims } from "./locations.ts";
import { isIncluded } from "./restore-jobs.ts";
import { type Refusal, refuse, refuseStop } from "./stop-checks.ts";
import { capturedVolumes, hasConfiguration } from "./capture-scope.ts";
import { type AppObservation, workloadKey } from "./app.ts";

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
  readonly type: GenerationType | "Restore";
  /** What a restore asks for. */
  readonly asked?: Pick<RestoreSpec, "from" | "include">;
}

type Check = (seen: Candidate, spec: PolicySpec) => Refusal | undefined;

const workloadsOf = (
  seen: Candidate,
  spec: PolicySpec,
): readonly (readonly [PolicySpec["app"]["workloads"][number], Workload | undefined])[] =>
  seen.stops ? spec.app.workloads.map((item) => [item, seen.app.workloads.get(workloadKey(item))]) : [];

const nothingToCapture: Check = ({ type }, spec) => {
  const { databases = [], volumes = [] } = spec;
  if (type === "Database" && databases.length === 0)
    return refuse("HO-P108", "the run has type Database, but the policy names no databases");
  if (type === "Config" && !hasConfiguration(spec))
    return refuse("HO-P108", "the run has type Config, but the policy names no configuration");
  return type !== "Restore" && needsBase(type) && volumes.length === 0
    ? refuse("HO-P108", `the run has type ${type}, but the policy names no volumes: use type Full or Database`)
    : undefined;
};

const sinkUnknown: Check = (seen, spec) => {
  const missing = seen.sinks.find((name) => !spec.sinks.some((sink) => sink.name === name));
  return missing === undefined ? undefined : refuse("HO-P112", `the policy has no sink ${missing}`);
};

/** The older one goes on; of the same age, the one whose uid sorts first. */
const comesBefore = (other: BackupRun | RestoreRequest, seen: Candidate): boolean => {
  const created = other.metadata.creationTimestamp ?? "";
  return created < seen.created || (created === seen.created && other.metadata.uid < seen.uid);
};
/** One that works, else one that is older and not yet judged. */
function activeOf<T extends BackupRun | RestoreRequest>(others: readonly T[], seen: Candidate): T | undefined {
  const open = others.filter((other) => other.metadata.uid !== seen.uid && !isFinished(other));
  return (
    open.find(({ status }) => isTrue(status?.conditions, "Accepted")) ?? open.find((other) => comesBefore(other, seen))
  );
}

const anotherRunActive: Check = (seen) => {
  const other = activeOf(seen.runs, seen);
  if (other === undefined) return undefined;
  return refuse(seen.type === "Restore" ? "HO-R806" : "HO-P109", `run ${other.metadata.name} of this policy is active`);
};

const restoreActive: Check = (seen) => {
  // A plan that waits for a person changes nothing and blocks nothing.
  const other = activeOf(
    seen.restores.filter(({ spec }) => !spec.planOnly),
    seen,
  );
  return other === undefined ? undefined : refuse("HO-R806", `restore ${other.metadata.name} of this policy is active`);
};

const claimMissing: Check = (seen, spec) => {
  if (seen.type === "Restore") return undefined;
  const volumes = capturedVolumes(seen.type, spec);
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

/** The movers read, and a restore writes, beside the running app; else its downtime would grow with its volumes. */
const claimUnmountable: Check = (seen, spec) => {
  const { type, asked = {} } = seen;
  const volumes =
    type === "Restore"
      ? (spec.volumes ?? []).filter(({ name }) => isIncluded("volumes", name, asked))
      : capturedVolumes(type, spec);
  for (const { claimName } of volumes) {
    const claim = seen.app.claims.get(claimName);
    if (claim?.spec.accessModes?.includes("ReadWriteOncePod") === true)
      return refuse("HO-P115", `PersistentVolumeClaim ${claimName} is ReadWriteOncePod: no second pod can mount it`);
    if (claim?.spec.volumeMode === "Block")
      return refuse("HO-P115", `PersistentVolumeClaim ${claimName} is a block device, it has no files`);
  }
  return undefined;
};

const workloadMissing: Check = (seen, spec) => {
  // A restore is for the day on which things are gone: what does not exist need not be stopped.
  if (seen.type === "Restore") return undefined;
  const missing = workloadsOf(seen, spec).find(([, workload]) => workload === undefined);
  return missing === undefined ? undefined : refuse("HO-S201", `${missing[0].kind} ${missing[0].name} does not exist`);
};

/** What stands against stopping the app, now as in the moment in which it is taken hold of. */
const unstoppable: Check = (seen, spec) =>
  seen.stops
    ? refuseStop(seen.app, spec.app.workloads, {
        claims: volumeClaims(spec),
        restores: seen.type === "Restore",
      })
    : undefined;

const checks: readonly Check[] = [
  nothingToCapture,
  sinkUnknown,
  anotherRunActive,
  restoreActive,
  claimMissing,
  noLocationLeft,
  targetMissing,
  workloadMissing,
  claimUnmountable,
  unstoppable,
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
