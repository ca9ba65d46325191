/** The runs that the schedules of a policy are going to make. Pure. */
import type { PolicySpec } from "../api/kinds.ts";
import { type GenerationType, holdsVolumes } from "../domain/generation.ts";
import type { Instant } from "../domain/instant.ts";
import { nextSlot } from "../domain/schedule.ts";
import type { FutureRun } from "./simulation.ts";

/** Hourly for two years and more. What is simulated is planned at each of them, at each location. */
export const mostRuns = 20_000;

/**
 * In the order in which they start. A slot that a clock change skips or doubles is one.
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
  const ordered = all.toSorted(
    (a, b) => a.at - b.at || ranks[a.type] - ranks[b.type] || b.sinks.length - a.sinks.length,
  );
  const needed: FutureRun[] = [];
  for (const run of ordered) if (!isBrought(run, needed)) needed.push(run);
  return needed;
}

/** As in decide/slots.ts: the type that stands most by itself starts first. */
const ranks: Readonly<Record<GenerationType, number>> = { Full: 0, Differential: 1, Incremental: 2, Database: 3 };

/** Of several slots of one moment, one that has brought what another asks for makes it unnecessary. A dump is always made. */
const isBrought = (run: FutureRun, before: readonly FutureRun[]): boolean =>
  holdsVolumes(run.type) &&
  before
    .slice(-16)
    .some(
      (other) =>
        other.at === run.at &&
        ranks[other.type] <= ranks[run.type] &&
        run.sinks.every((sink) => other.sinks.includes(sink)),
    );

/** None for a schedule that the operator refuses as well. */
function slotAfter(schedule: NonNullable<PolicySpec["schedules"]>[number], after: Instant): Instant | undefined {
  try {
    return nextSlot(schedule, after);
  } catch {
    return undefined;
  }
}
