/** Restores. */
import { type CodeEntry, onPresentState, untouched, logs } from "./entry.ts";

export const restore = {
  "HO-R801": {
    reason: "GenerationNotFound",
    what: "No verified generation matches.",
    app: untouched,
    data: "nothing was changed",
    next: "kubectl -n {namespace} get brun",
  },
  "HO-R802": {
    reason: "GenerationDamaged",
    what: "The generation does not equal its manifest, or is another than its run has made.",
    app: untouched,
    data: "nothing was changed",
    next: "name another location under spec.from.location: kubectl -n {namespace} get bpol {policy}",
  },
  "HO-R803": {
    reason: "StageFailed",
    what: "The generation could not be loaded beside the app.",
    app: onPresentState,
    data: "nothing was changed",
    next: logs,
  },
  "HO-R804": {
    reason: "SwapFailed",
    what: "Exchanging the present state for the restored one failed.",
    app: "kept stopped, because it would start on a mixture of old and new",
    data: "both states are still there",
    next: "look at the volumes and the database, then start the app as it is: kubectl -n {namespace} delete rreq {run}",
  },
  "HO-R805": {
    reason: "PartUnknown",
    what: "A database or volume that is to be restored is not in the policy, or in no generation that matches.",
    app: untouched,
    data: "nothing was changed",
    next: "kubectl -n {namespace} describe bpol {policy}",
  },
  "HO-R806": {
    reason: "RestoreActive",
    what: "Another restore or run of this policy is active.",
    app: untouched,
    data: "nothing was changed",
    next: "start it again when that one is over: kubectl -n {namespace} get brun,rreq",
  },
  "HO-R807": {
    reason: "SwapRefused",
    what: "The exchange was refused before anything was exchanged.",
    app: "given back, running on its present state",
    data: "nothing was changed",
    next: logs,
  },
  "HO-R808": {
    reason: "ExchangeDisturbed",
    what: "Something started the app during the exchange, so it may have written into what was being replaced.",
    app: "running on the restored state",
    data: "what was replaced is kept, in .handover-* of the volumes and in databases with _old_ in their names",
    next: "find out who starts the app, compare, then restore again: kubectl -n {namespace} get events",
  },
  "HO-R809": {
    reason: "ChainBroken",
    what: "A generation that the chosen one is based on is missing or damaged.",
    app: untouched,
    data: "nothing was changed",
    next: "name another location or generation under spec.from: kubectl -n {namespace} get brun",
  },
  "HO-R810": {
    reason: "ConfigByHand",
    what: "ConfigMaps and keys of Secrets are not restored by Handover, and the generation holds nothing else.",
    app: untouched,
    data: "nothing was changed",
    next: "apply its files by hand, as its RESTORE.md says: kubectl -n {namespace} create configmap <name> --from-file=<directory> --dry-run=client -o yaml",
  },
  "HO-R811": {
    reason: "NameIsPinned",
    what: "A volume holds a name that is marked so that nobody may move it (chattr +i or +a).",
    app: untouched,
    data: "nothing was changed",
    next: "take the mark away, then restore again: kubectl -n {namespace} exec POD -- chattr -i -a NAME",
  },
} as const satisfies Readonly<Record<string, CodeEntry>>;
