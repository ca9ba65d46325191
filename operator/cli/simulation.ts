/**
 * What retention would do at each location, now and with the runs that the schedules make until a moment to come. Pure: plans
 * over what runs have on record, and over generations that are assumed. It is the operator's own planRetention that decides.
 */
import { type GenerationType, formatGenerationId, needsBase } from "../domain/generation.ts";
import { type Instant, formatInstant } from "../domain/instant.ts";
import { ofFormerPolicy } from "../domain/kept-reasons.ts";
import { type Planned, type PlannedGeneration, type Planner, planAt, rememberBuckets } from "./retention-planner.ts";
import type { Rules } from "./retention-rules.ts";

export interface SimulatedGeneration {
  readonly id: string;
  readonly seq: number;
  readonly type: string;
  readonly time: Instant;
  readonly bytes: number | undefined;
  readonly chain: readonly string[];
  /** Not there yet: a run to come is assumed to make it. */
  readonly assumed: boolean;
}

export interface SimulatedLocation {
  readonly name: string;
  readonly rules: Rules;
  /** Ids of what lies there, with whether it counts. */
  readonly present: ReadonlyMap<string, boolean>;
  /** Ids of what the last prune left there; undefined when no run tells of one. What is not among them has arrived since. */
  readonly left: ReadonlySet<string> | undefined;
  /** Ids that the rules had let go by then. */
  readonly due: readonly string[];
  /** Beside those that hold everywhere. */
  readonly holds: Planner["holds"];
  /** Ids of what was taken over with the directory: it counts for no rule, and nobody removes it. */
  readonly former: ReadonlySet<string>;
  /** Whether the plan that lets these go is acknowledged; or what is known of one that is. */
  readonly acknowledged: {
    readonly ids: readonly string[];
    readonly isPlan: (ids: readonly string[]) => boolean;
  };
}

/** A run that a schedule is going to make. */
export interface FutureRun {
  readonly at: Instant;
  readonly type: GenerationType;
  readonly sinks: readonly string[];
}

export interface SimulationInput {
  readonly generations: readonly SimulatedGeneration[];
  readonly locations: readonly SimulatedLocation[];
  /** Ids that a required sink does not have yet, with these sinks. */
  readonly undelivered: ReadonlyMap<string, readonly string[]>;
  readonly holds: Planner["holds"];
  readonly timeZone: string;
  readonly now: Instant;
  readonly future: readonly FutureRun[];
  /** Longest chain of incremental generations; the next one is full. */
  readonly maxChain: number;
  /** Of the newest ones of each type. */
  readonly typicalBytes: (type: GenerationType) => number | undefined;
}

export interface Removal {
  readonly at: Instant;
  readonly generation: SimulatedGeneration;
  readonly why: string;
}

export interface LocationOutcome {
  readonly name: string;
  readonly rules: Rules;
  readonly now: {
    readonly keep: readonly { readonly generation: SimulatedGeneration; readonly why: readonly string[] }[];
    readonly remove: readonly Removal[];
    readonly refused: string | undefined;
    /** What would go once it is acknowledged; only with `refused`. */
    readonly proposed: readonly Removal[];
  };
  readonly later: {
    readonly keep: readonly { readonly generation: SimulatedGeneration; readonly why: readonly string[] }[];
    readonly remove: readonly Removal[];
    /** The first time that nothing would be removed although the rules ask for it. */
    readonly refused: { readonly at: Instant; readonly why: string; readonly times: number } | undefined;
  };
}

interface State {
  readonly location: SimulatedLocation;
  readonly present: Map<string, boolean>;
  left: ReadonlySet<string> | undefined;
  due: readonly string[];
  acknowledged: SimulatedLocation["acknowledged"];
  readonly removed: Removal[];
  refused: LocationOutcome["later"]["refused"];
}

/** An acknowledgement is spent with the first prune that is carried out. */
export const nothing: SimulatedLocation["acknowledged"] = { ids: [], isPlan: () => false };

type Kept = LocationOutcome["now"]["keep"][number];
const bySeq = (a: Kept, b: Kept): number => b.generation.seq - a.generation.seq;

