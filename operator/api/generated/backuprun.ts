/* Generated from crds/backupruns.yaml by `npm run generate`. Do not edit. */
/**
 * What is to be done. It never changes; a run that is not wanted any more is cancelled with the annotation backup.handover.dev/cancel=true.
 */
export interface BackupRunSpec {
  /**
   * BackupPolicy in this namespace that is backed up. The run keeps the policy as it is when the run is accepted.
   */
  policyName: string;
  /**
   * What is captured. Full, the default: databases and volumes, with the app at rest as the policy says. Incremental: the same state, stored as what differs from the newest generation with volumes. Differential: stored as what differs from the newest full one. Both dump the databases whole, and become a Full by themselves when there is nothing whole to be based on; status.base says why. Database: the databases only, while the app runs. Config: the volumes of class Config and what spec.config of the policy names, while the app runs; if nothing of it has changed, no generation is made.
   */
  type: "Full" | "Incremental" | "Differential" | "Database" | "Config";
  /**
   * Schedule of the policy whose slot this is. Absent for a run started by hand.
   */
  scheduleName?: string;
  /**
   * Start of the slot, for example 2026-11-22T02:00:00Z. Absent for a run started by hand.
   */
  scheduledFor?: string;
  /**
   * Names of the sinks of the policy that the generation goes to. All of them by default, and when empty.
   *
   * Items: Name of a sink of the policy.
   */
  sinks: string[];
}
/**
 * What has happened. The record that every step stands on.
 */
