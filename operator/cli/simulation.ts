/**
 * What retention would do at each location, now and with the runs that the schedules make until a moment to come. Pure: plans
 * over what runs have on record, and over generations that are assumed. It is the operator's own planRetention that decides.
 */
import { type GenerationType, formatGenerationId, needsBase } from "../domain/generation.ts";
import { type Instant, formatInstant } from "../domain/instant.ts";
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
  present: Map<string, boolean>;
  due: readonly string[];
  readonly removed: Removal[];
  refused: LocationOutcome["later"]["refused"];
}

type Kept = LocationOutcome["now"]["keep"][number];
const bySeq = (a: Kept, b: Kept): number => b.generation.seq - a.generation.seq;

export function simulate(input: SimulationInput): readonly LocationOutcome[] {
  const known = new Map(input.generations.map((generation) => [generation.id, generation]));
  const undelivered = new Map(input.undelivered);
  const buckets = rememberBuckets(input.timeZone);

  const plan = ({ location, present, due }: State, now: Instant, arrived: number): Planned => {
    // They lie in the handover point, which retention never looks into.
    const waits = (id: string): readonly string[] | undefined =>
      location.name === "source" ? undelivered.get(id) : undefined;
    const waiting = [...present.keys()].flatMap((id) => (waits(id) === undefined ? [] : (known.get(id) ?? [])));
    const planned = planAt({
      generations: [...present].flatMap(([id, verified]): readonly PlannedGeneration[] => {
        const generation = known.get(id);
        return generation === undefined || waits(id) !== undefined
          ? []
          : [{ ...generation, verified: verified && generation.chain.every((base) => present.get(base) === true) }];
      }),
      rules: location.rules,
      timeZone: input.timeZone,
      buckets,
      now,
      waiting,
      holds: input.holds,
      arrived,
      due,
    });
    const kept = waiting.map(({ id }) => ({ id, why: [`waits for ${waits(id)?.join(", ") ?? ""}`] }));
    return { ...planned, keep: [...kept, ...planned.keep] };
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
    due: [],
    removed: [],
    refused: undefined,
  }));
  const atOnce = states.map((state) => {
    const { keep, remove, refused } = plan(state, input.now, 0);
    return { keep: named(keep).toSorted(bySeq), remove: removals(remove, input.now), refused };
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
      const { remove, due, refused } = plan(state, run.at, 1);
      state.due = due;
      if (refused !== undefined)
        state.refused = {
          at: state.refused?.at ?? run.at,
          why: state.refused?.why ?? refused,
          times: (state.refused?.times ?? 0) + 1,
        };
      for (const { id } of remove) state.present.delete(id);
      state.removed.push(...removals(remove, run.at));
    }
  }

  const end = input.future.at(-1)?.at;
  return states.map((state, at): LocationOutcome => {
    const now = atOnce[at] ?? { keep: [], remove: [], refused: undefined };
    return {
      name: state.location.name,
      rules: state.location.rules,
      now,
      later: {
        keep: end === undefined ? now.keep : named(plan(state, end, 1).keep).toSorted(bySeq),
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
