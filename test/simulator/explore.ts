/**
 * Every state that the small world can come to, breadth first, each judged as it is reached; and from each a way to rest. Two ways
 * to equal states are one state, so the search ends.
 */
import type { InFlight } from "./small-processes.ts";
import { type Facts, type Look, Worlds, lawOfAttempts, lawOfRecords } from "./worlds.ts";

interface State {
  readonly world: number;
  /** What each process is in the middle of; the last one is the guard. */
  readonly passes: readonly (InFlight | undefined)[];
  /** How many moves of others each of them has let pass by. */
  readonly overtaken: readonly number[];
  readonly crashesLeft: number;
  readonly scalingsLeft: number;
  readonly leapsLeft: number;
  /** The replicas that the app's people want, as far as they have said so. */
  readonly wanted: number;
  /** They have parked the app while it was being stopped or was, which looks like our own doing. */
  readonly parked: boolean;
  /** Runs in whose frozen window a process of the app ran. */
  readonly disturbed: readonly string[];
}
interface Step {
  readonly what: string;
  readonly state: State;
  /** Not by itself: a death, a person, a leap of the clock. */
  readonly forced: boolean;
  readonly broken?: string | undefined;
}
interface Node {
  readonly state: State;
  readonly from: number;
  readonly what: string;
  readonly depth: number;
}
export interface Limits {
  /** So many moves of others may come between two writes of a pass: a process that has lost its lease does not write much later. */
  readonly overtakes: number;
  readonly crashes: number;
  readonly scalings: number;
  readonly leaps: number;
}
export interface Explored {
  readonly states: number;
  readonly steps: number;
  readonly worlds: number;
  readonly deepest: number;
  /** The shortest way to the first state that breaks a law. */
  readonly violation?: { readonly law: string; readonly path: readonly string[] };
}

const original = 1;
const guard = 2;

const keyOf = ({ passes, overtaken, disturbed, ...rest }: State): string => {
  // Two processes of the controller are as good as each other.
  const [a = "", b = "", last = ""] = passes.map((pass, index) =>
    pass === undefined ? "" : `${pass.id}${overtaken[index]}`,
  );
  const both = a < b ? `${a} ${b}` : `${b} ${a}`;
  return `${Object.values(rest).join(" ")} ${both} ${last} ${disturbed.join(" ")}`;
};

function judgeState(facts: Facts, state: State): string | undefined {
  if (facts.record === "unreadable") return "a record can be read";
  if (facts.replicas === 0 && state.wanted !== 0 && facts.record === "none") return "S1 at zero only with a record";
  if (facts.captured.some((uid) => state.disturbed.includes(uid)))
    return "S10 what was captured beside the running app does not count";
  return undefined;
}
/** Where nothing happens by itself any more. */
function judgeRest(facts: Facts, { wanted, parked }: State): string | undefined {
  if (facts.record !== "none") return "S27 no record is left";
  if (facts.replicas !== wanted && !(parked && facts.replicas === original))
    return `L1 the app is back: ${facts.replicas} instead of ${wanted}`;
  if (facts.jobRuns) return "S27 no Job runs on";
  return facts.allFinished ? undefined : "L2 every run comes to an end";
}

export async function explore(limits: Limits, mostStates = Infinity): Promise<Explored> {
  const worlds = new Worlds();
  const first: State = {
    world: 0,
    passes: [undefined, undefined, undefined],
    overtaken: [0, 0, 0],
    crashesLeft: limits.crashes,
    scalingsLeft: limits.scalings,
    leapsLeft: limits.leaps,
    wanted: original,
    parked: false,
    disturbed: [],
  };
  const nodes: Node[] = [{ state: first, from: -1, what: "", depth: 0 }];
  const known = new Map([[keyOf(first), 0]]);
  /** By state: from where it is reached by what happens by itself. */
  const reverse: number[][] = [[]];
  const rests: number[] = [];
  let steps = 0;
  const end = (law?: string, index = 0, ...more: readonly string[]): Explored => ({
    states: nodes.length,
    steps,
    worlds: worlds.size,
    deepest: nodes.at(-1)?.depth ?? 0,
    ...(law === undefined ? {} : { violation: { law, path: [...pathTo(nodes, index), ...more] } }),
  });
  for (let index = 0; index < nodes.length; index++) {
    const { state, depth } = nodes[index] as Node;
    const following = await stepsFrom(worlds, state, limits.overtakes);
    steps += following.length;
    if (!following.some(({ forced }) => !forced)) {
      const law = judgeRest(worlds.facts(state.world), state);
      if (law !== undefined) return end(law, index);
      rests.push(index);
    }
    for (const { what, state: next, forced, broken } of following) {
      if (broken !== undefined && !isExcused(broken, state, limits)) return end(broken, index, what);
      const key = keyOf(next);
      let target = known.get(key);
      if (target === undefined) {
        const law = judgeState(worlds.facts(next.world), next);
        if (law !== undefined) return end(law, index, what);
        target = nodes.length;
        if (target >= mostStates) return end("the search was cut short", index);
        known.set(key, target);
        nodes.push({ state: next, from: index, what, depth: depth + 1 });
        reverse.push([]);
      }
      if (!forced) reverse[target]?.push(index);
    }
  }
  const lost = firstWithoutRest(nodes.length, reverse, rests);
  return lost === undefined ? end() : end("L1 from every state there is a way to rest", lost);
}

