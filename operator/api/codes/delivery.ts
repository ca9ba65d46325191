/** Transport, verification and pruning. */
import { type CodeEntry, describePolicy, logs } from "./entry.ts";

export const delivery = {
  "HO-T501": {
    reason: "TransportFailed",
    what: "The transport to a sink failed.",
    app: "running, not affected",
    data: "the generation waits at the source and is brought over by the next run; it is not pruned",
    next: logs,
  },
  "HO-T502": {
    reason: "SinkForeign",
    what: "The sink is not the one the policy saw before, is empty, or belongs to something else.",
    app: "running, not affected",
    data: "the generation waits at the source; nothing was written to the sink",
    next: describePolicy,
  },
  "HO-T503": {
    reason: "TransportPartial",
    what: "A generation at the source is not what its manifest says, so it cannot be brought to a sink. The others were.",
    app: "running, not affected",
    data: "the others are at the sink and are checked there; the one that the message names cannot be relied upon",
    next: "check the disk of the store: kubectl -n {namespace} describe bpol {policy}",
  },
  "HO-V601": {
    reason: "CopyDamaged",
    what: "A copy at a sink does not equal its manifest.",
    app: "running, not affected",
    data: "the copy was set aside and does not count; it is brought over again by the next run",
    next: "check the disk of the sink, then start another run: kubectl -n {namespace} describe bpol {policy}",
  },
  "HO-V602": {
    reason: "VerifyFailed",
    what: "The copies at a sink could not be verified.",
    app: "running, not affected",
    data: "the copies are there, but do not count as verified",
    next: logs,
  },
  "HO-V603": {
    reason: "CopyBaseless",
    what: "A copy at a sink is based on another one there that is damaged or gone.",
    app: "running, not affected",
    data: "the copy is there and whole, but does not count until what it is based on is brought over again",
    next: "check the disk of the sink, then start another run: kubectl -n {namespace} describe bpol {policy}",
  },
  "HO-K701": {
    reason: "PruneRefused",
    what: "Pruning stopped before it removed anything, because the rules would remove more than half. The plan is in status.retention of the run, and waits for its acknowledgement.",
    app: "not affected",
    data: "nothing was removed",
    next: "kubectl -n {namespace} annotate bpol {policy} backup.handover.dev/acknowledge-prune={plan} --overwrite",
  },
  "HO-K702": {
    reason: "PruneFrozen",
    what: "What lies at a location is not known for certain, so nothing is removed there.",
    app: "not affected",
    data: "nothing was removed",
    next: describePolicy,
  },
  "HO-K703": {
    reason: "PruneFailed",
    what: "Pruning failed.",
    app: "not affected",
    data: "nothing that counts was removed",
    next: logs,
  },
  "HO-K704": {
    reason: "PlanUnsettled",
    what: "Whenever a prune was to act on the plan that is on record, another one had to be made by then.",
    app: "not affected",
    data: "nothing was removed; the next run plans again",
    next: "kubectl -n {namespace} get brun {run} -o jsonpath='{.status.retention}'",
  },
  "HO-K705": {
    reason: "NotInCatalogue",
    what: "A run was to be made of a generation that no listing on record has, or of a location that the policy does not have.",
    app: "not affected",
    data: "nothing was changed",
    next: "kubectl -n {namespace} get bpol {policy} -o jsonpath='{.status.adoption}'",
  },
} as const satisfies Readonly<Record<string, CodeEntry>>;
