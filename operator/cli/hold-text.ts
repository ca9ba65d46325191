/** The annotation that holds a generation, as it is typed and as it is shown; domain/holds.ts reads it. */
import { type Hold, forever, isInForce, releasedReason } from "../domain/holds.ts";
import { type Instant, formatInstant, parseInstant } from "../domain/instant.ts";
import { parseDuration } from "../domain/quantities.ts";
import type { Generation } from "./catalogue.ts";
import { Failure, exitCodes } from "./failure.ts";
import { exactTime } from "./table.ts";

export const maxReasonLength = 200;

export const formatHold = ({ until, reason }: { readonly until: string; readonly reason: string }): string =>
  `${until} ${reason}`;

export const isExpired = (hold: Hold, now: Instant): boolean => !isInForce(hold, now);

/** Of the end of what a person holds, and of what a prune has taken back, those that are to come; the longest first. */
export function holdsInForce(
  { hold, takenBack }: Pick<Generation, "hold" | "takenBack">,
  now: Instant,
): readonly Hold[] {
  const order = ({ until }: Hold): string => (until === forever ? "~" : until);
  return [...(hold === undefined ? [] : [hold]), ...takenBack]
    .filter((one) => isInForce(one, now))
    .toSorted((a, b) => (order(a) < order(b) ? 1 : -1));
}

/** What is said of holds: those in force, or one that has ended by itself. */
export function tellHolds(
  { hold, takenBack }: Pick<Generation, "hold" | "takenBack">,
  now: Instant,
): string | undefined {
  const ended = hold === undefined || hold.reason === releasedReason ? [] : [tellHold(hold, now)];
  const places = new Map<string, readonly string[]>();
  for (const { location, ...one } of takenBack)
    if (isInForce(one, now)) places.set(tellHold(one, now), [...(places.get(tellHold(one, now)) ?? []), location]);
  const texts = [
    ...(hold !== undefined && isInForce(hold, now) ? [tellHold(hold, now)] : []),
    ...[...places].map(([text, at]) => `${text}, at ${at.join(", ")}`),
  ];
  const said = texts.length > 0 ? texts : ended;
  return said.length === 0 ? undefined : said.join("; ");
}

export const tellHold = (hold: Hold, now: Instant): string =>
  `${hold.until === forever ? forever : `${isExpired(hold, now) ? "expired" : "until"} ${hold.until}`}, ${hold.reason}`;

/**
 * A moment to come: RFC 3339, a date (to its end, in UTC), or a duration from now on.
 * @throws Failure with the option's name when it is none, or is past
 */
export function parseUntil(text: string, now: Instant, option: string, verb: string): Instant {
  const duration = parseDuration(text);
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? parseInstant(`${text}T00:00:00Z`) : undefined;
  const at = duration !== undefined ? now + duration : day !== undefined ? day + 86_400_000 : parseInstant(text);
  const next = `kubectl handover ${verb} --help`;
  if (at === undefined)
    throw new Failure(
      exitCodes.usage,
      `${option} ${text} is neither a date (2027-01-31), nor a time (2027-01-31T12:00:00Z), nor a duration (30d)`,
      next,
    );
  // Beyond it years have five digits, which is no RFC 3339.
  if (at <= now || at > latest)
    throw new Failure(
      exitCodes.usage,
      `${option} ${text} is ${at <= now ? "past" : "too far away"}; now is ${exactTime(now)}`,
      next,
    );
  return at;
}

const latest = parseInstant("9999-12-31T00:00:00Z") ?? 0;

/** Whole seconds, rounded up: a hold ends no earlier than was asked. */
export const untilText = (at: Instant): string => `${formatInstant(Math.ceil(at / 1_000) * 1_000).slice(0, 19)}Z`;
