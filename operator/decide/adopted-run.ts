/**
 * A run that was made of a generation, because the records of it were lost. It starts nothing and stops nothing: its status is what the
 * policy has on record of the location, once. Its own annotation only says where to look, and whoever writes one by hand gets a
 * failed run.
 */
import { type NewCondition, setConditions } from "../api/conditions.ts";
import type { AdoptionRecord, BackupRun, PolicySpec, RunStatus } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import type { CatalogueEntry } from "../contract/result.ts";
import { parseGenerationId } from "../domain/generation.ts";
import { type Instant, formatInstant } from "../domain/instant.ts";
import { newsFor, pageOf } from "./adoption.ts";
import type { RunDecision, RunObservation } from "./run-observation.ts";
import { summariseRun } from "./run-summary.ts";
import { fail } from "./step.ts";

export const isAdopted = ({ run }: Pick<RunObservation, "run">): boolean =>
  run.metadata.annotations?.[annotations.adopted] !== undefined;

export function decideAdopted(seen: RunObservation, now: Instant): RunDecision {
  const { run, policy } = seen;
  const [location = "", id = ""] = (run.metadata.annotations?.[annotations.adopted] ?? "").split("/");
  const adoption = policy?.status?.adoption;
  const entry = adoption?.location === location ? pageOf(adoption).find((one) => one.id === id) : undefined;
  if (policy === undefined || entry === undefined) {
    const message = `no listing on record has ${id === "" ? "it" : id.slice(0, 64)} at ${location.slice(0, 32)}`;
    const step = fail({ name: "Accept", state: "Pending" }, now, "HO-K705", message);
    return { status: summariseRun(seen, { steps: [step] }, true, now), actions: [], events: [] };
  }
  const adopted: NewCondition = {
    type: "Adopted",
    status: "True",
    reason: "Adopted",
    message: `made of what lies at ${location}; of other locations it has what was seen there since`,
  };
  const draft: RunStatus = {
    policy: policyOf(entry, policy.spec),
    policyUID: entry.policyUID ?? policy.metadata.uid,
    seq: parseGenerationId(id)?.seq ?? 0,
    generation: generationOf(entry),
    copies: copiesOf(entry, location, policy.spec.sinks, now),
    steps: [],
    conditions: [...setConditions([], [adopted], run.metadata.generation ?? 1, formatInstant(now))],
  };
  return { status: summariseRun(seen, draft, true, now), actions: [], events: [] };
}

/** A later listing of another place: the copy there is added, or is not missing any more. All else stays as it is. */
export function addCopy(run: BackupRun, adoption: AdoptionRecord | undefined, now: Instant): RunStatus {
  const { status = {} } = run;
  const entry = newsFor(run, adoption);
  if (entry === undefined || adoption === undefined) return status;
  const { location } = adoption;
  const copies = status.copies ?? [];
  const [seen] = copiesOf(entry, location, status.policy?.sinks ?? [], now);
  const others = copies.filter((copy) => copy.location !== location);
  if (seen === undefined) return status;
  return { ...status, copies: location === "source" ? [seen, ...others] : [...others, seen] };
}

/** Never more than the generation is known to have: the policy may have been edited since it was made. */
function policyOf({ holds }: CatalogueEntry, spec: PolicySpec): PolicySpec {
  const { databases = [], volumes = [] } = holds ?? {};
  return {
    ...spec,
    databases: (spec.databases ?? []).filter(({ name }) => databases.includes(name)),
    volumes: (spec.volumes ?? []).filter((volume) =>
      volumes.some(({ name, claimName }) => name === volume.name && claimName === volume.claimName),
    ),
  };
}

const generationOf = (entry: CatalogueEntry): NonNullable<RunStatus["generation"]> => ({
  id: entry.id,
  type: entry.type,
  parent: entry.parent,
  consistency: entry.consistency,
  sealedAt: entry.sealedAt,
  bytes: entry.bytes,
  storedBytes: entry.storedBytes,
  files: entry.files,
  tables: entry.tables,
  manifestSHA256: entry.manifestSHA256,
});

/** Where it was seen; and each required sink, whose copy is missing until a run has checked it. Of the source nothing is said unless it was seen there. */
const copiesOf = (
  { verified }: CatalogueEntry,
  location: string,
  sinks: readonly { readonly name: string; readonly required: boolean }[],
  now: Instant,
): NonNullable<RunStatus["copies"]> => [
  {
    location,
    state: verified ? "Verified" : "Stored",
    required: location === "source" || sinks.find(({ name }) => name === location)?.required === true,
    time: formatInstant(now),
  },
  ...sinks
    .filter(({ name, required }) => required && name !== location)
    .map(({ name }) => ({ location: name, state: "Missing" as const, required: true })),
];
