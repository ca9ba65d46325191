/* Generated from crds/restorerequests.yaml by `npm run generate`. Do not edit. */
/**
 * What is to be brought back. Only planOnly may change, from true to false.
 */
export interface RestoreRequestSpec {
  /**
   * BackupPolicy in this namespace. It says which databases, volumes and workloads are the target, and where generations lie.
   */
  policyName: string;
  /**
   * Which generation. Exactly one of generation, latest and before. Without a match the request fails and names the nearest generations; it never takes another one.
   */
  from: {
    /**
     * Id of a generation, for example 000042-20261121T010203Z-full, or its six digits. Without include, what it has of the policy is restored, and the plan names what it lacks.
     */
    generation?: string;
    /**
     * The newest verified generation that has everything that is to be restored. Only true is possible.
     */
    latest?: true;
    /**
     * The newest verified generation from before this time that has everything that is to be restored, for example 2026-11-21T12:00:00Z.
     */
    before?: string;
    /**
     * Where it is read from, source or the name of a sink. By default the nearest verified copy; a location that cannot be read is passed over, and the plan says so.
     */
    location?: string;
  };
  /**
   * Only these parts; the others stay as they are. By default every database and volume of the policy; latest and before then pass over generations of databases alone.
   */
  include?: {
    /**
     * Names of databases of the policy. None when only volumes are named.
     *
     * Items: Name of an entry of spec.databases of the policy.
     */
    databases?: string[];
    /**
     * Names of volumes of the policy. None when only databases are named.
     *
     * Items: Name of an entry of spec.volumes of the policy.
     */
    volumes?: string[];
  };
  /**
   * Where it is brought back to. InPlace, the default, replaces the databases and the contents of the volumes of the app, all together or not at all.
   */
  target: "InPlace";
  /**
   * Whether to make the plan, show it in the status and wait. False by default. Nothing changes until it is set to false.
   */
  planOnly: boolean;
}
/**
 * What has happened. The record that every step stands on.
 */
export interface RestoreRequestStatus {
  /**
   * Generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * For people: the step and its number.
   */
  phase?: string;
  /**
   * Complete: the app runs on the restored state. Failed: the app runs on the state it had before, unless app says Down.
   */
  result?: "" | "Complete" | "Failed";
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
   * Texts for the columns of kubectl get. For people, not an API.
   */
  display?: {
    /**
     * One line: what matters now.
     */
    message?: string;
  };
  /**
   * The policy as it was when the request was accepted.
   */
  policy?: {
    [k: string]: unknown;
  };
  /**
   * UID of the policy.
   */
  policyUID?: string;
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
     * UID when the request was accepted.
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
   * What will be done.
   */
  plan?: {
    /**
     * Id of the generation.
     */
    generation: string;
    /**
     * Location it is read from.
     */
    from: string;
    /**
     * When the generation was sealed.
     */
    sealedAt?: string;
    /**
     * What is replaced.
     *
     * Items: One line for people.
     */
    replaces?: string[];
    /**
     * Bytes of the state that is brought back.
     */
    bytes?: number;
    /**
     * What a person should know before.
     *
     * Items: One line for people.
     */
    warnings?: string[];
  };
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
     * What the mover reported.
     */
    result?: {
      [k: string]: unknown;
    };
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
