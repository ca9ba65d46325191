/**
 * Cron with time zones. A slot is an instant. A local time that a clock change skips runs once, at the end of the gap; one
 * that it doubles runs once. The only file below `cluster` that makes Date objects: the cron library wants them.
 */
import { Cron } from "croner";
import type { Instant } from "./instant.ts";
import { parseDuration } from "./quantities.ts";

export interface Schedule {
  /** Absent with `onChange`. */
  readonly cron?: string;
  readonly timeZone: string;
  readonly onChange?: { readonly interval: string };
}

export type ScheduleProblem = "UnknownTimeZone" | "CronNotUnderstood" | "ScheduleNeverFires";

/** Without a function to call it sets no timer. */
const parse = ({ cron = "", timeZone }: Schedule): Cron => new Cron(cron, { timezone: timeZone, mode: "5-part" });

/** What its slots depend on: with another one it is another schedule. */
export const identityOf = ({ cron, timeZone, onChange }: Schedule): string =>
  onChange === undefined ? `${cron} ${timeZone}` : `every ${onChange.interval}`;

/** Slots of an interval lie on its multiples, so that they have names that stay. */
const intervalOf = ({ onChange }: Schedule): number | undefined =>
  onChange === undefined ? undefined : parseDuration(onChange.interval);

/** @returns what is wrong with a schedule, found before anything relies on it. */
export function checkSchedule(schedule: Schedule, now: Instant): ScheduleProblem | undefined {
  if (intervalOf(schedule) !== undefined) return undefined;
  try {
    parse({ cron: "0 0 * * *", timeZone: schedule.timeZone }).nextRun(new Date(now));
  } catch {
    return "UnknownTimeZone";
  }
  try {
    return nextSlot(schedule, now) === undefined ? "ScheduleNeverFires" : undefined;
  } catch {
    return "CronNotUnderstood";
  }
}

/** First slot after the given instant. */
export function nextSlot(schedule: Schedule, after: Instant): Instant | undefined {
  const interval = intervalOf(schedule);
  if (interval !== undefined) return (Math.floor(after / interval) + 1) * interval;
  return parse(schedule).nextRun(new Date(after))?.getTime();
}

/** Newest slot at or before the given instant, and after `since`. */
export function latestSlot(schedule: Schedule, since: Instant, now: Instant): Instant | undefined {
  const interval = intervalOf(schedule);
  if (interval !== undefined) {
    const slot = Math.floor(now / interval) * interval;
    return slot > since ? slot : undefined;
  }
  const minute = 60_000;
  // previousRuns looks strictly before; a slot at exactly `now` is due. Slots lie on whole minutes, so none is later.
  const [previous] = parse(schedule).previousRuns(1, new Date(Math.floor(now / minute) * minute + minute));
  const slot = previous?.getTime();
  return slot !== undefined && slot > since ? slot : undefined;
}

/** `20261121-0102` in UTC, part of the name of a run, so that a slot can exist once only. */
export function slotLabel(isoTime: string): string {
  return `${isoTime.slice(0, 10).replaceAll("-", "")}-${isoTime.slice(11, 16).replace(":", "")}`;
}