const isExcused = (law: string, { parked }: State, { overtakes }: Limits): boolean =>
  (law === lawOfRecords && parked) || (law === lawOfAttempts && overtakes > 0);

function pathTo(nodes: readonly Node[], index: number): readonly string[] {
  const path: string[] = [];
  for (let node = nodes[index]; node !== undefined && node.from >= 0; node = nodes[node.from]) path.unshift(node.what);
  return path;
}

function firstWithoutRest(
  count: number,
  reverse: readonly (readonly number[])[],
  rests: readonly number[],
): number | undefined {
  const calm = new Uint8Array(count);
  const open = [...rests];
  for (const rest of rests) calm[rest] = 1;
  for (let index = open.pop(); index !== undefined; index = open.pop())
    for (const before of reverse[index] ?? [])
      if (calm[before] === 0) {
        calm[before] = 1;
        open.push(before);
      }
  const found = calm.indexOf(0);
  return found < 0 ? undefined : found;
}

async function stepsFrom(worlds: Worlds, state: State, overtakes: number): Promise<readonly Step[]> {
  const found: Step[] = [];
  const late = state.overtaken.findIndex((count, index) => state.passes[index] !== undefined && count >= overtakes);
  /** @param mover the process whose move it is; -1 for others. */
  const add = async (
    mover: number,
    what: string,
    change: Partial<State>,
    forced = false,
    broken?: string,
  ): Promise<void> => {
    if (late >= 0 && mover !== late) return;
    const moved = change.world !== undefined && change.world !== state.world;
    const next = {
      ...state,
      ...change,
      overtaken: state.overtaken.map((count, index) =>
        index === mover ? 0 : moved && state.passes[index] !== undefined ? count + 1 : count,
      ),
    };
    const passes: (InFlight | undefined)[] = [];
    for (const pass of next.passes)
      passes.push(pass === undefined ? undefined : await worlds.current(next.world, pass));
    found.push({ what, forced, broken, state: noteDisturbance(worlds, { ...next, passes }) });
  };
  const replaced = (index: number, pass: InFlight | undefined): State["passes"] =>
    state.passes.map((one, other) => (other === index ? pass : one));
  for (const [index, pass] of state.passes.entries()) {
    const name = index === guard ? "the guard" : `process ${index + 1}`;
    if (pass !== undefined) {
      const { to, rest, broken } = await worlds.proceed(state.world, pass);
      const what = `${name} writes ${pass.answers.length + 1} of ${pass.key}`;
      await add(index, what, { world: to, passes: replaced(index, rest) }, false, broken);
      if (state.crashesLeft > 0 && index !== guard)
        await add(
          index,
          `${name} dies`,
          { passes: replaced(index, undefined), crashesLeft: state.crashesLeft - 1 },
          true,
        );
      continue;
    }
    const looks: readonly Look[] = await (index === guard ? worlds.guardLooks(state.world) : worlds.looks(state.world));
    for (const look of looks)
      await add(index, `${name} ${look.what}`, { passes: replaced(index, look.pass) }, false, look.broken);
  }
  const starting = new Set(state.passes.flatMap((pass) => (pass === undefined ? [] : jobsAheadOf(pass))));
  for (const { what, to, job } of worlds.happenings(state.world))
    if (job === undefined || !starting.has(job)) await add(-1, what, { world: to });
  const idle = state.passes.every((pass) => pass === undefined);
  if (state.scalingsLeft > 0) {
    const facts = worlds.facts(state.world);
    for (const wanted of [0, 2].filter((replicas) => replicas !== facts.replicas))
      await add(
        -1,
        `a person scales to ${wanted}`,
        {
          world: worlds.scaled(state.world, wanted),
          wanted,
          // Of an Intent nothing is scaled, unless somebody is about to write that it may be.
          parked: wanted === 0 && facts.record !== "none" && !(facts.record === "intent" && idle),
          scalingsLeft: state.scalingsLeft - 1,
        },
        true,
      );
  }
  // A process that sleeps for an hour has lost its lease when it wakes.
  const quiet = !found.some(({ forced }) => !forced);
  // Where nothing else happens, time passes; and where that changes nothing either, there is rest.
  const later = quiet || state.leapsLeft > 0 ? worlds.anHourLater(state.world) : state.world;
  if (quiet && (await worlds.looks(later)).length + (await worlds.guardLooks(later)).length > 0)
    await add(-1, "an hour passes", { world: later });
  else if (idle && state.leapsLeft > 0)
    await add(-1, "an hour passes", { world: later, leapsLeft: state.leapsLeft - 1 }, true);
  return found;
}

/**
 * Jobs that the pass is going to create. A process writes only while it holds the lease, a fraction of a second after it has
 * looked; so no Job runs to its end, and is forgotten, before the second of two processes has sent the create that it is about to send.
 */
const jobsAheadOf = ({ decision }: InFlight): readonly string[] =>
  decision.actions.flatMap((action) => (action.do === "createJob" ? [action.job.metadata.name] : []));

/** Keeps what a later state could not tell any more. */
function noteDisturbance(worlds: Worlds, state: State): State {
  const { appRuns, frozen } = worlds.facts(state.world);
  const fresh = appRuns ? frozen.filter((uid) => !state.disturbed.includes(uid)) : [];
  return fresh.length === 0 ? state : { ...state, disturbed: [...state.disturbed, ...fresh].toSorted() };
}
