/**
 * The exchange of a restore: the one window in which an app must not start, because it would start on a mixture of old and new. Before
 * it, during it and after it, these say what is known of it.
 */
import { type HoldContext, startedSince } from "./hold-steps.ts";
import { type AppObservation, workloadKey } from "./app.ts";
import { judgeJob } from "./job-state.ts";
import { changeRecord } from "./record.ts";
import { claimTrouble, volumeClaims } from "./locations.ts";
import type { HeldWorkload } from "../api/kinds.ts";
import type { RestoreContext } from "./restore-observation.ts";
import { type StepRecord, fail } from "./step.ts";
import { type Move, recordOf, waiting } from "./workload.ts";

/** It has begun and is not over: neither old nor new can be relied on. */
export const isOpen = (swap: StepRecord | undefined): boolean => swap?.state === "Running" || swap?.state === "Waiting";

/**
 * Whether a failed exchange may have done a part of its work. One that was refused, was cancelled before it began, or whose one
 * pod never got a place has changed nothing; of any other failure that is not known.
 */
export function mayBeHalf(swap: StepRecord | undefined): boolean {
  if (swap?.state !== "Failed" || swap.code === "HO-R807" || swap.code === "HO-X003") return false;
  const neverPlaced = swap.code === "HO-P114" || swap.code === "HO-P103";
  return !(neverPlaced && swap.attempt === 1);
}

/** Whether a Job of an earlier step may still write: one that was ended takes a while. */
export const isBusy = ({ seen, draft, now }: RestoreContext): boolean =>
  ["Stage", "Swap"].some((name) => {
    const job = draft.steps.get(name)?.job;
    if (job === undefined) return false;
    return ["running", "ending"].includes(judgeJob(job, seen.jobs.get(job), seen.app.pods, now).is);
  });

/** One step towards "nothing but the end of its holder gives the app back": before an exchange of its data begins. */
function decideExchange(app: AppObservation, held: readonly HeldWorkload[], holderUID: string): Move {
  for (const item of held) {
    const found = recordOf(app, item.uid);
    const own = found?.record.holders.find(({ uid }) => uid === holderUID);
    if (found === undefined || own === undefined || own.exchanging === true) continue;
    const holders = found.record.holders.map((holder) => (holder === own ? { ...own, exchanging: true } : holder));
    return waiting(`closing ${item.kind} ${item.name} for the exchange`, {
      do: "updateRecord",
      record: changeRecord(found.lease, { ...found.record, holders }),
    });
  }
  return { state: "reached", actions: [], message: "" };
}

/** Looks once more that the app is down, and closes its records: from here on no deadline gives it back. */
export function mayExchange(step: StepRecord, hold: HoldContext, { draft, now }: RestoreContext): boolean {
  const started = startedSince(hold);
  if (started !== undefined) {
    draft.steps.set(step.name, fail(step, now, "HO-R807", `${started} before the exchange`));
    draft.waits.push(0);
    return false;
  }
  const move = decideExchange(hold.app, hold.held, hold.holder.uid);
  draft.actions.push(...move.actions);
  if (move.state !== "reached") draft.waits.push(0);
  return move.state === "reached";
}

/**
 * An app that somebody starts meanwhile writes into what is being replaced. The exchange goes on, because half of one is worse; but
 * the restore does not call itself complete, and what was replaced is kept.
 */
export function noteDisturbance(step: StepRecord, hold: HoldContext): StepRecord {
  const started = step.code === undefined ? startedSince(hold) : undefined;
  return started === undefined ? step : { ...step, code: "HO-R808", message: started };
}

/**
 * The request is deleted together with everything that it is about, as when its namespace is: nothing can be made there any more, and
 * there is nothing left that could be half exchanged.
 */
export function isAbandoned({ seen, draft }: RestoreContext): boolean {
  const { policy, workloads = [] } = draft.status;
  if (seen.request.metadata.deletionTimestamp === undefined || policy === undefined) return false;
  const { app } = seen;
  const left = workloads.some((item) => app.workloads.get(workloadKey(item))?.metadata.uid === item.uid);
  const claims = [policy.store.claimName, ...volumeClaims(policy)];
  return !left && claims.every((name) => claimTrouble(name, app.claims)?.code === "HO-P102");
}
