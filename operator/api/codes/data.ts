/** Dumping, copying, packing and sealing. */
import { type CodeEntry, untouched, nothing, givenBack, discarded, editPolicy, logs } from "./entry.ts";

export const data = {
  "HO-D301": {
    reason: "DatabaseUnreachable",
    what: "The database server cannot be reached.",
    app: untouched,
    data: nothing,
    next: "kubectl -n {namespace} get svc,pods",
  },
  "HO-D302": {
    reason: "DatabaseAuthFailed",
    what: "The database server refuses the user name or the password.",
    app: untouched,
    data: nothing,
    next: "correct the Secret that spec.databases names: kubectl -n {namespace} get bpol {policy} -o yaml",
  },
  "HO-D303": {
    reason: "DatabaseNotFound",
    what: "The database does not exist on the server.",
    app: untouched,
    data: nothing,
    next: editPolicy,
  },
  "HO-D304": {
    reason: "ClientTooOld",
    what: "The server is newer than every PostgreSQL client in the image.",
    app: untouched,
    data: nothing,
    next: "upgrade Handover: helm upgrade",
  },
  "HO-D305": {
    reason: "DatabaseForbidden",
    what: "The database user lacks a right that the step needs.",
    app: untouched,
    data: nothing,
    next: "grant the right that the message names: kubectl -n {namespace} exec -it <pod of the database> -- psql",
  },
  "HO-D306": {
    reason: "DumpFailed",
    what: "The dump of the database failed.",
    app: givenBack,
    data: discarded,
    next: logs,
  },
  "HO-A401": {
    reason: "FileUnreadable",
    what: "A file of the app cannot be read.",
    app: "running",
    data: discarded,
    next: "make it readable or exclude it: " + editPolicy,
  },
  "HO-A402": {
    reason: "SourceChanged",
    what: "Files changed while nothing should have changed them.",
    app: givenBack,
    data: discarded,
    next: "find who writes to the volume: kubectl -n {namespace} get pods",
  },
  "HO-A403": {
    reason: "ArchiveFailed",
    what: "Copying or packing the volumes failed.",
    app: givenBack,
    data: discarded,
    next: logs,
  },
  "HO-A404": {
    reason: "SealFailed",
    what: "The captured generation does not equal what was captured, so it was not sealed.",
    app: "running",
    data: discarded,
    next: logs,
  },
  "HO-A405": {
    reason: "BaseLost",
    what: "The generation that this one was to be based on is missing or damaged since the run began.",
    app: givenBack,
    data: discarded,
    next: "run it again, which makes a full generation by itself: kubectl -n {namespace} get bpol {policy}",
  },
  "HO-A406": {
    reason: "SealUnclear",
    what: "The seal reported another generation than the one it was asked for.",
    app: "running",
    data: "nothing that this run has captured counts; older generations are untouched",
    next: "start another run, and look at what is in the store: kubectl -n {namespace} get brun {run} -o yaml",
  },
} as const satisfies Readonly<Record<string, CodeEntry>>;
