/** The rules of retention as a policy has them and as `--keep` gives them. A policy that an older release has accepted lacks some. */
import * as z from "zod";
import type { BackupPolicy } from "../api/kinds.ts";
import { periods } from "../domain/buckets.ts";
import { parseDuration } from "../domain/quantities.ts";
import type { KeepRules } from "../domain/retention.ts";
import { wrongUsage } from "./failure.ts";

export const countRules = ["last", ...periods] as const;
export type CountRule = (typeof countRules)[number];

export type Rules = KeepRules;

const amount = z.number().int().min(0).optional();
const rulesSchema = z.object({
  last: amount,
  hourly: amount,
  daily: amount,
  weekly: amount,
  monthly: amount,
  yearly: amount,
  maxAge: z.string().optional(),
  minVerified: z.number().int().min(1).default(1),
});
const retentionSchema = z.object({
  source: rulesSchema,
  sinks: rulesSchema,
  trash: z.string().default("24h"),
  timeZone: z.string().default("UTC"),
});
const sinkSchema = z.object({ retention: rulesSchema.optional() });

const retentionOf = ({ spec }: BackupPolicy): z.infer<typeof retentionSchema> => retentionSchema.parse(spec.retention);

/** A sink may have rules of its own. */
export function rulesAt(policy: BackupPolicy, location: string): Rules {
  const own = policy.spec.sinks.find(({ name }) => name === location);
  const { source, sinks } = retentionOf(policy);
  return location === "source" ? source : (sinkSchema.parse(own ?? {}).retention ?? sinks);
}

export const timeZoneOf = (policy: BackupPolicy): string => retentionOf(policy).timeZone;

/** How long what was pruned can be taken back, in milliseconds. */
export const trashOf = (policy: BackupPolicy): number => parseDuration(retentionOf(policy).trash) ?? 0;

export const describeRules = (rules: Rules): string =>
  [
    ...countRules.flatMap((name) => ((rules[name] ?? 0) > 0 ? [`${name} ${rules[name]}`] : [])),
    ...(rules.maxAge === undefined ? [] : [`maxAge ${rules.maxAge}`]),
    `minVerified ${rules.minVerified}`,
  ].join(", ");

const isCountRule = (name: string): name is CountRule => countRules.some((rule) => rule === name);

/** By location; the empty name is for every location that has none of its own. */
export type GivenRules = ReadonlyMap<string, Partial<Rules>>;

/**
 * `last=7,daily=14` for every location, `vault:monthly=12` for one.
 * @throws Failure that names what is not understood
 */
export function parseKeep(texts: readonly string[], locations: readonly string[]): GivenRules {
  const given = new Map<string, Partial<Rules>>();
  for (const text of texts) {
    const [, location = "", list = ""] = /^(?:([^:=,]+):)?(.*)$/.exec(text) ?? [];
    if (location !== "" && !locations.includes(location))
      throw wrongUsage(`--keep ${text}: there is no location ${location}, but ${locations.join(", ")}`, "prune");
    let rules: Partial<Rules> = given.get(location) ?? {};
    for (const part of list.split(",")) rules = { ...rules, ...parseRule(part, text) };
    given.set(location, rules);
  }
  for (const [, rules] of given)
    if (countRules.every((name) => (rules[name] ?? 0) === 0))
      throw wrongUsage(
        `--keep ${texts.join(" --keep ")} keeps nothing: at least one of ${countRules.join(", ")} has to be 1 or more`,
        "prune",
      );
  return given;
}

function parseRule(part: string, text: string): Partial<Rules> {
  const [, name = "", value = ""] = /^\s*([A-Za-z]+)=(\w+)\s*$/.exec(part) ?? [];
  if (name === "maxAge") {
    if (parseDuration(value) === undefined)
      throw wrongUsage(`--keep ${text}: maxAge is a duration such as 400d`, "prune");
    return { maxAge: value };
  }
  const number = /^[0-9]{1,5}$/.test(value) ? Number(value) : undefined;
  if (name === "minVerified" && number !== undefined && number >= 1) return { minVerified: number };
  if (isCountRule(name) && number !== undefined) return { [name]: number };
  throw wrongUsage(
    `--keep ${text}: ${part === "" ? "something is missing" : `${part} is not understood`}; it goes like last=7,daily=14,maxAge=400d, and the rules are ${[...countRules, "maxAge", "minVerified"].join(", ")}`,
    "prune",
  );
}

/**
 * What is given stands alone but for the floor, which stays as the policy has it unless it is given as well; and at the source
 * `last`, which the schema sets.
 * @throws Failure when the schema would refuse the rules
 */
export function effectiveRules(policy: BackupPolicy, location: string, given: GivenRules): Rules {
  const present = rulesAt(policy, location);
  const asked = given.get(location) ?? given.get("");
  if (asked === undefined) return present;
  const rules = { minVerified: present.minVerified, ...(location === "source" ? { last: 2 } : {}), ...asked };
  const total = countRules.reduce((sum, name) => sum + (rules[name] ?? 0), 0);
  if (total < rules.minVerified)
    throw wrongUsage(
      `a policy with these rules is not accepted: at ${location} last and the other counts are smaller than minVerified, which is ${rules.minVerified} there: raise last, or add minVerified=${Math.max(1, total)}`,
      "prune",
    );
  return rules;
}
