/**
 * What the prunes at a place have left on record that the next one goes by: what it left there, what the rules had let go by then,
 * what it holds because it was taken back, and which plan waits. As the place has it itself in `catalogue.json`, `held/` and
 * `plans.json`, which nobody can read from here. Pure.
 */
import { type BackupRun } from "../api/kinds.ts";
import { type Hold, takenBackReason } from "../domain/holds.ts";
import { isBesideRules, notDelivered, ofFormerPolicy } from "../domain/kept-reasons.ts";
import { hasSequence } from "../domain/sequences.ts";
import { type RecordedPlan, recordedPlans } from "./plan-record.ts";

export interface PlaceRecord {
  /** Whether the last prune that was carried out left it there; undefined when no run tells of such a prune. */
  readonly left: ((seq: number) => boolean) | undefined;
  /** Whether the rules had let it go by then, and only something else kept it. */
  readonly isDue: (seq: number) => boolean;
  /** The record has no room for all reasons, so of some generations it is not known whether they were due. */
  readonly isPartial: boolean;
  readonly takenBack: (seq: number) => Hold | undefined;
  readonly isFormer: (seq: number) => boolean;
  /** The plan that waits for an acknowledgement; `ids` are the oldest ones of it. */
  readonly waiting: { readonly digest: string; readonly removes: number; readonly ids: readonly string[] } | undefined;
}

/** As mover/retention/report.ts limits them. */
const mostReasons = 16;

const newest = (plans: readonly RecordedPlan[]): RecordedPlan | undefined =>
  plans.toSorted((a, b) => (a.plannedAt < b.plannedAt ? 1 : -1))[0];

const reasonsIn = (plan: RecordedPlan | undefined, seq: number): readonly string[] =>
  (plan?.kept ?? [])
    .filter(({ sequences, since }) => hasSequence({ since, ranges: sequences }, seq))
    .map(({ why }) => why);

/** @param runs of one policy */
export function recordAt(location: string, runs: readonly BackupRun[]): PlaceRecord {
  const plans = runs.flatMap(recordedPlans).filter((plan) => plan.location === location);
  const last = newest(plans);
  const done = newest(plans.filter(({ state }) => state === "Done"));
  const kept = done?.kept ?? [];
  const since = Math.max(1, ...kept.map((group) => group.since));
  const isFull = kept.length >= mostReasons;
  return {
    left:
      done === undefined ? undefined : (seq) => seq < since || reasonsIn(done, seq).some((why) => why !== notDelivered),
    isDue: (seq) => {
      const reasons = reasonsIn(done, seq);
      const isKnown = !isFull && seq >= since;
      // What waits for a sink lies elsewhere, and no rule has looked at it.
      return isKnown && reasons.some((why) => why !== notDelivered) && reasons.every(isBesideRules);
    },
    isPartial: isFull || since > 1,
    takenBack: (seq) => takenBackIn(reasonsIn(last, seq)),
    isFormer: (seq) => reasonsIn(last, seq).includes(ofFormerPolicy),
    waiting:
      last?.state === "Waiting" && last.digest !== undefined
        ? { digest: last.digest, removes: last.removes ?? last.remove.length, ids: last.remove.map(({ id }) => id) }
        : undefined,
  };
}

function takenBackIn(reasons: readonly string[]): Hold | undefined {
  for (const why of reasons) {
    const [, until, reason] = /^held until ([^ ]+): (.*)$/.exec(why) ?? [];
    if (until !== undefined && reason === takenBackReason) return { until, reason };
  }
  return undefined;
}
