/** The one place where the command line calls the operator's retention. */
import type { Instant } from "../domain/instant.ts";
import { planRetention } from "../domain/retention.ts";
import { Failure, exitCodes } from "./failure.ts";
import { type Rules, countRules } from "./retention-rules.ts";

export interface PlannedGeneration {
  readonly id: string;
  readonly seq: number;
  readonly time: Instant;
  readonly chain: readonly string[];
  readonly verified: boolean;
  readonly bytes: number | undefined;
}

export interface Planner {
  readonly generations: readonly PlannedGeneration[];
  readonly rules: Rules;
  readonly timeZone: string;
  readonly now: Instant;
  /** Sealed at the source and in its handover point: no rule counts it, and what it is based on stays. */
  readonly waiting: readonly { readonly id: string; readonly chain: readonly string[] }[];
  readonly holds: readonly { readonly id: string; readonly until: string; readonly reason: string }[];
  readonly arrived: number;
  readonly due: readonly string[];
}

export interface Planned {
  readonly keep: readonly { readonly id: string; readonly why: readonly string[] }[];
  readonly remove: readonly { readonly id: string; readonly why: string }[];
  readonly due: readonly string[];
  readonly refused: string | undefined;
}

export function planAt(planner: Planner): Planned {
  const { rules } = planner;
  const unknown = [...countRules.slice(1), "maxAge" as const].find(
    (name) => rules[name] !== undefined && rules[name] !== 0,
  );
  if (unknown !== undefined)
    throw new Failure(exitCodes.notSo, `this release has no rule ${unknown}`, "kubectl handover prune --help");
  const plan = planRetention({
    generations: planner.generations.map(({ id, seq, verified, bytes }) => ({ id, seq, verified, bytes: bytes ?? 0 })),
    keep: { last: rules.last ?? 0, minVerified: rules.minVerified },
    acknowledged: false,
    undelivered: planner.waiting.flatMap(({ chain }) => chain),
    arrived: planner.arrived,
  });
  return { keep: plan.keep, remove: plan.remove, due: [], refused: plan.refused };
}
