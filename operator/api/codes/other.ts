/** Space, deadlines, and what has no other name. */
import { type CodeEntry, onPresentState, givenBack, discarded, editPolicy, logs } from "./entry.ts";

export const other = {
  "HO-C901": {
    reason: "StoreFull",
    what: "The store has too little free space.",
    app: "running",
    data: discarded,
    next: "grow the claim, or keep fewer generations: " + editPolicy,
  },
  "HO-C902": {
    reason: "SinkFull",
    what: "The sink has too little free space.",
    app: "running, not affected",
    data: "the generation waits at the source and is not pruned",
    next: "grow the claim of the sink, or keep fewer generations: " + editPolicy,
  },
  "HO-C903": {
    reason: "TargetFull",
    what: "The volume or the database server has too little free space for the restored state beside the present one.",
    app: onPresentState,
    data: "nothing was changed",
    next: "grow the claim of the volume: kubectl -n {namespace} get pvc",
  },
  "HO-X001": {
    reason: "StepFailed",
    what: "A step ended in a way that Handover has no name for.",
    app: "running",
    data: discarded,
    next: logs,
  },
  "HO-X002": {
    reason: "DeadlineExceeded",
    what: "A step did not end within its deadline.",
    app: givenBack,
    data: discarded,
    next: logs,
  },
  "HO-X003": {
    reason: "Cancelled",
    what: "The run or the restore was cancelled.",
    app: givenBack,
    data: discarded,
    next: "kubectl -n {namespace} get brun,rreq",
  },
} as const satisfies Readonly<Record<string, CodeEntry>>;
