/**
 * Hours, days, weeks, months and years of a time zone, as keys that are equal for moments of the same one. An hour that the clocks
 * repeat counts twice, for it is two; a day has as many hours as it has.
 */
import { type Instant, parseInstant } from "./instant.ts";

/** From short to long. */
export const periods = ["hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type Period = (typeof periods)[number];

/** To make one takes longer than all else that is asked of a policy, and each pass over it asks. */
const made = new Map<string, Intl.DateTimeFormat>();

/** @returns undefined for a name that is not in the IANA list. */
function formatterOf(timeZone: string): Intl.DateTimeFormat | undefined {
  // Offsets are taken, too, and do not follow clock changes.
  if (!/^[A-Za-z]/.test(timeZone)) return undefined;
  try {
    const formatter = made.get(timeZone) ?? makeFormatter(timeZone);
    made.set(timeZone, formatter);
    return formatter;
  } catch {
    return undefined;
  }
}

const makeFormatter = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    timeZoneName: "longOffset",
  });

export const isTimeZone = (timeZone: string): boolean => formatterOf(timeZone) !== undefined;

export type BucketOf = (at: Instant, period: Period) => string;

/** @returns undefined when the time zone is unknown. */
export function bucketsIn(timeZone: string): BucketOf | undefined {
  const formatter = formatterOf(timeZone);
  if (formatter === undefined) return undefined;
  // Taking a moment apart is what costs, and each is asked for with every period.
  const known = new Map<Instant, Readonly<Record<Period, string>>>();
  return (at, period) => {
    const keys = known.get(at) ?? keysOf(formatter, at);
    known.set(at, keys);
    return keys[period];
  };
}

function keysOf(formatter: Intl.DateTimeFormat, at: Instant): Readonly<Record<Period, string>> {
  const parts = new Map(formatter.formatToParts(at).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
  const yearly = part("year");
  const monthly = `${yearly}-${part("month")}`;
  const daily = `${monthly}-${part("day")}`;
  return {
    hourly: `${daily} ${part("hour")} ${part("timeZoneName")}`,
    daily,
    weekly: `week ${weekOf(daily)}`,
    monthly,
    yearly,
  };
}

/** Weeks begin on Monday, as in ISO 8601, and belong to no year. 1970 began on a Thursday. */
function weekOf(day: string): number {
  const days = Math.floor((parseInstant(`${day}T00:00:00Z`) ?? 0) / 86_400_000);
  return Math.floor((days + 3) / 7);
}
