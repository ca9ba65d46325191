/* Generated from crds/backuppolicies.yaml by `make generate`. Do not edit. */
/**
 * What the administrator wants.
 */
export interface BackupPolicySpec {
  /**
   * No scheduled runs while true. Runs started by hand, giving an app back and pending transports go on.
   */
  suspend: boolean;
  /**
   * The application that is stopped for the capture.
   */
  app: {
    /**
     * Workloads that are scaled to zero, in this order, and given back in reverse order.
     */
    workloads: {
      /**
       * Deployment or StatefulSet.
       */
      kind: "Deployment" | "StatefulSet";
      /**
       * Name of the workload in this namespace.
       */
      name: string;
    }[];
    /**
     * ScaleToZero stops the workloads while the frozen part is captured. None captures while the app runs; the generation says so.
     */
    quiesce: "ScaleToZero" | "None";
    /**
     * All pods have to be gone by then, otherwise the app is given back and the run fails. Longer than the termination grace period of the pods.
     */
    stopTimeout: string;
    /**
     * Hard budget for the downtime. When it is reached, the app is given back first and the run fails afterwards.
     */
    maxDowntime: string;
  };
  /**
   * PostgreSQL databases that belong to the application.
   */
  databases?: {
    /**
     * Name of the directory inside the generation.
     */
    name: string;
    /**
     * How the server is reached.
     */
    postgres: {
      /**
       * Host name or address of the server, usually the name of a Service in this namespace.
       */
      host: string;
      /**
       * TCP port of the server.
       */
      port: number;
      /**
       * Name of the database on the server.
       */
      database: string;
      /**
       * Secret in this namespace with the keys username and password and, to verify the server's certificate, ca.crt.
       */
      secretRef: {
        /**
         * Name of the Secret.
         */
        name: string;
      };
    };
    /**
     * When the app may start again. AfterSnapshot: as soon as the dump holds its snapshot and locks. AfterDump: when the dump is complete, for apps that change their schema when they start.
     */
    release: "AfterSnapshot" | "AfterDump";
  }[];
  /**
   * Volumes that belong to the application.
   */
  volumes?: {
    /**
     * Name of the volume inside the generation.
     */
    name: string;
    /**
     * PersistentVolumeClaim in this namespace.
     */
    claimName: string;
    /**
     * Directories or files below the root of the volume that are captured. Everything by default.
     */
    paths: string[];
    /**
     * Patterns that are left out, relative to the root of the volume. * matches inside one path segment, ** across segments.
     */
    exclude: string[];
  }[];
  /**
   * The source store: a claim beside the app with the mirror, the handover point and the source's generations.
   */
  store: {
    /**
     * PersistentVolumeClaim in this namespace.
     */
    claimName: string;
  };
  /**
   * Places that keep copies.
   */
  sinks: {
    /**
     * Name of the sink, shown as the location of its copies.
     */
    name: string;
    /**
     * A claim as the sink.
     */
    claim: {
      /**
       * PersistentVolumeClaim in this namespace.
       */
      claimName: string;
    };
    /**
     * How a copy is checked after the last write. Full re-reads every byte, Sample a tenth of the files and every manifest, None checks the manifest only. Only Full counts as verified for pruning.
     */
    verify: "Full" | "Sample" | "None";
    /**
     * Whether a run needs this copy to be Complete and the source needs it before it prunes.
     */
    required: boolean;
    /**
     * What this sink keeps, instead of retention.sinks.
     */
    retention?: {
      /**
       * Number of newest verified generations that are kept.
       */
      last: number;
      /**
       * Never fewer verified generations than this, whatever the rules say.
       */
      minVerified: number;
    };
  }[];
  /**
   * When runs start.
   */
  schedules?: {
    /**
     * Name of the schedule, part of the names of its runs.
     */
    name: string;
    /**
     * Full captures databases and volumes of the stopped app. Database captures the databases only, while the app runs.
     */
    type: "Full" | "Database";
    /**
     * Five fields: minute, hour, day of month, month, day of week. A local time that a clock change skips or doubles runs once.
     */
    cron: string;
    /**
     * Name from the IANA time zone list, for example Europe/Berlin.
     */
    timeZone: string;
    /**
     * A slot that was missed is caught up once if it is not older than this.
     */
    startingDeadline: string;
    /**
     * Only to these sinks. All by default.
     */
    sinks?: string[];
  }[];
  /**
   * What is kept. Floors beat every rule: the newest verified generation stays, minVerified stays, and the source gives nothing up before every required sink has verified it.
   */
  retention: {
    /**
     * What the source store keeps.
     */
    source: {
      /**
       * Number of newest verified generations that are kept.
       */
      last: number;
      /**
       * Never fewer verified generations than this, whatever the rules say.
       */
      minVerified: number;
    };
    /**
     * What each sink keeps, unless the sink says otherwise.
     */
    sinks: {
      /**
       * Number of newest verified generations that are kept.
       */
      last: number;
      /**
       * Never fewer verified generations than this, whatever the rules say.
       */
      minVerified: number;
    };
  };
  /**
   * How the pods that move data run.
   */
  mover: {
    /**
     * Resource requests and limits of each container.
     */
    resources?: {
      /**
       * Requests by resource name.
       */
      requests?: {
        [k: string]: number | string;
      };
      /**
       * Limits by resource name.
       */
      limits?: {
        [k: string]: number | string;
      };
    };
    /**
     * User id of the pods. 0 reads every file and restores owners; another id suffices when it may read the volumes and write store and sinks.
     */
    runAsUser: number;
    /**
     * Group id of the pods.
     */
    runAsGroup?: number;
    /**
     * Labels of the nodes that may run the pods.
     */
    nodeSelector?: {
      [k: string]: string;
    };
    /**
     * Taints that the pods tolerate.
     */
    tolerations?: {
      /**
       * Taint key; empty with operator Exists tolerates everything.
       */
      key?: string;
      /**
       * Exists or Equal.
       */
      operator: "Exists" | "Equal";
      /**
       * Taint value.
       */
      value?: string;
      /**
       * Taint effect; every effect when absent.
       */
      effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
      /**
       * How long a NoExecute taint is tolerated.
       */
      tolerationSeconds?: number;
    }[];
  };
}

