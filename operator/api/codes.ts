/**
 * The error catalogue: every way in which a run, a restore or a policy can stop, with what it means for the app, for the
 * data, and the command to type next. One source for status, events, documentation and tests. Codes are never reused.
 * Families: P preflight, S stop and start, D database, A archive, T transport, V verify, K keep and prune, R restore,
 * C capacity, X other.
 */

export interface CodeEntry {
  /** CamelCase, the reason of conditions and events. */
  readonly reason: string;
  readonly what: string;
  /** For the app at the moment the code is reported. */
  readonly app: string;
  readonly data: string;
  /** `{namespace}`, `{policy}`, `{run}` and `{job}` are filled in. */
  readonly next: string;
}

const untouched = "not stopped";
const nothing = "nothing was written; older generations are untouched";
const givenBack = "given back, running";
const discarded = "this run left no generation; older generations are untouched";
const describePolicy = "kubectl -n {namespace} describe bpol {policy}";
const editPolicy = "kubectl -n {namespace} edit bpol {policy}";
const logs = "kubectl -n {namespace} logs job/{job} --all-containers";

export const catalogue = {
  "HO-P101": {
    reason: "PolicyNotFound",
    what: "The BackupPolicy does not exist.",
    app: untouched,
    data: nothing,
    next: "kubectl -n {namespace} get bpol",
  },
  "HO-P102": {
    reason: "ClaimNotFound",
    what: "A PersistentVolumeClaim does not exist.",
    app: untouched,
    data: nothing,
    next: "kubectl -n {namespace} get pvc",
  },
  "HO-P103": {
    reason: "ClaimNotBound",
    what: "A PersistentVolumeClaim is not bound to a volume.",
    app: untouched,
    data: nothing,
    next: "kubectl -n {namespace} describe pvc",
  },
  "HO-P104": {
    reason: "SecretMissing",
    what: "A Secret or one of its keys is missing.",
    app: untouched,
    data: nothing,
    next: "kubectl -n {namespace} get secret",
  },
  "HO-P105": {
    reason: "StoreForeign",
    what: "The store is not the one the policy saw before, is empty, or belongs to something else.",
    app: untouched,
    data: nothing,
    next: describePolicy,
  },
  "HO-P106": {
    reason: "LineageForeign",
    what: "The directory of this policy belongs to another policy of the same name.",
    app: untouched,
    data: nothing,
    next: "kubectl -n {namespace} annotate bpol {policy} backup.handover.dev/adopt-lineage=<uid in the message>",
  },
  "HO-P107": {
    reason: "VolumeEmpty",
    what: "A volume is empty although the newest generation of it holds files, or a path in it does not exist.",
    app: untouched,
    data: nothing,
    next: "kubectl -n {namespace} annotate bpol {policy} backup.handover.dev/accept-empty=<volume in the message>",
  },
  "HO-P108": {
    reason: "InvalidSpec",
    what: "The policy cannot work as it is written.",
    app: untouched,
    data: nothing,
    next: editPolicy,
  },
  "HO-P109": {
    reason: "RunActive",
    what: "Another run of this policy is active.",
    app: untouched,
    data: nothing,
    next: "kubectl -n {namespace} get brun",
  },
  "HO-P110": {
    reason: "UnknownTimeZone",
    what: "The time zone of a schedule is unknown.",
    app: untouched,
    data: nothing,
    next: editPolicy,
  },
  "HO-P111": {
    reason: "ScheduleNeverFires",
    what: "The cron expression of a schedule is wrong or never comes true.",
    app: untouched,
    data: nothing,
    next: editPolicy,
  },
  "HO-P112": {
    reason: "PolicyInvalidSink",
    what: "The run names a sink that the policy does not have.",
    app: untouched,
    data: nothing,
    next: editPolicy,
  },
  "HO-P113": {
    reason: "LineageBusy",
    what: "A newer run works in the same lineage; this one gives up.",
    app: givenBack,
    data: discarded,
    next: "kubectl -n {namespace} get brun",
  },
  "HO-P114": {
    reason: "JobRejected",
    what: "The cluster refused or could not start the pod of a step.",
    app: givenBack,
    data: discarded,
    next: "kubectl -n {namespace} describe job {job}",
  },
  "HO-S201": {
    reason: "WorkloadNotFound",
    what: "A workload of the policy does not exist.",
    app: "unknown",
    data: nothing,
    next: "kubectl -n {namespace} get deployments,statefulsets",
  },
  "HO-S202": {
    reason: "WouldDeletePVCs",
    what: "The StatefulSet deletes its claims when it is scaled down; stopping it would destroy its data.",
    app: untouched,
    data: nothing,
    next: "set spec.persistentVolumeClaimRetentionPolicy.whenScaled to Retain",
  },
  "HO-S203": {
    reason: "WorkloadOwned",
    what: "The workload is controlled by another object, which would start it again.",
    app: untouched,
    data: nothing,
    next: "name the controlling object's own way to stop, or another workload: " + editPolicy,
  },
  "HO-S204": {
    reason: "RolloutInProgress",
    what: "The workload is in the middle of a rollout.",
    app: untouched,
    data: nothing,
    next: "wait with kubectl -n {namespace} rollout status, then start another run",
  },
  "HO-S205": {
    reason: "AutoscalerMayWake",
    what: "An autoscaler scales the workload and may start it during the capture.",
    app: untouched,
    data: nothing,
    next: "kubectl -n {namespace} get hpa",
  },
  "HO-S206": {
    reason: "ClaimInUse",
    what: "A pod that is not part of the policy's workloads uses a claim of the app.",
    app: untouched,
    data: nothing,
    next: "add its workload under spec.app.workloads: " + editPolicy,
  },
  "HO-S207": {
    reason: "StopTimeout",
    what: "Pods of the app did not end within stopTimeout.",
    app: givenBack,
    data: discarded,
    next: "set spec.app.stopTimeout above the pods' grace period: " + editPolicy,
  },
  "HO-S208": {
    reason: "DowntimeBudgetExceeded",
    what: "maxDowntime was reached; the app was given back first.",
    app: givenBack,
    data: discarded,
    next: "raise spec.app.maxDowntime: " + editPolicy,
  },
  "HO-S209": {
    reason: "QuiesceLost",
    what: "Something started the app during the capture, so the capture is worth nothing.",
    app: "running",
    data: discarded,
    next: "kubectl -n {namespace} get events",
  },
  "HO-S210": {
    reason: "AppNotReady",
    what: "The app is not ready after its replicas were given back.",
    app: "DOWN in part or whole; its replicas are set, Handover changes nothing more",
    data: "the generation is not affected",
    next: "kubectl -n {namespace} get pods",
  },
  "HO-S211": {
    reason: "QuiesceContested",
    what: "The replicas of the workload could not be changed.",
    app: "running",
    data: discarded,
    next: "kubectl -n {namespace} get events",
  },
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
    next: "correct username and password in the Secret that the message names",
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
    next: "grant the right that the message names",
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
  "HO-V601": {
    reason: "CopyDamaged",
    what: "A copy at a sink does not equal its manifest.",
    app: "running, not affected",
    data: "the copy was set aside and does not count; it is brought over again by the next run",
    next: "check the disk of the sink, then start another run",
  },
  "HO-V602": {
    reason: "VerifyFailed",
    what: "The copies at a sink could not be verified.",
    app: "running, not affected",
    data: "the copies are there, but do not count as verified",
    next: logs,
  },
  "HO-K701": {
    reason: "PruneRefused",
    what: "Pruning stopped before it removed anything, because the rules would remove more than half.",
    app: "not affected",
    data: "nothing was removed",
    next: "kubectl -n {namespace} annotate bpol {policy} backup.handover.dev/acknowledge-prune=true",
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
  "HO-R801": {
    reason: "GenerationNotFound",
    what: "No verified generation matches.",
    app: untouched,
    data: "nothing was changed",
    next: "kubectl -n {namespace} get brun",
  },
  "HO-R802": {
    reason: "GenerationDamaged",
    what: "The generation does not equal its manifest.",
    app: untouched,
    data: "nothing was changed",
    next: "restore from another location: set spec.from.location",
  },
  "HO-R803": {
    reason: "StageFailed",
    what: "The generation could not be loaded beside the app.",
    app: "not stopped, running on its present state",
    data: "nothing was changed",
    next: logs,
  },
  "HO-R804": {
    reason: "SwapFailed",
    what: "Exchanging the present state for the restored one failed.",
    app: "stopped",
    data: "both states are still there",
    next: logs,
  },
  "HO-R805": {
    reason: "PartUnknown",
    what: "The request names a database or volume that the generation or the policy does not have.",
    app: untouched,
    data: "nothing was changed",
    next: "kubectl -n {namespace} describe bpol {policy}",
  },
  "HO-R806": {
    reason: "RestoreActive",
    what: "Another restore or run of this policy is active.",
    app: untouched,
    data: "nothing was changed",
    next: "kubectl -n {namespace} get brun,rreq",
  },
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
    app: "not stopped, running on its present state",
    data: "nothing was changed",
    next: "grow the claim of the volume",
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
    what: "The run was cancelled.",
    app: givenBack,
    data: discarded,
    next: "kubectl -n {namespace} get brun",
  },
} as const satisfies Readonly<Record<string, CodeEntry>>;

export type ErrorCode = keyof typeof catalogue;
export const errorCodes = Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]];

/** Fills in the entry of a code. A name that is not known stays visible as `<job>`, so that the command cannot be run by mistake. */
export function explain(
  code: ErrorCode,
  names: {
    readonly namespace: string;
    readonly policy: string;
    readonly run: string;
    readonly job?: string | undefined;
  },
): CodeEntry {
  const entry: CodeEntry = catalogue[code];
  const fill = (text: string): string =>
    text
      .replaceAll("{namespace}", names.namespace)
      .replaceAll("{policy}", names.policy)
      .replaceAll("{run}", names.run)
      .replaceAll("{job}", names.job ?? "<job>");
  return { ...entry, next: fill(entry.next) };
}
