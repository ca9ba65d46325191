/**
 * Adoption: runs are made of the generations at one location, after the records of them were lost. A Job lists them, a page at a time;
 * the page is on record in the policy before a run is made of it, and a run believes that record alone. Nothing that is there is
 * overwritten, and nothing is removed at any place.
 */
import type { ErrorCode } from "../api/codes.ts";
import type { AdoptionRecord, BackupPolicy, BackupRun, Job, Pod, StepRecord } from "../api/kinds.ts";
import { isFinished, isTrue } from "../api/conditions.ts";
import { annotations, labels } from "../api/names.ts";
import type { CatalogueEntry } from "../contract/result.ts";
import { parseGenerationId } from "../domain/generation.ts";
import { type Instant, formatInstant } from "../domain/instant.ts";
import { count } from "../domain/quantities.ts";
import { type Action, type DomainEvent, type JobManifest, type Settings } from "./decision.ts";
import { buildJob } from "./job-spec.ts";
import { resultOf } from "./job-state.ts";
import { adoptionIn, identitiesOf, locationRef, ownerOf } from "./run-jobs.ts";
import { advanceStep, resultsOf } from "./step.ts";
import { clip } from "../domain/text.ts";

/** What is looked at for it, only while something is asked for. */
export interface AdoptionWorld {
  readonly jobs: ReadonlyMap<string, Job>;
  readonly pods: readonly Pod[];
  readonly settings: Settings;
}

export interface AdoptionMove {
  readonly adoption?: AdoptionRecord;
  readonly actions: readonly Action[];
  readonly events: readonly DomainEvent[];
  readonly wakeAfter?: number | undefined;
}

interface Seen {
  readonly policy: BackupPolicy;
  readonly runs: readonly BackupRun[];
  readonly takenNames: ReadonlySet<string>;
  readonly adoption?: AdoptionWorld | undefined;
}

const requestIn = ({ metadata }: BackupPolicy): string =>
  metadata.annotations?.[annotations.adopt]?.trim().slice(0, 250) ?? "";

/** Whether Jobs have to be looked at. */
export const isAdopting = (policy: BackupPolicy): boolean => {
  const known = policy.status?.adoption;
  const request = requestIn(policy);
  return known?.step !== undefined || (request !== "" && request !== known?.request);
};

export const pageOf = (adoption: AdoptionRecord | undefined): readonly CatalogueEntry[] =>
  resultOf(resultsOf(adoption?.step), "catalogue")?.entries ?? [];

export function decideAdoption(seen: Seen, now: Instant): AdoptionMove {
  const { policy, adoption: world } = seen;
  const known = policy.status?.adoption;
  const request = requestIn(policy);
  const stay: AdoptionMove = { ...(known === undefined ? {} : { adoption: known }), actions: [], events: [] };
  if (world === undefined) return stay;
  if (known?.state === "Listing" && known.request !== request)
    return end(known, "Failed", now, "HO-X003", "it was not asked for any more", removalOf(known, world));
  const record = request !== "" && known?.request !== request ? begin(policy, request, now) : known;
  if (record === undefined) return stay;
  if (record.state !== "Listing") return { ...stay, ...forget(record, world) };

  const step = record.step ?? pageStep(record);
  if (step.state !== "Done") {
    const build = (name: string): JobManifest => buildCatalogueJob(name, step, record, policy, world.settings);
    const move = advanceStep(
      step,
      { attempts: 3, build, describe: () => "" },
      { ownerName: policy.metadata.name, ownerUID: policy.metadata.uid, jobs: world.jobs, pods: world.pods, now },
    );
    const next = { ...record, step: move.step };
    if (move.step.state === "Failed")
      return end(next, "Failed", now, move.step.code ?? "HO-X001", move.step.message ?? "", move.actions);
    const again = move.step.state === "Done" ? 0 : move.wakeAfter;
    return { adoption: next, actions: move.actions, events: [], wakeAfter: again };
  }
  return makeRuns(seen, { ...record, step }, world, now);
}

