/** What the workloads and their records say about the app on its way back: whose zero it is, given back, ready. */
import type { HeldWorkload, Pod, Workload } from "../api/kinds.ts";
import { type AppObservation, matchesSelector, workloadKey } from "./app.ts";
import { isTerminated } from "./job-state.ts";
import { changeRecord, isDamaged, rebuildRecord, restoringRecord } from "./record.ts";
import { type Move, deletedRecord, recordOf, waiting } from "./workload.ts";

/**
 * Whether a workload without a record is at zero because of this holder: somebody has deleted the record. When its guard has given
 * it back, the record is gone as well, and a workload that is at zero after that was parked by a person; its generation tells. Giving
 * back and parking are two changes of the spec; one change and still zero is an edit of something else.
 */
export const isLeftAtZero = (item: HeldWorkload, workload: Workload | undefined): boolean =>
  item.heldAt !== undefined &&
  workload?.metadata.uid === item.uid &&
  workload.spec.replicas === 0 &&
  (workload.metadata.generation ?? 0) <= (item.downGeneration ?? Number.NaN) + 1;

/** Whether somebody has made it anew from what it was while it was stopped: the zero in it is ours. */
const isMadeAtZero = (item: HeldWorkload, workload: Workload): boolean =>
  item.heldAt !== undefined && item.replicas > 0 && workload.metadata.uid !== item.uid && workload.spec.replicas === 0;

/** One step towards "nothing of the app is held by us", in the reverse order of the policy. */
export function decideGiveBack(
  app: AppObservation,
  namespace: string,
  held: readonly HeldWorkload[],
  holderUID: string,
): Move {
  let stuck: Move | undefined;
  for (const item of held.toReversed()) {
    const found = recordOf(app, item.uid);
    const broken = found === undefined ? app.records.get(item.uid) : undefined;
    if (broken !== undefined) {
      // Damaged, and not of a newer release: what it is for is on record here as well.
      if (isDamaged(broken) && isLeftAtZero(item, app.workloads.get(workloadKey(item))))
        return waiting(`the quiesce record of ${item.kind} ${item.name} is damaged and written anew`, {
          do: "updateRecord",
          record: changeRecord(broken, restoringRecord(item)),
        });
      stuck = { ...waiting(`the quiesce record of ${item.kind} ${item.name} cannot be read`), unreadable: true };
      continue;
    }
    if (found === undefined) {
      if (!isLeftAtZero(item, app.workloads.get(workloadKey(item)))) continue;
      return waiting(deletedRecord(item), { do: "createRecord", record: rebuildRecord(namespace, item) });
    }
    const { lease, record } = found;
    if (record.holders.some(({ uid }) => uid === holderUID)) {
      const holders = record.holders.filter(({ uid }) => uid !== holderUID);
      const state = holders.length === 0 && record.state === "Down" ? "Restoring" : record.state;
      return waiting(`giving back ${item.kind} ${item.name}`, {
        do: "updateRecord",
        record: changeRecord(lease, { ...record, holders, state }),
      });
    }
    // Nobody holds it any more: it comes back before the next one is let go.
    if (record.holders.length === 0) return waiting(`giving back ${item.kind} ${item.name}`);
    // Held by somebody else, who may be waiting for what we still hold: so the next one is let go, too.
    stuck ??= waiting(
      `${item.kind} ${item.name} is still held by ${record.holders.map(({ name }) => name).join(", ")}`,
    );
  }
  // Given back by us, but the app is not up yet, and this must not say so.
  return stuck ?? { state: "reached", actions: [], message: "replicas given back" };
}

/** Workloads that are not there, or whose ready replicas are fewer than they should be. */
export function unreadyWorkloads(app: AppObservation, held: readonly HeldWorkload[]): readonly string[] {
  return held.flatMap((item) => {
    const workload = app.workloads.get(workloadKey(item));
    const name = `${item.kind} ${item.name}`;
    if (workload === undefined) return [name];
    if (isMadeAtZero(item, workload)) return [`${name} (made anew at 0 replicas, it had ${item.replicas})`];
    // What is counted as ready may be on its way out: a StatefulSet counts its pod until the end, and has no other beside it.
    const leaves = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined && !isTerminated(pod);
    if (item.kind === "StatefulSet" && app.pods.some((pod) => leaves(pod) && matchesSelector(pod, workload)))
      return [name];
    const settled = (workload.status?.observedGeneration ?? 0) >= (workload.metadata.generation ?? 0);
    return settled && (workload.status?.readyReplicas ?? 0) >= (workload.spec.replicas ?? 1) ? [] : [name];
  });
}
