/* Generated from crds/backuppolicies.yaml by `npm run generate`. Do not edit. */
/**
 * What is wanted. Takes effect with the next run; a run that is under way keeps the policy it was accepted with.
 */
export interface BackupPolicySpec {
  /**
   * Whether scheduled runs are switched off. False by default. While true, runs started by hand, giving an app back and pending transports go on; missed slots are not made up for.
   */
  suspend: boolean;
  /**
   * The application that is stopped for the capture and started again afterwards.
   */
  app: {
    /**
     * Workloads that write to the databases and volumes. They are scaled to zero in this order and given back in reverse order, with the replicas they had. Empty is allowed only with quiesce None.
     *
     * Items: One workload in this namespace.
     */
    workloads: {
      /**
       * Deployment or StatefulSet, of the group apps.
       */
      kind: "Deployment" | "StatefulSet";
      /**
       * Name of the workload in this namespace. It has to exist when a run starts, otherwise the run is refused.
       */
      name: string;
    }[];
    /**
     * How the app is brought to rest. ScaleToZero, the default, stops the workloads while the frozen part is captured. None captures while the app runs: databases and volumes can then be of different moments, and the generation says so.
     */
    quiesce: "ScaleToZero" | "None";
    /**
     * How long the pods of the app may take to end. 2m by default; longer than their termination grace period. When it is over, the app is given back and the run fails.
     */
    stopTimeout: string;
    /**
     * Hard budget for the downtime, counted from the stop. 10m by default. When it is reached, the app is given back first and the run fails afterwards; older generations are untouched.
     */
    maxDowntime: string;
  };
  /**
   * PostgreSQL databases that belong to the application. Each is dumped whole, from one snapshot; in a Full run that is the moment at which the app stands still.
   *
   * Items: One database.
   */
  databases?: {
    /**
     * Name of the directory inside the generation, and the name that a RestoreRequest includes it by.
     */
    name: string;
    /**
     * How the database is reached.
     */
    postgres: {
      /**
       * Host name or IP address of the server, usually the name of a Service in this namespace.
       */
      host: string;
      /**
       * TCP port of the server. 5432 by default.
       */
      port: number;
      /**
       * Name of the database on the server.
       */
      database: string;
      /**
       * The Secret with the credentials. Handover itself cannot read Secrets; it is mounted into the pods that dump and load.
       */
      secretRef: {
        /**
         * Name of a Secret in this namespace with the keys username and password and, to verify the certificate of the server, ca.crt.
         */
        name: string;
      };
    };
    /**
     * When the app may start again. AfterSnapshot, the default: as soon as the dump holds its snapshot and its locks. AfterDump: when the dump is complete, for apps that change their schema when they start; the downtime then grows with the database.
     */
    release: "AfterSnapshot" | "AfterDump";
  }[];
  /**
   * Volumes that belong to the application. They are mounted read-only for a backup and written only by a restore.
   *
   * Items: One volume.
   */
  volumes?: {
    /**
     * Name of the volume inside the generation, and the name that a RestoreRequest includes it by.
     */
    name: string;
    /**
     * PersistentVolumeClaim of the app in this namespace.
     */
    claimName: string;
    /**
     * What is in it. Data, the default: the state of the app, captured with the app at rest as app.quiesce says. Config: files that people edit; runs of type Config capture it as well, while the app runs and only when something has changed.
     */
    class: "Data" | "Config";
    /**
     * Directories or files that are captured, relative to the root of the volume. Everything by default. A path that does not exist refuses the run before the app is stopped.
     *
     * Items: A path below the root of the volume.
     */
    paths: string[];
    /**
     * Patterns of what is left out, relative to the root of the volume. * matches inside one part of a path, ** across parts. Nothing is left out by default.
     *
     * Items: A pattern, for example cache/**.
     */
    exclude: string[];
  }[];
  /**
   * Configuration of the application beside volumes of class Config, captured by runs of type Config while it runs. None by default. The content of the Secrets that are named here is stored as plain files in the store and at the sinks.
   */
  config?: {
    /**
     * ConfigMaps in this namespace, each with all its keys. None by default.
     *
     * Items: One ConfigMap.
     */
    configMaps?: {
      /**
       * Name of the ConfigMap. It has to exist and to have a key, otherwise the run fails.
       */
      name: string;
    }[];
    /**
     * Keys of Secrets in this namespace. None by default. The operator cannot read them: they are mounted into the pod that captures them, and nowhere else.
     *
     * Items: One Secret.
     */
    secrets?: {
      /**
       * Name of the Secret. It has to exist, otherwise the run fails.
       */
      name: string;
      /**
       * The keys that are captured. Others are not read.
       *
       * Items: A key of the Secret, for example config.php.
       */
      keys: string[];
    }[];
  };
  /**
   * The source store: a claim beside the app that holds a private copy of its volumes, the sealed generations that wait for transport, and the generations that are kept at the source.
   */
  store: {
    /**
     * PersistentVolumeClaim in this namespace, not one of the app. It needs room for the volumes once and for the kept generations.
     */
    claimName: string;
  };
  /**
   * Places that keep copies. Every sealed generation is brought to each of them and checked there, after the app is back.
   *
   * Items: One place.
   */
  sinks: {
    /**
     * Name of the sink, shown as the location of its copies. Not source, which stands for the store.
     */
    name: string;
    /**
     * A claim that holds the copies.
     */
    claim: {
      /**
       * PersistentVolumeClaim in this namespace, on other storage than the app and the store.
       */
      claimName: string;
    };
    /**
     * How a copy is checked after the last write. Full, the default, re-reads every byte. Sample re-reads every manifest and a tenth of the files. None checks the manifest only. Once the check asked for here is done, the copy counts: for Complete, for retention and for restores. Only after Full does the status call it Verified.
     */
    verify: "Full" | "Sample" | "None";
    /**
     * Whether this copy is needed. True by default: a run is Complete only when its copy here is checked, and the source gives no generation up before. At least one sink is required.
     */
    required: boolean;
    /**
     * What this sink keeps, instead of what spec.retention.sinks says.
     */
    retention?: {
      /**
       * Number of newest verified generations that this sink keeps, of states of the whole app and of dumps each. None when absent. Older ones that no other rule keeps are removed after each run.
       */
      last?: number;
      /**
       * Of so many of the last hours that have a verified generation, this sink keeps the newest one. None when absent.
       */
      hourly?: number;
      /**
       * Of so many of the last days that have a verified generation, this sink keeps the newest one. None when absent.
       */
      daily?: number;
      /**
       * Of so many of the last weeks, from Monday on, that have a verified generation, this sink keeps the newest one. None when absent.
       */
      weekly?: number;
      /**
       * Of so many of the last months that have a verified generation, this sink keeps the newest one. None when absent.
       */
      monthly?: number;
      /**
       * Of so many of the last years that have a verified generation, this sink keeps the newest one. None when absent.
       */
      yearly?: number;
      /**
       * What is older is removed at this sink, whatever the counts say, but for the floors. Without it age alone removes nothing.
       */
      maxAge?: string;
      /**
       * Floor that no rule undercuts, in verified generations. 2 by default.
       */
      minVerified: number;
    };
  }[];
  /**
   * How many generations a chain of incremental ones may have, the full one at its beginning included. 30 by default. The next one is then made full by itself. A restore needs every generation of its chain, so a longer chain stores less and risks more. Does not concern Differential, whose chains have two.
   */
  maxChain: number;
  /**
   * When runs start. Without any, runs are started by hand only. One run of a policy is active at a time.
   *
   * Items: One schedule.
   */
  schedules?: {
    /**
     * Name of the schedule, part of the names of its runs.
     */
    name: string;
    /**
     * What its runs capture. Full: databases and volumes, with the app at rest as app.quiesce says. Incremental: the same state, stored as what differs from the newest generation with volumes. Differential: stored as what differs from the newest full one. Both dump the databases whole and become a Full by themselves when there is nothing whole to be based on. Database: the databases only, while the app runs. Config: the volumes of class Config and what spec.config names, while the app runs, and nothing if nothing has changed. Of several that are due, the first in the order Full, Differential, Incremental, Database, Config starts; a slot of the first three that asks for a state which another generation has by then is skipped.
     */
    type: "Full" | "Incremental" | "Differential" | "Database" | "Config";
    /**
     * When its runs start. Absent with onChange. Five fields: minute, hour, day of month, month, day of week. Lists, ranges and steps as in 0,30 or 1-5 or * /15, and English names as in MON-FRI. A local time that a clock change skips or doubles runs once.
     */
    cron?: string;
    /**
     * Instead of cron, for type Config: looks for changes again and again. A look that finds none leaves no generation, and its run is Complete and says so.
     */
    onChange?: {
      /**
       * How often. 10m by default, 1m at least. Each look runs two short pods.
       */
      interval: string;
    };
    /**
     * Time zone of the cron expression, a name from the IANA list such as Europe/Berlin. UTC by default.
     */
    timeZone: string;
    /**
     * How late a run may start. 6h by default. A slot that was missed is caught up once if it is not older than this, otherwise it is skipped and the policy says so.
     */
    startingDeadline: string;
    /**
     * Names of the sinks that its generations go to. All by default.
     *
     * Items: Name of an entry of spec.sinks.
     */
    sinks?: string[];
  }[];
  /**
   * What is kept, in verified generations: 2 at the source and 7 at each sink by default. A generation stays when one rule keeps it. Floors beat every rule: the newest verified generation stays, minVerified stay, so does what a kept one is based on or a hold names, and the source gives nothing up before every required sink has verified it.
   */
  retention: {
    /**
     * Time zone in which the hours, days, weeks, months and years of retention begin, a name from the IANA list. UTC by default.
     */
    timeZone: string;
    /**
     * How long a removed generation lies in the trash of its place, from where it can be taken back. 24h by default. The first prune after that deletes it; with 0s, the one that removes it.
     */
    trash: string;
    /**
     * What the source store keeps, for a quick restore.
     */
    source: {
      /**
       * Number of newest verified generations that the source keeps, of states of the whole app and of dumps each. 2 by default. Older ones that no other rule keeps are removed after each run.
       */
      last: number;
      /**
       * Of so many of the last hours that have a verified generation, the source keeps the newest one. None when absent.
       */
      hourly?: number;
      /**
       * Of so many of the last days that have a verified generation, the source keeps the newest one. None when absent.
       */
      daily?: number;
      /**
       * Of so many of the last weeks, from Monday on, that have a verified generation, the source keeps the newest one. None when absent.
       */
      weekly?: number;
      /**
       * Of so many of the last months that have a verified generation, the source keeps the newest one. None when absent.
       */
      monthly?: number;
      /**
       * Of so many of the last years that have a verified generation, the source keeps the newest one. None when absent.
       */
      yearly?: number;
      /**
       * What is older is removed at the source, whatever the counts say, but for the floors. Without it age alone removes nothing.
       */
      maxAge?: string;
      /**
       * Floor that no rule undercuts, in verified generations. 1 by default.
       */
      minVerified: number;
    };
    /**
     * What each sink keeps, unless the sink has a retention of its own.
     */
    sinks: {
      /**
       * Number of newest verified generations that each sink keeps, of states of the whole app and of dumps each. 7 by default. Older ones that no other rule keeps are removed after each run.
       */
      last: number;
      /**
       * Of so many of the last hours that have a verified generation, each sink keeps the newest one. None when absent.
       */
      hourly?: number;
      /**
       * Of so many of the last days that have a verified generation, each sink keeps the newest one. None when absent.
       */
      daily?: number;
      /**
       * Of so many of the last weeks, from Monday on, that have a verified generation, each sink keeps the newest one. None when absent.
       */
      weekly?: number;
      /**
       * Of so many of the last months that have a verified generation, each sink keeps the newest one. None when absent.
       */
      monthly?: number;
      /**
       * Of so many of the last years that have a verified generation, each sink keeps the newest one. None when absent.
       */
      yearly?: number;
      /**
       * What is older is removed at each sink, whatever the counts say, but for the floors. Without it age alone removes nothing.
       */
      maxAge?: string;
      /**
       * Floor that no rule undercuts, in verified generations. 2 by default.
       */
      minVerified: number;
    };
  };
  /**
   * How the pods that move data run: their resources, user, nodes and tolerations. By default as root, with small requests and no limits, on any node that can mount the claims.
   */
  mover: {
    /**
     * Requests and limits of each of their containers, by default requests of some 50m CPU and 64Mi and no limits. The memory that is needed does not grow with the data.
     */
    resources?: {
      /**
       * What the scheduler sets aside, by cpu, memory and ephemeral-storage.
       */
      requests?: {
        [k: string]: number | string;
      };
      /**
       * What a container may use at most, by cpu, memory and ephemeral-storage.
       */
      limits?: {
        [k: string]: number | string;
      };
    };
    /**
     * User id of the pods. 0 by default, which reads every file and restores owners. Another id suffices where it may read the volumes and write the store and the sinks.
     */
    runAsUser: number;
    /**
     * Group id of the pods. The group of the image by default.
     */
    runAsGroup?: number;
    /**
     * Labels that a node needs to run the pods. Any node by default.
     */
    nodeSelector?: {
      [k: string]: string;
    };
    /**
     * Taints of nodes that the pods tolerate. None by default.
     *
     * Items: One toleration, as in a pod.
     */
    tolerations?: {
      /**
       * Key of the taint. Empty with operator Exists tolerates every taint.
       */
      key?: string;
      /**
       * Equal, the default, compares the value; Exists takes any value.
       */
      operator: "Exists" | "Equal";
      /**
       * Value of the taint, for operator Equal.
       */
      value?: string;
      /**
       * Effect of the taint. Every effect by default.
       */
      effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
      /**
       * How long a NoExecute taint is tolerated. For ever by default.
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
   * Newest generation that is checked at the source and at every required sink. One that holds the volumes when the policy has any: of type Full, Incremental or Differential.
   */
  lastComplete?: {
    /**
     * BackupRun that made it.
     */
    run: string;
    /**
     * Id of the generation.
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
   *
   * Items: One schedule of the spec.
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
     * The cron expression and time zone that since belongs to.
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
   *
   * Items: The source or one sink.
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
     * Number of sealed generations.
     */
    generations?: number;
    /**
     * Number of verified generations.
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
   * What was asked for with the annotation backup.handover.dev/adopt, and how far it has come.
   */
  adoption?: {
    /**
     * The annotation that this speaks of.
     */
    request: string;
    /**
     * source, or the name of a sink.
     */
    location: string;
    /**
     * Listing goes on; Done has a run for each generation that was found.
     */
    state: "Listing" | "Done" | "Failed";
    /**
     * Number of the listing, over all that was ever asked for.
     */
    serial?: number;
    /**
     * Id of the last generation of the pages before.
     */
    after?: string;
    /**
     * Generations at the location.
     */
    found?: number;
    /**
     * Runs that were made of them.
     */
    adopted?: number;
    /**
     * Directories there that cannot be read as generations: damaged ones, and those of a newer release.
     */
    broken?: number;
    /**
     * When it ended.
     */
    finishedAt?: string;
    /**
     * Error code, empty when all is well.
     */
    code?: string;
    /**
     * How it stands, for people.
     */
    message?: string;
    /**
     * The page that is read. Its result is what runs are made of, and nothing else is.
     */
    step?: {
      /**
       * Name of the step.
       */
      name: string;
      /**
       * Where the step stands. Waiting retries at retryAt.
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
    };
  };
  /**
   * Sealed generations that wait for transport.
   */
  pendingHandovers?: number;
  /**
   * Conditions by the conventions of the Kubernetes API: Ready, Reconciling and Stalled among them.
   *
   * Items: One condition.
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
     * What it means, for people.
     */
    message: string;
  }[];
}
