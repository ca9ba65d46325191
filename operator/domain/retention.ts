/**
 * Retention: which generations at one location stay and which may go, each with its reason. Pure: whoever carries the
 * plan out has listed the location before and must not remove anything that the plan does not name.
 *
 * Rules count each family of generations by itself: the states of the whole app, full or based on others, and the dumps, so that
 * hourly dumps never push the nightly state out. Only verified generations count; unverified ones never push a verified one out.
 * `daily 14` keeps the newest verified generation of each of the last 14 days that have one, as restic and Borg do it: days
 * without a backup do not count. The order is that of the numbers and not of the times, for clocks lie.
 *
 * Floors, in the order in which they beat every rule: the newest verified generation stays; `minVerified` stay; what a kept one is
 * based on stays; what the required sinks do not have yet stays; what is held stays; on unknown state everything stays; and no
 * run removes more than half of the verified ones.
 */
import { type BucketOf, type Period, bucketsIn, periods } from "./buckets.ts";
import { familyOf, parseGenerationId } from "./generation.ts";
import { type Hold, isInForce, tellHold } from "./holds.ts";
import { notDelivered, onUnknownState } from "./kept-reasons.ts";
import { type Instant, parseInstant } from "./instant.ts";
import { parseDuration } from "./quantities.ts";

export interface RetentionGeneration {
  readonly id: string;
  readonly seq: number;
  /** RFC 3339: the moment that the state is of, and when it was sealed. */
  readonly time: string;
  readonly sealedAt: string;
  /** Ids of all that it is based on. */
  readonly chain: readonly string[];
  /** The check that is asked for at this location is done, of it and of all that it is based on. */
  readonly verified: boolean;
  readonly bytes: number;
}

/** How many are kept: the newest, and the newest of each hour, day, week, month and year that has one. */
export type KeepRules = Readonly<Partial<Record<"last" | Period, number | undefined>>> & {
  readonly minVerified: number;
  /** A duration: what is older is kept by no rule, but by the floors. */
  readonly maxAge?: string | undefined;
};

export interface RetentionInput {
  readonly generations: readonly RetentionGeneration[];
  readonly keep: KeepRules;
  /** From the IANA list: where days, weeks, months and years begin. */
  readonly timeZone: string;
  /** Of that time zone, for whoever plans thousands of times and keeps what he was told. */
  readonly buckets?: BucketOf | undefined;
  readonly now: Instant;
  /** Ids that an administrator has said may go, although it is more than half. */
  readonly acknowledged: readonly string[];
  /** Why it is not known for certain what lies at the location; absent when it is. */
  readonly unknown?: string | undefined;
  /** Ids that a required sink has not verified yet; for the source only. */
  readonly undelivered: readonly string[];
  /** What is sealed elsewhere and may be based on what lies here; for the source only. */
  readonly waiting: readonly { readonly id: string; readonly chain: readonly string[] }[];
  readonly holds: readonly (Hold & { readonly id: string })[];
  /** How many of the generations came since retention was last carried out here; 0 when that is not known. */
  readonly arrived?: number | undefined;
  /** Ids that the rules had let go when retention was last carried out here, and that only something else kept. */
  readonly due?: readonly string[] | undefined;
}

export interface RetentionPlan {
  /** Newest first. */
  readonly keep: readonly { readonly id: string; readonly why: readonly string[] }[];
  /** Oldest first. Whoever removes them begins with the newest, so that nothing lies there without what it is based on. */
  readonly remove: readonly { readonly id: string; readonly why: string }[];
  /** Ids of `keep` that no rule keeps, nor a floor that counts generations. */
  readonly due: readonly string[];
  /** Why nothing is removed although the rules may ask for it; begins with the error code. */
  readonly refused?: string;
  /** What would go if an administrator said so, oldest first; only with `refused`. */
  readonly proposed?: RetentionPlan["remove"];
}

/** How far clocks of nodes may be apart. */
const clockTolerance = 3_600_000;

interface Judged {
  readonly generation: RetentionGeneration;
  /** The rules, and the floors that count generations. */
  readonly counted: readonly string[];
  readonly keep: readonly string[];
  readonly remove: string;
}

