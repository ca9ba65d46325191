/** What a prune is told beside its place: rules, holds, acknowledgements, and the plan that it may act upon. */
import type { BackupRun, PolicySpec } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import type { TaskOf } from "../contract/task.ts";
import { parseGenerationId } from "../domain/generation.ts";
import { parseHold } from "../domain/holds.ts";
import { parseDuration } from "../domain/quantities.ts";
import { formatSequences } from "../domain/sequences.ts";
import type { StepMove } from "./step.ts";
import { clip } from "../domain/text.ts";

type Task = TaskOf<"prune">;
type Holds = Task["holds"];
type Rules = PolicySpec["retention"]["source"] | NonNullable<PolicySpec["sinks"][number]["retention"]>;

/** A task has room for so many; with more of them nothing is approved, because one that is left out would not hold. */
const mostHolds = 500;
const roomForReasons = 40_000;
/** Of some thousands of runs with gaps between them; what does not fit is left to the files at the place, on the safe side. */
const roomForKnown = 20_000;

/** A policy that an older release has accepted has neither. */
const defaults = { timeZone: "UTC", trash: "24h" } as const;

export function trashMillisOf({ retention }: PolicySpec): number {
  const { trash }: Partial<PolicySpec["retention"]> = retention;
  return parseDuration(trash ?? defaults.trash) ?? 0;
}

export const keepOf = (rules: Rules): Task["keep"] => {
  const { last, hourly, daily, weekly, monthly, yearly, maxAge, minVerified } = rules;
  const asked = { last, hourly, daily, weekly, monthly, yearly, maxAge };
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  return { ...given, minVerified };
};

export interface PruneKnowledge {
  readonly run: BackupRun;
  /** Other runs of the policy. */
  readonly siblings: readonly BackupRun[];
  readonly policy: PolicySpec;
  readonly policyUID: string;
  readonly acknowledgements: Readonly<Record<string, string>>;
  /** Digest of the plan on record for this place. */
  readonly approved: string | undefined;
}

/** What the preflight may delete when there is no room. */
export function tellTrash(knowledge: Omit<PruneKnowledge, "approved">): NonNullable<TaskOf<"preflight">["trash"]> {
  const { trashMillis: millis, holds, known, undelete } = tellPrune({ ...knowledge, approved: undefined });
  return { millis, holds, known, ...(undelete === undefined ? {} : { undelete }) };
}

type Told = Pick<Task, "timeZone" | "trashMillis" | "acknowledged" | "approved" | "undelete" | "holds" | "known">;

export function tellPrune(knowledge: PruneKnowledge): Told {
  const { policy, acknowledgements, approved } = knowledge;
  const { timeZone }: Partial<PolicySpec["retention"]> = policy.retention;
  const undelete = acknowledgements[annotations.undelete]?.slice(0, 4_000);
  const { holds } = holdsIn(knowledge);
  // Of these the file at the place decides, as if the run were lost; else it would say that they are held no more.
  const leftOut = new Set(holds.slice(mostHolds).map(({ id }) => id));
  const reasonLength = Math.floor(roomForReasons / Math.max(1, holds.length));
  return {
    timeZone: timeZone ?? defaults.timeZone,
    trashMillis: trashMillisOf(policy),
    acknowledged: acknowledgedIn(acknowledgements),
    ...(approved === undefined || holds.length > mostHolds ? {} : { approved }),
    ...(undelete === undefined || undelete.trim() === "" ? {} : { undelete }),
    holds: holds.slice(0, mostHolds).map((hold) => ({ ...hold, reason: hold.reason.slice(0, reasonLength) })),
    known: formatSequences(
      generationsIn(knowledge).flatMap(({ id }) => (leftOut.has(id) ? [] : [parseGenerationId(id)?.seq ?? 0])),
      roomForKnown,
    ),
  };
}

/** Beginnings of digests; what is none, as the `true` of release 0.1, acknowledges nothing. */
export const acknowledgedIn = (acknowledgements: Readonly<Record<string, string>>): Task["acknowledged"] =>
  (acknowledgements[annotations.acknowledgePrune] ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => /^[0-9a-f]{12,64}$/.test(part))
    .slice(0, 20);

/** Of the runs of this policy object; others have numbers of their own. */
const generationsIn = ({
  run,
  siblings,
  policyUID,
}: Pick<PruneKnowledge, "run" | "siblings" | "policyUID">): readonly {
  readonly id: string;
  readonly run: BackupRun;
}[] =>
  [run, ...siblings].flatMap((of) => {
    const id = of.status?.policyUID === policyUID ? of.status.generation?.id : undefined;
    return id === undefined || parseGenerationId(id) === undefined ? [] : [{ id, run: of }];
  });

/** @returns `unreadable`: names of runs whose annotation cannot be understood; their generations are held for ever. */
export function holdsIn(knowledge: Pick<PruneKnowledge, "run" | "siblings" | "policyUID">): {
  readonly holds: Holds;
  readonly unreadable: readonly string[];
} {
  const unreadable: string[] = [];
  const holds = generationsIn(knowledge).flatMap(({ id, run }) => {
    const text = run.metadata.annotations?.[annotations.hold];
    if (text === undefined) return [];
    const parsed = parseHold(text);
    if (parsed.unreadable) unreadable.push(run.metadata.name);
    return [{ id, ...parsed.hold }];
  });
  return { holds, unreadable };
}

/** A hold that nobody can understand holds, and the end of the step says whose it is. */
export function tellUnreadable(move: StepMove, knowledge: Parameters<typeof holdsIn>[0]): StepMove {
  const { unreadable } = holdsIn(knowledge);
  if (move.step.state !== "Done" || move.job.is !== "succeeded" || unreadable.length === 0) return move;
  const said = unreadable.map((name) => `the hold of run ${name} cannot be read, so it holds for ever`);
  return { ...move, step: { ...move.step, message: clip([move.step.message, ...said].join("; "), 900) } };
}
