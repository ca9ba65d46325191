/**
 * Retention: which generations at one location stay and which may go, each with its reason. Pure: whoever carries the
 * plan out has listed the location before and must not remove anything that the plan does not name.
 *
 * Rules count each type of generation by itself, so that hourly dumps never push the nightly full generation out.
 * Only verified generations count; unverified ones never push a verified one out.
 *
 * Floors, in the order in which they beat every rule: the newest verified generation stays; `minVerified` stay; what the
 * required sinks do not have yet stays; on unknown state everything stays; and no run removes
 * more than half of the verified ones.
 */
import { parseGenerationId } from "./generation.ts";

export interface RetentionGeneration {
  readonly id: string;
  readonly seq: number;
  /** The check that is asked for at this location is done: of every byte, of a sample, or of the manifest alone. */
  readonly verified: boolean;
  readonly bytes: number;
}

export interface RetentionInput {
  readonly generations: readonly RetentionGeneration[];
  readonly keep: { readonly last: number; readonly minVerified: number };
  /** An administrator has acknowledged that more than half goes. */
  readonly acknowledged: boolean;
  /** Why it is not known for certain what lies at the location; absent when it is. */
  readonly unknown?: string | undefined;
  /** Ids that a required sink has not verified yet; for the source only. */
  readonly undelivered: readonly string[];
  /** How many of the generations came since retention was last carried out here; 0 when that is not known. */
  readonly arrived?: number | undefined;
}

export interface RetentionPlan {
  /** Newest first. */
  readonly keep: readonly { readonly id: string; readonly why: readonly string[] }[];
  /** Oldest first, the order in which they may be removed. */
  readonly remove: readonly { readonly id: string; readonly why: string }[];
  /** Why nothing is removed although the rules may ask for it; begins with the error code. */
  readonly refused?: string;
}

export function planRetention(input: RetentionInput): RetentionPlan {
  const newestFirst = input.generations.toSorted((a, b) => b.seq - a.seq || (a.id < b.id ? 1 : -1));
  const judged = newestFirst.map((generation) => ({
    id: generation.id,
    verified: generation.verified,
    ...judge(generation, newestFirst, input),
  }));
  if (input.unknown !== undefined) {
    return {
      keep: judged.map(({ id, keep }) => ({ id, why: [...keep, "nothing is removed on unknown state"] })),
      remove: [],
      refused: `HO-K702: ${input.unknown}`,
    };
  }
  const leaving = judged.filter(({ keep }) => keep.length === 0);
  const verified = judged.filter((generation) => generation.verified).length;
  const verifiedLeaving = leaving.filter((generation) => generation.verified).length;
  const limit = removalLimit(verified, input);
  if (verifiedLeaving > limit && !input.acknowledged) {
    return {
      keep: judged.map(({ id, keep }) => ({ id, why: keep.length > 0 ? keep : ["more than half would go at once"] })),
      remove: [],
      refused: `HO-K701: ${verifiedLeaving} of ${verified} generations would be removed at once, at most ${limit} may be without an acknowledgement`,
    };
  }
  return {
    keep: judged.filter(({ keep }) => keep.length > 0).map(({ id, keep }) => ({ id, why: keep })),
    remove: leaving.toReversed().map(({ id, remove }) => ({ id, why: remove })),
  };
}

/**
 * How many verified generations may go at once. Half, rounded down; but always one, so that the normal turn of a short
 * rule (2 present, 1 stays) is never blocked; and always as many as arrived since the last time, so that a sink that was
 * away for some nights does not block it either: what that leaves is no less than what was there before. A generation
 * that was never verified does not count: it goes only when as many newer verified ones as the rule asks for stay.
 */
function removalLimit(present: number, input: RetentionInput): number {
  return Math.max(1, Math.floor(present / 2), input.arrived ?? 0);
}

/** The floors and rules that keep one generation; none: it may go, for the reason in `remove`. */
function judge(
  generation: RetentionGeneration,
  newestFirst: readonly RetentionGeneration[],
  { keep: rule, undelivered }: RetentionInput,
): { readonly keep: readonly string[]; readonly remove: string } {
  const type = typeOf(generation);
  const verified = newestFirst.filter((other) => other.verified && typeOf(other) === type);
  const newer = verified.filter((other) => isNewer(other, generation)).length;
  const keep: string[] = [];
  if (generation.verified) {
    if (newer === 0) keep.push("newest verified");
    if (newer < rule.minVerified) keep.push(`minVerified ${rule.minVerified}`);
    if (newer < rule.last) keep.push(`last ${rule.last}`);
  } else if (newer < Math.max(rule.last, rule.minVerified)) keep.push("not verified");
  if (undelivered.includes(generation.id)) keep.push("a required sink has not verified it");
  return { keep, remove: generation.verified ? `beyond last ${rule.last}` : "never verified, superseded" };
}

const typeOf = (generation: RetentionGeneration): string => parseGenerationId(generation.id)?.type ?? "";

const isNewer = (a: RetentionGeneration, b: RetentionGeneration): boolean =>
  a.seq > b.seq || (a.seq === b.seq && a.id > b.id);
