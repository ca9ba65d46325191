/** Stopping the app and giving it back. */
import { type CodeEntry, untouched, nothing, givenBack, discarded, editPolicy } from "./entry.ts";

export const app = {
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
    next: "set spec.persistentVolumeClaimRetentionPolicy.whenScaled to Retain: kubectl -n {namespace} get statefulsets",
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
  "HO-S212": {
    reason: "GuardNotArmed",
    what: "The guard that would give the app back without the controller did not start, so the app was not stopped.",
    app: untouched,
    data: nothing,
    next: "kubectl -n {namespace} get events --field-selector involvedObject.kind=Job",
  },
} as const satisfies Readonly<Record<string, CodeEntry>>;