export function simulate(input: SimulationInput): readonly LocationOutcome[] {
  const known = new Map(input.generations.map((generation) => [generation.id, generation]));
  const undelivered = new Map(input.undelivered);
  const buckets = rememberBuckets(input.timeZone);

  const plan = ({ location, present, left, due, acknowledged }: State, now: Instant): Planned => {
    // They lie in the handover point, which retention never looks into.
    const waits = (id: string): readonly string[] | undefined =>
      location.name === "source" ? undelivered.get(id) : undefined;
    const waiting = [...present.keys()].flatMap((id) => (waits(id) === undefined ? [] : (known.get(id) ?? [])));
    const own = [...present].flatMap(([id, verified]): readonly PlannedGeneration[] => {
      const generation = known.get(id);
      return generation === undefined || waits(id) !== undefined || location.former.has(id)
        ? []
        : [{ ...generation, verified: verified && generation.chain.every((base) => present.get(base) === true) }];
    });
    const planner: Planner = {
      generations: own,
      rules: location.rules,
      timeZone: input.timeZone,
      buckets,
      now,
      waiting,
      holds: [...input.holds, ...location.holds],
      arrived: left === undefined ? 0 : own.filter(({ id }) => !left.has(id)).length,
      due,
      acknowledged: acknowledged.ids,
    };
    const first = planAt(planner);
    const ids = first.proposed.map(({ id }) => id);
    const planned = ids.length > 0 && acknowledged.isPlan(ids) ? planAt({ ...planner, acknowledged: ids }) : first;
    const others = [
      ...waiting.map(({ id }) => ({ id, why: [`waits for ${waits(id)?.join(", ") ?? ""}`] })),
      ...[...location.former].map((id) => ({ id, why: [ofFormerPolicy] })),
    ];
    return { ...planned, keep: [...others, ...planned.keep] };
  };
  const named = (
    entries: readonly { readonly id: string; readonly why: readonly string[] }[],
  ): LocationOutcome["now"]["keep"] =>
    entries.flatMap(({ id, why }) => {
      const generation = known.get(id);
      return generation === undefined ? [] : [{ generation, why }];
    });
  const removals = (
    entries: readonly { readonly id: string; readonly why: string }[],
    at: Instant,
  ): readonly Removal[] =>
    entries.flatMap(({ id, why }) => {
      const generation = known.get(id);
      return generation === undefined ? [] : [{ at, generation, why }];
    });

  const states = input.locations.map((location): State => ({
    location,
    present: new Map(location.present),
    left: location.left,
    due: location.due,
    acknowledged: location.acknowledged,
    removed: [],
    refused: undefined,
  }));
  const atOnce = states.map((state) => {
    const { keep, remove, refused, proposed } = plan(state, input.now);
    const going = new Set(proposed.map(({ id }) => id));
    return {
      keep: named(keep.filter(({ id }) => !going.has(id))).toSorted(bySeq),
      remove: removals(remove, input.now),
      refused,
      proposed: removals(proposed, input.now),
    };
  });

  let seq = Math.max(0, ...input.generations.map((generation) => generation.seq));
  for (const run of input.future) {
    seq += 1;
    const made = makeGeneration(run, seq, input, states, known);
    known.set(made.id, made);
    // What waits for a sink is brought there by the next run that goes there.
    for (const [id, sinks] of undelivered) {
      const left = sinks.filter((sink) => !run.sinks.includes(sink));
      for (const state of states)
        if (sinks.includes(state.location.name) && run.sinks.includes(state.location.name)) state.present.set(id, true);
      if (left.length === 0) undelivered.delete(id);
      else undelivered.set(id, left);
    }
    for (const state of states) {
      if (state.location.name !== "source" && !run.sinks.includes(state.location.name)) continue;
      state.present.set(made.id, true);
      const { keep, remove, due, refused } = plan(state, run.at);
      if (refused !== undefined)
        state.refused = {
          at: state.refused?.at ?? run.at,
          why: state.refused?.why ?? refused,
          times: (state.refused?.times ?? 0) + 1,
        };
      else {
        // What is refused leaves no trace at the place; what is carried out is what the next one goes by.
        const waits = new Set(state.location.name === "source" ? undelivered.keys() : []);
        state.left = new Set(keep.flatMap(({ id }) => (waits.has(id) ? [] : [id])));
        state.due = due;
        state.acknowledged = nothing;
      }
      for (const { id } of remove) state.present.delete(id);
      state.removed.push(...removals(remove, run.at));
    }
  }

  const end = input.future.at(-1)?.at;
  return states.map((state, at): LocationOutcome => {
    const now = atOnce[at] ?? { keep: [], remove: [], refused: undefined, proposed: [] };
    return {
      name: state.location.name,
      rules: state.location.rules,
      now,
      later: {
        keep: end === undefined ? now.keep : named(plan(state, end).keep).toSorted(bySeq),
        remove: state.removed,
        refused: state.refused,
      },
    };
  });
}

/** As preflight decides it: on the newest state at the source that is whole, or full when there is none or the chain is long. */
function makeGeneration(
  { at, type }: FutureRun,
  seq: number,
  { maxChain, typicalBytes }: SimulationInput,
  states: readonly State[],
  known: ReadonlyMap<string, SimulatedGeneration>,
): SimulatedGeneration {
  const source = states.find(({ location }) => location.name === "source")?.present ?? new Map<string, boolean>();
  const whole = [...source]
    .flatMap(([id, verified]) => (verified ? [known.get(id)] : []))
    .filter((one): one is SimulatedGeneration => one !== undefined && one.type !== "Database" && one.type !== "Config")
    .filter(({ chain }) => chain.every((base) => source.get(base) === true))
    .toSorted((a, b) => b.seq - a.seq);
  const parent = type === "Differential" ? whole.find((one) => one.type === "Full") : whole[0];
  const chain = !needsBase(type) || parent === undefined ? [] : [...parent.chain, parent.id];
  const isLong = chain.length + 1 > maxChain;
  const made: GenerationType = needsBase(type) && (chain.length === 0 || isLong) ? "Full" : type;
  return {
    id: formatGenerationId(seq, formatInstant(at), made),
    seq,
    type: made,
    time: at,
    bytes: typicalBytes(made),
    chain: made === type ? chain : [],
    assumed: true,
  };
}