export function planRetention(input: RetentionInput): RetentionPlan {
  const newestFirst = input.generations.toSorted((a, b) => b.seq - a.seq || (a.id < b.id ? 1 : -1));
  const buckets = input.buckets ?? bucketsIn(input.timeZone);
  const unknown = input.unknown ?? doubtOf(newestFirst, input, buckets !== undefined);
  const judged = judge(newestFirst, input, buckets);
  const due = judged.flatMap(({ generation, counted, keep }) =>
    counted.length === 0 && keep.length > 0 ? [generation.id] : [],
  );
  if (unknown !== undefined) {
    return {
      keep: judged.map(({ generation: { id }, keep }) => ({ id, why: [...keep, onUnknownState] })),
      remove: [],
      due,
      refused: `HO-K702: ${unknown}`,
    };
  }
  const leaving = judged.filter(({ keep }) => keep.length === 0);
  const remove = leaving.toReversed().map(({ generation: { id }, remove: why }) => ({ id, why }));
  const before = new Set(input.due);
  const verified = judged.filter(({ generation: { id, verified: counts } }) => counts && !before.has(id));
  const acknowledged = new Set(input.acknowledged);
  const sudden = verified.filter(({ keep, generation: { id } }) => keep.length === 0 && !acknowledged.has(id));
  const limit = removalLimit(verified.length, input);
  if (sudden.length > limit) {
    return {
      keep: judged.map(({ generation: { id }, keep }) => ({
        id,
        why: keep.length > 0 ? keep : ["more than half would go at once"],
      })),
      remove: [],
      due,
      refused: `HO-K701: ${sudden.length} of ${verified.length} generations would be removed at once, at most ${limit} may be without an acknowledgement`,
      proposed: remove,
    };
  }
  const staying = judged.filter(({ keep }) => keep.length > 0);
  return { keep: staying.map(({ generation: { id }, keep }) => ({ id, why: keep })), remove, due };
}

/**
 * How many verified generations may go at once. Half, rounded down; but always one, so that the normal turn of a short
 * rule (2 present, 1 stays) is never blocked; and always as many as arrived since the last time, so that a sink that was
 * away for some nights does not block it either: what that leaves is no less than what was there before, but for a tenth of that,
 * because days and weeks end meanwhile. A generation that was never verified does not count: it goes only when as many newer verified ones as the rule asks for stay. Nor does one
 * that the rules had let go before, as the bases of a chain: the last of those that are based on it takes them all along.
 */
function removalLimit(present: number, { arrived = 0 }: RetentionInput): number {
  return Math.max(1, Math.floor(present / 2), arrived + Math.floor(Math.max(0, present - arrived) / 10));
}

/** Why nothing can be judged here; undefined when it can. */
function doubtOf(
  newestFirst: readonly RetentionGeneration[],
  { now, timeZone }: RetentionInput,
  isKnownZone: boolean,
): string | undefined {
  return isKnownZone ? doubtOfClock(newestFirst, now) : `the time zone ${timeZone.slice(0, 64)} is unknown`;
}

/** Why the clock is not to be believed beside what lies here; undefined when it is. */
export function doubtOfClock(
  newestFirst: readonly Pick<RetentionGeneration, "id" | "time" | "sealedAt">[],
  now: Instant,
): string | undefined {
  for (const { id, time, sealedAt } of newestFirst) {
    const moments = [parseInstant(time), parseInstant(sealedAt)];
    if (moments.includes(undefined)) return `the times of ${id} cannot be read`;
    if (moments.some((at) => (at ?? 0) > now + clockTolerance))
      return `the clock is behind ${id}, which was sealed at ${sealedAt}: one of them is wrong`;
  }
  return undefined;
}

function judge(
  newestFirst: readonly RetentionGeneration[],
  input: RetentionInput,
  buckets: BucketOf | undefined,
): readonly Judged[] {
  const rules = chooseByRules(newestFirst, input, buckets);
  const newer = newerVerified(newestFirst);
  const counted = new Map(
    newestFirst.map((generation) => [generation.id, count(generation, newer.get(generation.id) ?? 0, input, rules)]),
  );
  const others = new Map(newestFirst.map(({ id }) => [id, otherFloors(id, input)]));
  const bases = basesOf(
    newestFirst,
    input.waiting,
    (id) => counted.get(id)?.length !== 0 || others.get(id)?.length !== 0,
  );
  return newestFirst.map((generation) => {
    const { id } = generation;
    const own = counted.get(id) ?? [];
    return {
      generation,
      counted: own,
      keep: [...own, ...tellBases(bases.get(id)), ...(others.get(id) ?? [])],
      remove: whyRemoved(generation, input, rules),
    };
  });
}

type Rules = ReadonlyMap<string, readonly string[]>;

/**
 * What the rules say of each generation; what is older than maxAge takes its place like any other, and loses it. One that is not
 * verified takes no place, and is chosen while it would have one: where the marks of a whole store are lost, what the years have
 * left must not go with the first few that are verified anew.
 */