export interface BackupRunStatus {
  /**
   * Generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * For people: the step and its number.
   */
  phase?: string;
  /**
   * Complete: sealed and verified everywhere it has to be. AtRisk: restorable, with fewer copies than wanted. Failed: nothing restorable was produced; older generations are untouched.
   */
  result?: "" | "Complete" | "AtRisk" | "Failed";
  /**
   * Up, Stopped (by us, within the budget), Down (it should be up and is not), Unknown.
   */
  app?: "Up" | "Parked" | "Stopped" | "Down" | "Unknown";
  /**
   * Error code, empty when all is well.
   */
  code?: string;
  /**
   * One line for people that ends with a command to paste.
   */
  advice?: string;
  /**
   * From the first missing to the last returned ready replica.
   */
  downtime?: string;
  /**
   * From no process of the app to the release of the source: the part of the downtime that is ours.
   */
  freeze?: string;
  /**
   * Texts for the columns of kubectl get. For people, not an API.
   */
  display?: {
    /**
     * Stored size.
     */
    size?: string;
    /**
     * Verified copies of the copies wanted.
     */
    copies?: string;
    /**
     * One line: what matters now.
     */
    message?: string;
  };
  /**
   * Number of the generation in its lineage.
   */
  seq?: number;
  /**
   * Of a run of type Incremental or Differential: what its generation is based on, or why it is a full one. Decided and recorded before the app is stopped.
   */
  base?: {
    /**
     * Id of the generation that it is based on.
     */
    generation?: string;
    /**
     * Digest of the manifest of that generation.
     */
    manifestSHA256?: string;
    /**
     * Why a full generation is made instead. For people.
     */
    full?: string;
  };
  /**
   * The policy as it was when the run was accepted. A later edit or deletion does not change a run.
   */
  policy?: {
    [k: string]: unknown;
  };
  /**
   * UID of the policy.
   */
  policyUID?: string;
  /**
   * Of a run of type Config that found no change: the newest generation of the configuration, which still is what was found. No other one was made.
   */
  unchanged?: string;
  /**
   * UID of the pod whose staging directory is sealed.
   */
  capturePodUID?: string;
  /**
   * The workloads and what was seen of them.
   */
  workloads?: {
    /**
     * Deployment or StatefulSet.
     */
    kind: string;
    /**
     * Name of the workload.
     */
    name: string;
    /**
     * UID when the run was accepted.
     */
    uid: string;
    /**
     * Replicas that it is given back.
     */
    replicas: number;
    /**
     * When it was taken hold of to stop it; absent for one that was found at zero.
     */
    heldAt?: string;
    /**
     * Its metadata.generation once this stop has brought it to zero; another one means that somebody has changed it since.
     */
    downGeneration?: number;
  }[];
  /**
   * While the app is being stopped, the pods that were seen running and have not been seen to end.
   */
  pods?: {
    /**
     * Name of the pod.
     */
    name: string;
    /**
     * UID of the pod.
     */
    uid: string;
  }[];
  /**
   * The generation that this run made.
   */
  generation?: {
    /**
     * Id of the generation.
     */
    id: string;
    /**
     * What was made: Full, Incremental, Differential, Database or Config.
     */
    type?: string;
    /**
     * Id of the generation that it is based on, empty for one that stands alone.
     */
    parent?: string;
    /**
     * Quiesced, or Running when it was captured while the app ran.
     */
    consistency?: string;
    /**
     * When it was sealed.
     */
    sealedAt?: string;
    /**
     * Bytes of the state.
     */
    bytes?: number;
    /**
     * Bytes that were stored.
     */
    storedBytes?: number;
    /**
     * Files in the volumes.
     */
    files?: number;
    /**
     * Tables in the databases.
     */
    tables?: number;
    /**
     * Digest of its manifest.
     */
    manifestSHA256?: string;
  };
  /**
   * Where it lies.
   */
  copies?: {
    /**
     * source, or the name of a sink.
     */
    location: string;
    /**
     * Stored is there, Verified was re-read and is equal to the manifest.
     */
    state: "Missing" | "Stored" | "Verified" | "Damaged" | "Pruned";
    /**
     * Whether the run needs this copy to be Complete.
     */
    required?: boolean;
    /**
     * When the state changed.
     */
    time?: string;
    /**
     * Error code, empty when all is well.
     */
    code?: string;
  }[];
  /**
   * What was done, in order. Written before it is done.
   */
  steps?: {
    /**
     * Name of the step; a step per sink is named Step/sink.
     */
    name: string;
    /**
     * Where the step stands. Waiting retries at retryAt; Skipped was not needed.
     */
    state: "Pending" | "Running" | "Waiting" | "Done" | "Skipped" | "Failed";
    /**
     * Attempt, from 1.
     */
    attempt?: number;
    /**
     * Job of the attempt.
     */
    job?: string;
    /**
     * When the step was started.
     */
    startedAt?: string;
    /**
     * When the step ended.
     */
    finishedAt?: string;
    /**
     * When the next attempt starts.
     */
    retryAt?: string;
    /**
     * Error code, empty when all is well.
     */
    code?: string;
    /**
     * What happened.
     */
    message?: string;
    /**
     * Of a prune, the digest of the plan that is on record and may be acted upon.
     */
    approved?: string;
    /**
     * Of a prune, how often it has planned; those attempts have not failed.
     */
    rounds?: number;
    /**
     * What the mover reported.
     */
    result?: {
      [k: string]: unknown;
    };
  }[];
  /**
   * What retention has planned at each place, written before anything is removed there.
   */
  retention?: {
    /**
     * source, or the name of a sink.
     */
    location: string;
    /**
     * Planned is on record and not yet acted upon, Waiting needs an acknowledgement, Refused means that what lies there is not certain.
     */
    state: "Planned" | "Done" | "Waiting" | "Refused";
    /**
     * When the plan was made.
     */
    plannedAt?: string;
    /**
     * SHA-256 of the sorted ids that the plan removes; absent when it removes none.
     */
    digest?: string;
    /**
     * How many generations the plan removes.
     */
    removes?: number;
    /**
     * The oldest of what the plan removes, and why.
     */
    remove?: {
      /**
       * Id of the generation.
       */
      id: string;
      /**
       * The rules that do not keep it.
       */
      why: string;
    }[];
    /**
     * Why which numbers stay. One that has several reasons is named with each.
     */
    kept?: {
      /**
       * A rule or a floor.
       */
      why: string;
      /**
       * Numbers of the generations, as in 3-9,12.
       */
      sequences: string;
      /**
       * Numbers below this one are not told of here; absent when all are.
       */
      since?: number;
    }[];
    /**
     * Ids that were taken back out of the trash.
     *
     * Items: Id of a generation.
     */
    tookBack?: string[];
  }[];
  /**
   * Moments of the stop, by the clock of the operator.
   */
  times?: {
    /**
     * The first workload was scaled to zero.
     */
    stopAt?: string;
    /**
     * No process of the app runs.
     */
    goneAt?: string;
    /**
     * The source is released.
     */
    releasedAt?: string;
    /**
     * The replicas were written back.
     */
    givenBackAt?: string;
    /**
     * The last replica is ready.
     */
    readyAt?: string;
  };
  /**
   * Conditions by the conventions of the Kubernetes API.
   */
  conditions?: {
    /**
     * Type of the condition.
     */
    type: string;
    /**
     * True, False or Unknown.
     */
    status: "True" | "False" | "Unknown";
    /**
     * Generation of the spec that the condition speaks of.
     */
    observedGeneration?: number;
    /**
     * When status changed last.
     */
    lastTransitionTime: string;
    /**
     * CamelCase reason.
     */
    reason: string;
    /**
     * For people.
     */
    message: string;
  }[];
}
