/** The one place where the command line calls the operator's retention. */
import { createHash } from "node:crypto";
import { type BucketOf, type Period, bucketsIn } from "../domain/buckets.ts";
import { type Instant, formatInstant } from "../domain/instant.ts";
import { type KeepRules, type RetentionInput, planRetention } from "../domain/retention.ts";

export interface PlannedGeneration {
  readonly id: string;
  readonly seq: number;
  readonly time: Instant;
  readonly chain: readonly string[];
  readonly verified: boolean;
  readonly bytes: number | undefined;
}

/** Calendars are slow, and a simulation asks for the same moments again and again. Undefined for an unknown time zone. */
export function rememberBuckets(timeZone: string): BucketOf | undefined {
  const bucketOf = bucketsIn(timeZone);
  if (bucketOf === undefined) return undefined;
  const known = new Map<Period, Map<Instant, string>>();
  return (at, period) => {
    const own = known.get(period) ?? new Map<Instant, string>();
    known.set(period, own);
    const bucket = own.get(at) ?? bucketOf(at, period);
    own.set(at, bucket);
    return bucket;
  };
}

export interface Planner {
  readonly generations: readonly PlannedGeneration[];
  readonly rules: KeepRules;
  readonly timeZone: string;
  readonly buckets: BucketOf | undefined;
  readonly now: Instant;
  /** Sealed at the source and in its handover point: no rule counts it, and what it is based on stays. */
  readonly waiting: RetentionInput["waiting"];
  readonly holds: RetentionInput["holds"];
  readonly arrived: number;
  readonly due: readonly string[];
  /** Ids that an administrator has said may go. */
  readonly acknowledged: readonly string[];
}

export interface Planned {
  readonly keep: readonly { readonly id: string; readonly why: readonly string[] }[];
  readonly remove: readonly { readonly id: string; readonly why: string }[];
  readonly due: readonly string[];
  readonly refused: string | undefined;
  /** What would go if an administrator said so. */
  readonly proposed: readonly { readonly id: string; readonly why: string }[];
}

/** The name of a plan, as the place remembers it: SHA-256 of the sorted ids, one a line. */
export const digestOf = (ids: readonly string[]): string =>
  createHash("sha256").update(ids.toSorted().join("\n")).digest("hex");

export function planAt(planner: Planner): Planned {
  const { generations, rules, timeZone, buckets, now, waiting, holds, arrived, due, acknowledged } = planner;
  const plan = planRetention({
    // When it was sealed matters for clocks that are wrong, and this is a simulation.
    generations: generations.map(({ id, seq, time, chain, verified, bytes }) => ({
      id,
      seq,
      time: formatInstant(time),
      sealedAt: formatInstant(time),
      chain,
      verified,
      bytes: bytes ?? 0,
    })),
    keep: rules,
    timeZone,
    buckets,
    now,
    acknowledged,
    undelivered: [],
    waiting,
    holds,
    arrived,
    due,
  });
  return { keep: plan.keep, remove: plan.remove, due: plan.due, refused: plan.refused, proposed: plan.proposed ?? [] };
}