function chooseByRules(
  newestFirst: readonly RetentionGeneration[],
  { keep }: RetentionInput,
  buckets: BucketOf | undefined,
): Rules {
  const chosen = new Map<string, string[]>();
  const choose = (id: string, why: string): void => void chosen.set(id, [...(chosen.get(id) ?? []), why]);
  for (const family of new Set(newestFirst.map(familyIn))) {
    const members = newestFirst.filter((one) => familyIn(one) === family);
    const verified = members.filter((one) => one.verified);
    for (const { id } of verified.slice(0, keep.last ?? 0)) choose(id, `last ${keep.last}`);
    for (const period of periods) {
      const wanted = keep[period] ?? 0;
      const seen = new Set<string>();
      for (const { id, time, verified: counts } of members) {
        if (seen.size >= wanted) break;
        const bucket = buckets?.(parseInstant(time) ?? 0, period) ?? "";
        if (!seen.has(bucket)) choose(id, `${period} ${wanted}`);
        if (counts) seen.add(bucket);
      }
    }
  }
  return chosen;
}

/** Of each generation, how many verified ones of its family are newer. */
function newerVerified(newestFirst: readonly RetentionGeneration[]): ReadonlyMap<string, number> {
  const newer = new Map<string, number>();
  const seen = new Map<string, number>();
  for (const generation of newestFirst) {
    const family = familyIn(generation);
    const before = seen.get(family) ?? 0;
    newer.set(generation.id, before);
    if (generation.verified) seen.set(family, before + 1);
  }
  return newer;
}

/** The floors that count generations, and the rules. */
function count(generation: RetentionGeneration, newer: number, input: RetentionInput, rules: Rules): readonly string[] {
  const { keep } = input;
  const old = isOld(generation, input);
  if (!generation.verified) {
    const isChosen = !old && (newer < (keep.last ?? 0) || rules.has(generation.id));
    return isChosen || newer < keep.minVerified ? ["not verified"] : [];
  }
  return [
    ...(newer === 0 ? ["newest verified"] : []),
    ...(newer < keep.minVerified ? [`minVerified ${keep.minVerified}`] : []),
    ...(old ? [] : (rules.get(generation.id) ?? [])),
  ];
}

function otherFloors(id: string, { undelivered, holds, now }: RetentionInput): readonly string[] {
  return [
    ...(undelivered.includes(id) ? [notDelivered] : []),
    ...holds.filter((hold) => hold.id === id && isInForce(hold, now)).map(tellHold),
  ];
}

/** For each generation, the kept ones that are based on it, newest first: what is kept is worth nothing without them. */
function basesOf(
  newestFirst: readonly RetentionGeneration[],
  waiting: RetentionInput["waiting"],
  isKept: (id: string) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const known = new Map(newestFirst.map((generation) => [generation.id, generation]));
  const needed = new Map<string, string[]>();
  const kept: { readonly id: string; readonly chain: readonly string[] }[] = [
    ...waiting,
    ...newestFirst.filter(({ id }) => isKept(id)),
  ];
  const done = new Set(kept.map(({ id }) => id));
  // It grows while it is walked: a base is kept as well, and so is what it is based on itself.
  for (const { id, chain } of kept)
    for (const base of chain) {
      needed.set(base, [...(needed.get(base) ?? []), id]);
      const generation = known.get(base);
      if (generation === undefined || done.has(base)) continue;
      done.add(base);
      kept.push(generation);
    }
  return needed;
}

function tellBases(of: readonly string[] = []): readonly string[] {
  const newest = of.toSorted().at(-1);
  if (newest === undefined) return [];
  return [`base of ${newest.slice(0, 6)}${of.length === 1 ? "" : ` and ${of.length - 1} more`}`];
}

function whyRemoved(generation: RetentionGeneration, { keep }: RetentionInput, rules: Rules): string {
  if (!generation.verified) return "never verified, superseded";
  if (rules.has(generation.id)) return `older than maxAge ${keep.maxAge}`;
  const asked = (["last", ...periods] as const).flatMap((rule) => {
    const number = keep[rule] ?? 0;
    return number === 0 ? [] : [`${rule} ${number}`];
  });
  return `beyond ${asked.length === 0 ? `minVerified ${keep.minVerified}` : asked.join(", ")}`;
}

const isOld = ({ time }: RetentionGeneration, { keep: { maxAge }, now }: RetentionInput): boolean =>
  maxAge !== undefined && now - (parseInstant(time) ?? now) > (parseDuration(maxAge) ?? Infinity);

const familyIn = ({ id }: RetentionGeneration): string => familyOf(parseGenerationId(id)?.type ?? "");
