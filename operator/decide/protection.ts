/**
 * Whether what its runs have brought protects the app of a policy. Each type of run is judged by itself: an hourly dump that goes
 * well says nothing about the nightly full run.
 */
import { isFinished, isTrue } from "../api/conditions.ts";
import type { BackupPolicy, BackupRun, PolicySpec, PolicyStatus } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import { holdsVolumes, parseGenerationId, typeOf } from "../domain/generation.ts";
import { isBecauseOfAnother } from "./app-state.ts";
import { hasConfiguration } from "./capture-scope.ts";
import { counts } from "./copies.ts";

export interface Protection {
  readonly state: "Protected" | "AtRisk" | "Unprotected";
  readonly message: string;
  readonly lastComplete: PolicyStatus["lastComplete"];
  /** The runs that the state rests on. */
  readonly basis: readonly BackupRun[];
}

export const newestFirst = (runs: readonly BackupRun[]): readonly BackupRun[] =>
  runs.toSorted((a, b) => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? 1 : -1));

const isComplete = (run: BackupRun): boolean => run.status?.result === "Complete";

/** Refused because another was active, or for a slip in a request of a person: that says nothing about the policy. */
const saysNothing = ({ spec, status }: BackupRun): boolean =>
  isBecauseOfAnother(status?.code) ||
  (spec.scheduleName === undefined && (status?.code === "HO-P112" || status?.code === "HO-P108"));

/** What the policy asks for by now, and the run did not bring; for people. */
function lackingIn({ status }: BackupRun, { spec }: BackupPolicy): readonly string[] {
  const { policy, copies = [] } = status ?? {};
  const has = (list: readonly { readonly name: string }[] | undefined, name: string): boolean =>
    list?.some((part) => part.name === name) === true;
  const claimOf = (list: PolicySpec["volumes"], name: string) =>
    list?.find((volume) => volume.name === name)?.claimName;
  return [
    ...(spec.databases ?? []).filter(({ name }) => !has(policy?.databases, name)).map(({ name }) => `database ${name}`),
    ...(spec.volumes ?? [])
      .filter(({ name, claimName }) => claimOf(policy?.volumes, name) !== claimName)
      .map(({ name }) => `volume ${name}`),
    ...spec.sinks
      .filter(
        ({ name, required }) =>
          required && !copies.some((copy) => copy.location === name && counts(copy, status ?? {})),
      )
      .map(({ name }) => `copy at sink ${name}`),
  ];
}

/** The latest run for the state of the whole app, in full or as what differs; then the latest of those that dump the databases alone, then of those of the configuration. */
function latestOfEachType(policy: BackupPolicy, runs: readonly BackupRun[]): readonly BackupRun[] {
  // A record that was made of a generation says nothing of how runs go.
  const finished = newestFirst(
    runs.filter((run) => isFinished(run) && !saysNothing(run) && !isTrue(run.status?.conditions, "Adopted")),
  );
  const full = finished.find((run) => holdsVolumes(run.spec.type));
  const dump = finished.find((run) => run.spec.type === "Database");
  const scheduled = policy.spec.schedules?.some(({ type }) => type === "Database") === true;
  // A full run holds whatever a dump that nobody repeats would have held.
  const superseded = !scheduled && full !== undefined && full === finished[0] && isComplete(full);
  const config = hasConfiguration(policy.spec) ? finished.find((run) => run.spec.type === "Config") : undefined;
  // A look that found no change rests on the generation that it found, and is worth no more than its copies are.
  const unchanged = config?.status?.unchanged;
  const found = unchanged === undefined ? undefined : runs.find(({ status }) => status?.generation?.id === unchanged);
  return [full, superseded ? undefined : dump, config, found].filter((run) => run !== undefined);
}