/** Of the page that is on record: what has no run gets one; when all have, the next page is asked for. */
function makeRuns(seen: Seen, record: AdoptionRecord, world: AdoptionWorld, now: Instant): AdoptionMove {
  const page = resultOf(resultsOf(record.step), "catalogue");
  if (page === undefined)
    return end(record, "Failed", now, "HO-X001", "the listing has no result that can be read", []);
  const clean = removalOf(record, world);
  const open = page.entries.filter(({ id }) => !seen.runs.some((run) => run.status?.generation?.id === id));
  const missing = open.filter(
    ({ id }) => !seen.runs.some((run) => isMadeOf(run, record.location, id) && !isFinished(run)),
  );
  const mine = new Set<string>();
  const creations: Action[] = [];
  for (const entry of missing) {
    const name = nameFor(entry, record, seen, mine);
    if (name === undefined)
      return end(record, "Failed", now, "HO-K705", `the names of runs for ${entry.id} are taken by others`, clean);
    mine.add(name);
    creations.push({
      do: "createRun",
      name,
      labels: { [labels.policy]: seen.policy.metadata.name },
      annotations: {
        [annotations.adopted]: markOf(record, entry.id),
        // Without it nothing would be held any more: of a run that exists, the annotation decides.
        ...(entry.hold === undefined ? {} : { [annotations.hold]: `${entry.hold.until} ${entry.hold.reason}` }),
      },
      spec: { policyName: seen.policy.metadata.name, type: entry.type, sinks: [] },
    });
  }
  // The page stays on record until each run that it tells something new has taken that over.
  const isBehind = page.entries.some((entry) => seen.runs.some((run) => lacksCopy(run, record.location, entry)));
  if (open.length > 0 || isBehind)
    return { adoption: record, actions: [...clean, ...creations], events: [], wakeAfter: 5_000 };
  const made = page.entries.filter(({ id }) =>
    seen.runs.some(({ metadata }) => metadata.annotations?.[annotations.adopted] === markOf(record, id)),
  ).length;
  const next: AdoptionRecord = {
    ...record,
    found: page.total,
    broken: page.broken,
    adopted: (record.adopted ?? 0) + made,
    after: page.entries.at(-1)?.id ?? record.after ?? "",
  };
  if (!page.more) {
    const unread = page.broken === 0 ? "" : `; ${count(page.broken, "directory")} there cannot be read as a generation`;
    const there = Math.max(0, page.total - (next.adopted ?? 0));
    const before = there === 0 ? "" : `, ${there} had one before`;
    const text = `${count(next.adopted ?? 0, "run")} made of ${count(page.total, "generation")} at ${record.location}${before}${unread.replace("directorys", "directories")}`;
    return end(next, "Done", now, undefined, text, clean);
  }
  const following = { ...next, serial: (record.serial ?? 1) + 1 };
  return { adoption: { ...following, step: pageStep(following) }, actions: clean, events: [], wakeAfter: 0 };
}

/** With the number of the listing, so that what was made of it is told apart from what was there. */
const markOf = ({ location, serial }: AdoptionRecord, id: string): string => `${location}/${id}/${serial ?? 1}`;

const isMadeOf = ({ metadata }: BackupRun, location: string, id: string): boolean =>
  `${metadata.annotations?.[annotations.adopted] ?? ""}/`.startsWith(`${location}/${id}/`);

/**
 * Whether a run that was made of the generation, as it lies at another place, does not know yet that it lies here as well. One that has
 * captured it knows more than any listing, and another manifest is another generation.
 */
export function lacksCopy({ metadata, status }: BackupRun, location: string, entry: CatalogueEntry): boolean {
  const { generation, copies = [], conditions } = status ?? {};
  if (metadata.deletionTimestamp !== undefined || !isTrue(conditions, "Adopted")) return false;
  if (generation?.id !== entry.id || generation.manifestSHA256 !== entry.manifestSHA256) return false;
  const copy = copies.find((one) => one.location === location);
  return copy === undefined || (copy.state === "Missing" && copy.code === undefined);
}

/** What the page on record tells a run of a place that it was not made of. */
export function newsFor(run: BackupRun, adoption: AdoptionRecord | undefined): CatalogueEntry | undefined {
  const location = adoption?.location ?? "";
  return pageOf(adoption).find((entry) => lacksCopy(run, location, entry));
}

