/** What the runs of a namespace know of its generations: where each lies, on what it is based, from where it can be restored. Pure. */
import type { BackupRun } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import { type GenerationType, generationTypes, parseGenerationId, timeOf, typeOf } from "../domain/generation.ts";
import { type Hold, endOfTakenBack, parseHold } from "../domain/holds.ts";
import { type Instant, parseInstant } from "../domain/instant.ts";
import { type PlaceRecord, recordAt } from "./retention-record.ts";

type RecordedCopy = NonNullable<NonNullable<BackupRun["status"]>["copies"]>[number];

export interface Copy {
  readonly location: string;
  readonly state: RecordedCopy["state"];
  readonly required: boolean;
  readonly time: string | undefined;
  readonly code: string | undefined;
  /** The check that is asked for there is done. */
  readonly counts: boolean;
}

export interface Generation {
  readonly namespace: string;
  readonly policy: string;
  readonly id: string;
  readonly seq: number;
  readonly type: string;
  /** Empty for one that stands alone. */
  readonly parent: string;
  /** What it is based on, oldest first, without itself. */
  readonly chain: readonly string[];
  /** What of the chain no run knows any more. */
  readonly unknownInChain: readonly string[];
  /** The moment the state is of. */
  readonly time: Instant | undefined;
  readonly copies: readonly Copy[];
  /** Where it and all that it is based on count. In the order in which a restore asks them. */
  readonly restorableFrom: readonly string[];
  /** In the annotation of its run. */
  readonly hold: Hold | undefined;
  /** Where a prune has taken it back out of the trash, and holds it until then. */
  readonly takenBack: readonly (Hold & { readonly location: string })[];
  readonly run: BackupRun;
}

/** `full` as in an id, or as a person types it. */
export const typeNamed = (word: string): GenerationType | undefined =>
  generationTypes.find((type) => type.toLowerCase() === word.toLowerCase());

/** Of a copy that is whole itself, while what it is based on is not. */
const chainBroken = "HO-V603";

/** A sink that asks for less than every byte has its check done with the step, and its copy stays Stored. */
function countsAt(copy: RecordedCopy, { status }: BackupRun): boolean {
  if (copy.state === "Verified") return true;
  const mode = status?.policy?.sinks.find((sink) => sink.name === copy.location)?.verify;
  if (copy.state !== "Stored" || copy.code === chainBroken || mode === undefined || mode === "Full") return false;
  // A later run has done it, or its own.
  return (
    copy.code === "" ||
    status?.steps?.some((step) => step.name === `Verify/${copy.location}` && step.state === "Done") === true
  );
}

const copiesOf = (run: BackupRun): readonly Copy[] =>
  (run.status?.copies ?? []).map((copy) => ({
    location: copy.location,
    state: copy.state,
    required: copy.required ?? false,
    time: copy.time,
    code: copy.code === "" ? undefined : copy.code,
    counts: countsAt(copy, run),
  }));

const keyOf = (run: BackupRun, id: string): string => `${run.metadata.namespace}/${run.spec.policyName}/${id}`;
const createdAt = ({ metadata }: BackupRun): string => metadata.creationTimestamp ?? "";

/** Newest first; of two runs that tell of one generation, the older one: it made it. */
export function catalogueOf(runs: readonly BackupRun[]): readonly Generation[] {
  const made = new Map<string, BackupRun>();
  for (const run of runs.toSorted((a, b) => (createdAt(a) < createdAt(b) ? -1 : 1))) {
    const id = run.status?.generation?.id;
    if (id !== undefined && parseGenerationId(id) !== undefined && !made.has(keyOf(run, id)))
      made.set(keyOf(run, id), run);
  }

  /** Oldest first. A ring of parents cannot be sealed, and would end nothing here. */
  const chainOf = (run: BackupRun): readonly string[] => {
    const chain: string[] = [];
    for (let at: BackupRun | undefined = run; at !== undefined;) {
      const parent: string = at.status?.generation?.parent ?? "";
      if (parent === "" || chain.includes(parent)) break;
      chain.unshift(parent);
      at = made.get(keyOf(run, parent));
    }
    return chain;
  };

  const records = new Map<string, PlaceRecord>();
  const recordOf = ({ metadata, spec }: BackupRun, location: string): PlaceRecord => {
    const key = `${metadata.namespace}/${spec.policyName}/${location}`;
    const isSibling = (other: BackupRun): boolean =>
      other.metadata.namespace === metadata.namespace && other.spec.policyName === spec.policyName;
    const record = records.get(key) ?? recordAt(location, runs.filter(isSibling));
    records.set(key, record);
    return record;
  };

  const all = [...made.values()].map((run): Generation => {
    const id = run.status?.generation?.id ?? "";
    const parsed = parseGenerationId(id);
    const chain = chainOf(run);
    const members = chain.map((member) => made.get(keyOf(run, member)));
    const copies = copiesOf(run);
    const whole = ({ location, counts }: Copy): boolean =>
      counts &&
      members.every(
        (member) => member !== undefined && copiesOf(member).some((copy) => copy.location === location && copy.counts),
      );
    const annotation = run.metadata.annotations?.[annotations.hold];
    const hold = annotation === undefined ? undefined : parseHold(annotation).hold;
    const takenBack = copies.filter(isThere).flatMap(({ location }) => {
      const found = recordOf(run, location).takenBack(parsed?.seq ?? 0);
      return found === undefined ? [] : [{ ...found, until: endOfTakenBack(found.until, hold), location }];
    });
    return {
      namespace: run.metadata.namespace,
      policy: run.spec.policyName,
      id,
      seq: parsed?.seq ?? 0,
      type: run.status?.generation?.type ?? typeOf(id) ?? parsed?.type ?? "",
      parent: run.status?.generation?.parent ?? "",
      chain,
      unknownInChain: chain.filter((_, at) => members[at] === undefined),
      time: parseInstant(timeOf(id)) ?? parseInstant(run.status?.generation?.sealedAt),
      copies,
      restorableFrom: copies.filter(whole).map(({ location }) => location),
      hold,
      takenBack,
      run,
    };
  });
  return all.toSorted(
    (a, b) => compare(a.namespace, b.namespace) || compare(a.policy, b.policy) || b.seq - a.seq || compare(b.id, a.id),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const isThere = ({ state }: Copy): boolean => state === "Stored" || state === "Verified";

/** Whether anything of it lies anywhere. */
export const isPresent = ({ copies }: Generation): boolean =>
  copies.some((copy) => isThere(copy) || copy.state === "Damaged");

/** Those that cannot be restored without it, newest first. */
export const dependents = (generation: Generation, all: readonly Generation[]): readonly Generation[] =>
  all.filter(
    (other) =>
      other.namespace === generation.namespace &&
      other.policy === generation.policy &&
      other.chain.includes(generation.id) &&
      isPresent(other),
  );
