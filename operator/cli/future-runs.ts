/** The runs that the schedules of a policy are going to make. Pure. */
import type { PolicySpec } from "../api/kinds.ts";
import type { Instant } from "../domain/instant.ts";
import { nextSlot } from "../domain/schedule.ts";
import type { FutureRun } from "./simulation.ts";

/** Hourly for two years and more. What is simulated is planned at each of them, at each location. */
export const mostRuns = 20_000;

/**
 * In order of time, those of the same moment in the order of the schedules. A slot that a clock change skips or doubles is one.
 * @returns undefined when there are more than can be simulated
 */
export function futureRuns(spec: PolicySpec, now: Instant, until: Instant): readonly FutureRun[] | undefined {
  const all: FutureRun[] = [];
  for (const schedule of spec.schedules ?? []) {
    const sinks = schedule.sinks ?? [];
    const names = spec.sinks.map(({ name }) => name).filter((name) => sinks.length === 0 || sinks.includes(name));
    for (let at = slotAfter(schedule, now); at !== undefined && at <= until; at = slotAfter(schedule, at)) {
      all.push({ at, type: schedule.type, sinks: names });
      if (all.length > mostRuns) return undefined;
    }
  }
  return all.toSorted((a, b) => a.at - b.at);
}

/** None for a schedule that the operator refuses as well. */
function slotAfter(schedule: NonNullable<PolicySpec["schedules"]>[number], after: Instant): Instant | undefined {
  try {
    return nextSlot(schedule, after);
  } catch {
    return undefined;
  }
}
