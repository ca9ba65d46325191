/**
 * A case: a story, and what befalls it. As plain data it fits into one line, which replays it:
 *
 *   node test/simulator/replay.ts '{"story":"run","faults":[{"write":12,"die":"unanswered"}]}'
 */
import { Alternation } from "./alternation.ts";
import { judgeEnd } from "./ending.ts";
import { type Foreign, carryOutForeign } from "./foreign.ts";
import type { Call, CallFault, Death, Failing } from "./port.ts";
import type { ProcessOptions } from "./process.ts";
import { Scenario, longCalm } from "./scenario.ts";
import { type StoryName, stories } from "./stories.ts";
import type { EventFault, WatchFaults } from "./watching.ts";

/** Counted from 1, over all processes: the n-th write, the n-th request of any kind, the n-th event that is told. */
export type Fault =
  | { readonly write: number; readonly die: Death }
  | { readonly call: number; readonly fail: Failing }
  | { readonly write: number; readonly fail: Failing }
  | { readonly event: number; readonly befalls: EventFault }
  /** At the n-th write somebody else does something. */
  | { readonly write: number; readonly foreign: Foreign }
  /** At the n-th write the wall clock of the process jumps by so many milliseconds. */
  | { readonly write: number; readonly clock: number };

export interface Plan {
  readonly story: StoryName;
  readonly faults: readonly Fault[];
  /** Two processes at once, their requests in an order that the seed decides. */
  readonly seed?: number;
  /** No event is ever told; only lists and timers are left. */
  readonly blind?: boolean;
  /** After its last death the controller stays dead. */
  readonly forGood?: boolean;
}

export interface Counts {
  calls: number;
  writes: number;
  events: number;
}
export interface Ended {
  readonly scenario: Scenario;
  readonly counts: Counts;
}

const isWrite = ({ verb }: Call): boolean => verb !== "get" && verb !== "list";

interface Prepared extends Ended {
  readonly alternation: Alternation | undefined;
}

export function prepare(plan: Plan): Prepared {
  const counts: Counts = { calls: 0, writes: 0, events: 0 };
  const pending = new Set(plan.faults);
  const take = (matches: (fault: Fault) => boolean): Fault | undefined => {
    for (const fault of pending)
      if (matches(fault)) {
        pending.delete(fault);
        return fault;
      }
    return undefined;
  };
  const atCall = (call: Call): CallFault | undefined => {
    counts.calls++;
    if (isWrite(call)) counts.writes++;
    for (;;) {
      const fault = take(
        (one) =>
          ("call" in one && one.call === counts.calls) ||
          (isWrite(call) && "write" in one && one.write === counts.writes),
      );
      if (fault === undefined) return undefined;
      if ("die" in fault) return { die: fault.die };
      if ("fail" in fault) return { fail: fault.fail };
      if ("foreign" in fault) carryOutForeign(scenario, fault.foreign);
      if ("clock" in fault) for (const process of scenario.processes) process.jump(fault.clock);
    }
  };
  const watch: WatchFaults = {
    dead: plan.blind === true,
    fault: () => {
      counts.events++;
      const fault = take((one) => "event" in one && one.event === counts.events);
      return fault !== undefined && "event" in fault ? fault.befalls : undefined;
    },
  };
  const story = stories[plan.story]();
  const alternation = plan.seed === undefined ? undefined : new Alternation(plan.seed);
  const options: ProcessOptions = {
    fault: atCall,
    watch,
    ...(plan.forGood === true ? { restartsAfter: Infinity } : {}),
    ...(alternation === undefined ? {} : { turn: () => alternation.turn() }),
  };
  const scenario: Scenario = new Scenario({
    ...story,
    processes: alternation === undefined ? [options] : [options, { ...options, seed: 7 }],
  });
  alternation?.attend(scenario.world);
  return { scenario, counts, alternation };
}

/** @throws when a law is broken on the way or at the end. */
export async function judge(plan: Plan, { scenario, alternation }: Prepared): Promise<void> {
  if (plan.forGood === true) return void (await scenario.settle(longCalm));
  await (alternation === undefined ? scenario.settle() : alternation.settle(scenario));
  await judgeEnd(scenario);
}

/** Plays the case to its end and judges it. @throws with the line that replays it. */
export async function play(plan: Plan): Promise<Ended> {
  const prepared = prepare(plan);
  try {
    await judge(plan, prepared);
    return prepared;
  } catch (error) {
    const line = `node test/simulator/replay.ts '${JSON.stringify(plan)}'`;
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nreplay: ${line}`, { cause: error });
  }
}
