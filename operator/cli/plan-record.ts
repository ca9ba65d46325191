/**
 * Why a generation is kept at a location, and what is planned to go: from `status.retention` of the newest run that has
 * planned there, or, of runs that have none, from what their prune step reported. Untrusted input, hence parsed. Pure.
 */
import * as z from "zod";
import type { BackupRun } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import { hasSequence } from "../domain/sequences.ts";
import type { Generation } from "./catalogue.ts";

export interface Verdict {
  readonly location: string;
  /** When it was planned there. */
  readonly plannedAt: string;
  readonly run: string;
  readonly kept: readonly string[];
  /** Why it is to be removed; undefined when it is not. */
  readonly remove: string | undefined;
  /** Why nothing is removed there for now, with what to do. */
  readonly refused: string | undefined;
}

const removals = z.array(z.object({ id: z.string(), why: z.string() })).default([]);
const planSchema = z.object({
  location: z.string(),
  /** Done: what it removed is gone. Waiting: an acknowledgement is asked for. Refused: it is not certain what lies there. */
  state: z.enum(["Planned", "Done", "Waiting", "Refused"]).default("Planned"),
  plannedAt: z.string().default(""),
  digest: z.string().optional(),
  /** Of `remove`, which names some, how many there are. */
  removes: z.number().optional(),
  remove: removals,
  kept: z.array(z.object({ why: z.string(), sequences: z.string(), since: z.number().default(1) })).default([]),
});
const reportSchema = z.object({
  step: z.literal("prune"),
  location: z.object({ name: z.string() }),
  kept: removals,
  removed: removals,
  refused: z.string().optional(),
});

export type RecordedPlan = z.infer<typeof planSchema>;

interface Plan {
  readonly location: string;
  readonly plannedAt: string;
  readonly run: string;
  readonly remove: z.infer<typeof removals>;
  readonly refused: string | undefined;
  readonly keptFor: (generation: Generation) => readonly string[];
}

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What `status.retention` of a run says, as far as it can be understood. */
export const recordedPlans = (run: BackupRun): readonly RecordedPlan[] =>
  listOf(field(run.status, "retention")).flatMap((entry) => planSchema.safeParse(entry).data ?? []);

/** What people type to let a plan go that waits: the beginning of its digest is enough. */
export const acknowledgeCommand = (namespace: string, policy: string, digest: string): string =>
  `kubectl -n ${namespace} annotate bpol ${policy} --overwrite ${annotations.acknowledgePrune}=${digest.slice(0, 12)}`;

function refusalOf({ state, digest }: z.infer<typeof planSchema>, { metadata, spec }: BackupRun): string | undefined {
  if (state === "Refused") return "HO-K702: it is not certain what lies there";
  if (state !== "Waiting") return undefined;
  return `HO-K701: more than half would go at once. To allow this plan: ${acknowledgeCommand(metadata.namespace, spec.policyName, digest ?? "")}`;
}

function plansOf(run: BackupRun): readonly Plan[] {
  const name = run.metadata.name;
  const planned = recordedPlans(run).map((plan): Plan => {
    const keptFor = ({ seq }: Generation): readonly string[] =>
      plan.kept.filter(({ sequences, since }) => hasSequence({ since, ranges: sequences }, seq)).map(({ why }) => why);
    const { location, plannedAt, state } = plan;
    return {
      location,
      plannedAt,
      run: name,
      remove: state === "Done" ? [] : plan.remove,
      refused: refusalOf(plan, run),
      keptFor,
    };
  });
  const reported = (run.status?.steps ?? []).flatMap((step) =>
    listOf(field(step.result, "of")).flatMap((entry): readonly Plan[] => {
      const report = reportSchema.safeParse(entry).data;
      if (report === undefined) return [];
      const keptFor = ({ id }: Generation): readonly string[] =>
        report.kept.filter((kept) => kept.id === id).map(({ why }) => why);
      return [
        {
          location: report.location.name,
          plannedAt: step.finishedAt ?? "",
          run: name,
          // What a report names is gone by then.
          remove: [],
          refused: report.refused,
          keptFor,
        },
      ];
    }),
  );
  const told = new Set(planned.map(({ location }) => location));
  return [...planned, ...reported.filter(({ location }) => !told.has(location))];
}

/** One for each location where a plan knows of the generation; the newest plan there. @param runs of its policy */
export function verdictsOf(generation: Generation, runs: readonly BackupRun[]): readonly Verdict[] {
  const newest = new Map<string, Plan>();
  for (const run of runs) {
    if (run.spec.policyName !== generation.policy || run.metadata.namespace !== generation.namespace) continue;
    for (const plan of plansOf(run)) {
      const before = newest.get(plan.location);
      if (before === undefined || before.plannedAt < plan.plannedAt) newest.set(plan.location, plan);
    }
  }
  return [...newest.values()]
    .map(({ location, plannedAt, run, remove, refused, keptFor }) => ({
      location,
      plannedAt,
      run,
      kept: keptFor(generation),
      remove: remove.find(({ id }) => id === generation.id)?.why,
      refused,
    }))
    .filter(({ kept, remove }) => kept.length > 0 || remove !== undefined);
}