/**
 * What Handover has seen.
 */
export interface BackupPolicyStatus {
  /**
   * Generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * For people: Protected, AtRisk, Unprotected or Suspended.
   */
  state?: string;
  /**
   * Texts for the columns of kubectl get. For people, not an API.
   */
  display?: {
    /**
     * Verified generations per location.
     */
    generations?: string;
    /**
     * Next scheduled run.
     */
    next?: string;
    /**
     * One line: what matters now.
     */
    message?: string;
  };
  /**
   * Newest generation that is verified at the source and at every required sink.
   */
  lastComplete?: {
    /**
     * BackupRun that made it.
     */
    run: string;
    /**
     * Its id.
     */
    generation: string;
    /**
     * When it was sealed.
     */
    time: string;
  };
  /**
   * The next slot over all schedules.
   */
  nextRun?: {
    /**
     * Name of the schedule.
     */
    schedule: string;
    /**
     * Start of the slot.
     */
    time: string;
  };
  /**
   * What is known of each schedule.
   */
  schedules?: {
    /**
     * Name of the schedule.
     */
    name: string;
    /**
     * Slots before this are not looked at: when the schedule was first seen, or last changed.
     */
    since?: string;
    /**
     * The cron and time zone that since belongs to.
     */
    cron?: string;
    /**
     * Newest slot that was started or skipped.
     */
    lastSlot?: string;
    /**
     * Why the newest slot was skipped, empty if it was started.
     */
    skipped?: string;
  }[];
  /**
   * What lies where, as the last prune or preflight there has seen it.
   */
  locations?: {
    /**
     * source, or the name of a sink.
     */
    name: string;
    /**
     * Identity of the store there. Another identity is refused.
     */
    uuid?: string;
    /**
     * Sealed generations.
     */
    generations?: number;
    /**
     * Verified generations.
     */
    verified?: number;
    /**
     * Bytes that the generations take.
     */
    bytes?: number;
    /**
     * Bytes that are free there.
     */
    freeBytes?: number;
    /**
     * Id of the oldest generation.
     */
    oldest?: string;
    /**
     * Id of the newest generation.
     */
    newest?: string;
    /**
     * When this was seen.
     */
    observedAt?: string;
  }[];
  /**
   * Sealed generations that wait for transport.
   */
  pendingHandovers?: number;
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