const isOfVolumes = (id: string): boolean => {
  const type = typeOf(id);
  return type !== undefined && holdsVolumes(type);
};
/** What a newer release may make is not known to be less. */
const isOfApp = (id: string): boolean => typeOf(id) !== "Config";
const seqOf = (id: string | undefined): number => parseGenerationId(id ?? "")?.seq ?? 0;

const hasVolumes = ({ spec }: BackupPolicy): boolean => (spec.volumes ?? []).length > 0;

function lastCompleteOf(policy: BackupPolicy, runs: readonly BackupRun[]): PolicyStatus["lastComplete"] {
  const needsVolumes = hasVolumes(policy);
  const { lastComplete: known, observedGeneration } = policy.status ?? {};
  const candidates = [
    // The run that made it may be gone; but of a policy that was edited since, it is not known to have everything.
    ...(known !== undefined && observedGeneration === policy.metadata.generation && !isLost(known, runs)
      ? [known]
      : []),
    ...runs
      .filter((run) => isComplete(run) && lackingIn(run, policy).length === 0)
      .flatMap(({ metadata, status }) => {
        const { id, sealedAt } = status?.generation ?? {};
        return id === undefined ? [] : [{ run: metadata.name, generation: id, time: sealedAt ?? "" }];
      }),
  ];
  return candidates
    .filter(({ generation }) => (needsVolumes ? isOfVolumes(generation) : isOfApp(generation)))
    .toSorted((a, b) => seqOf(a.generation) - seqOf(b.generation))
    .at(-1);
}

/** Whether the run that made it is there and says that its copies do not count any more. */
const isLost = ({ generation }: NonNullable<PolicyStatus["lastComplete"]>, runs: readonly BackupRun[]): boolean =>
  runs.some((run) => run.status?.generation?.id === generation && !isComplete(run));

/** Why there is no generation that has all that the policy asks for. */
function whatIsMissing(policy: BackupPolicy, own: readonly BackupRun[], runs: readonly BackupRun[]): string {
  const needsVolumes = hasVolumes(policy);
  const full = newestFirst(own.filter(isComplete)).find(
    ({ spec }) => holdsVolumes(spec.type) || (spec.type === "Database" && !needsVolumes),
  );
  if (full !== undefined)
    return `generation ${full.status?.generation?.id} is complete, but has no ${lackingIn(full, policy).join(" and no ")}`;
  if (needsVolumes && own.some(({ status }) => status?.generation !== undefined))
    return "no complete generation with the volumes yet";
  const former = newestFirst(runs).find((run) => !isOf(policy)(run));
  if (former === undefined) return "no complete generation yet";
  const { namespace, name } = policy.metadata;
  return `no generation of this policy yet; those of the former policy ${name} are taken over with: kubectl -n ${namespace} annotate bpol ${name} ${annotations.adoptLineage}=${former.status?.policyUID}`;
}

/** Not of a former policy of the same name, whose generations are not its own. */
export const isOf =
  ({ metadata: { uid } }: BackupPolicy) =>
  ({ status }: Pick<BackupRun, "status">): boolean =>
    status?.policyUID === undefined || status.policyUID === uid;

export function judgeProtection(policy: BackupPolicy, all: readonly BackupRun[]): Protection {
  const runs = all.filter(isOf(policy));
  const basis = latestOfEachType(policy, runs);
  const lastComplete = lastCompleteOf(policy, runs);
  const isThere = lastComplete !== undefined || runs.some((run) => run.status?.generation !== undefined);
  const troubles = basis
    .filter((run) => !isComplete(run))
    .map(({ metadata, status }) => `${metadata.name}: ${status?.display?.message ?? ""}`);
  const good =
    lastComplete === undefined ? whatIsMissing(policy, runs, all) : `generation ${lastComplete.generation} is complete`;
  return {
    state: lastComplete !== undefined && troubles.length === 0 ? "Protected" : isThere ? "AtRisk" : "Unprotected",
    message: troubles.length > 0 ? troubles.join("; ") : good,
    lastComplete,
    basis,
  };
}