/** `<policy>-<number>`; where that name is another's, with the number of the listing. */
function nameFor(
  { id }: CatalogueEntry,
  { serial }: AdoptionRecord,
  { policy, runs, takenNames }: Seen,
  mine: ReadonlySet<string>,
): string | undefined {
  const short = `${policy.metadata.name}-${id.slice(0, 6)}`;
  return [short, `${short}-${serial ?? 1}`].find(
    (name) => !takenNames.has(name) && !mine.has(name) && !runs.some(({ metadata }) => metadata.name === name),
  );
}

function begin(policy: BackupPolicy, request: string, now: Instant): AdoptionRecord {
  const location = request.split(/\s+/)[0] ?? "";
  const places = ["source", ...policy.spec.sinks.map(({ name }) => name)];
  const record: AdoptionRecord = {
    request,
    location,
    state: "Listing",
    serial: (policy.status?.adoption?.serial ?? 0) + 1,
    after: "",
    adopted: 0,
    message: `what lies at ${location} is listed`,
  };
  if (places.includes(location)) return { ...record, step: pageStep(record) };
  const message = `the policy has no location ${location.slice(0, 40)}; it has ${places.join(", ")}`;
  return { ...record, state: "Failed", finishedAt: formatInstant(now), code: "HO-K705", message };
}

/** Its number is in the name of the Job, so that no Job of another page or of an older request is taken for its. */
const pageStep = ({ location, serial }: AdoptionRecord): StepRecord => ({
  name: `Catalogue/${location}/${serial ?? 1}`,
  state: "Pending",
});

function end(
  record: AdoptionRecord,
  state: "Done" | "Failed",
  now: Instant,
  code: ErrorCode | undefined,
  message: string,
  actions: readonly Action[],
): AdoptionMove {
  const { code: _code, ...rest } = record;
  return {
    adoption: {
      ...rest,
      state,
      finishedAt: formatInstant(now),
      ...(code === undefined ? {} : { code }),
      message: clip(message, 900),
    },
    actions,
    events: [
      state === "Done"
        ? { type: "Normal", reason: "Adopted", message }
        : { type: "Warning", reason: "AdoptionFailed", message: `${code} ${message}` },
    ],
  };
}

/** Once it is over, its page is of no more use; but as long as its Job is there, it says so. One that has failed stays for its log. */
function forget(record: AdoptionRecord, world: AdoptionWorld): Pick<AdoptionMove, "adoption" | "actions"> {
  const { step, ...rest } = record;
  const isLeft = step?.job !== undefined && step.state !== "Failed" && world.jobs.has(step.job);
  return isLeft ? { adoption: record, actions: removalOf(record, world) } : { adoption: rest, actions: [] };
}

/** A Job whose word is on record, or is not asked for any more. */
function removalOf({ step }: AdoptionRecord, { jobs }: AdoptionWorld): readonly Action[] {
  const job = step?.job === undefined ? undefined : jobs.get(step.job);
  return job === undefined || job.metadata.deletionTimestamp !== undefined
    ? []
    : [{ do: "deleteJob", name: job.metadata.name, uid: job.metadata.uid }];
}

function buildCatalogueJob(
  name: string,
  step: StepRecord,
  { location, after }: AdoptionRecord,
  policy: BackupPolicy,
  settings: Settings,
): JobManifest {
  const { metadata, spec, status } = policy;
  const sink = spec.sinks.find((candidate) => candidate.name === location);
  return buildJob({
    name,
    namespace: metadata.namespace,
    // The controller may not write to policies, so it may not block their deletion either.
    owner: { ...ownerOf("BackupPolicy", metadata), blockOwnerDeletion: false },
    policy: metadata.name,
    step: step.name,
    deadlineSeconds: 900,
    tasks: [
      {
        version: 1,
        namespace: metadata.namespace,
        policy: metadata.name,
        policyUID: metadata.uid,
        run: "",
        runUID: metadata.uid,
        step: "catalogue",
        ...adoptionIn(metadata.annotations),
        location: locationRef(location, identitiesOf(status?.locations ?? [])),
        verify: sink?.verify ?? "Full",
        after: parseGenerationId(after ?? "") === undefined ? "" : (after ?? ""),
      },
    ],
    mounts:
      sink === undefined
        ? { store: { claimName: spec.store.claimName, readOnly: true } }
        : { sinks: [{ name: sink.name, claimName: sink.claim.claimName, readOnly: true }] },
    mover: spec.mover,
    settings,
  });
}
