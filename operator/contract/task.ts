/**
 * The task: what the controller tells a mover pod, as JSON in one environment variable. Credentials are never in it,
 * they are mounted. The mover refuses a task of another version, so controller and mover of different releases
 * cannot misunderstand each other.
 */
import * as z from "zod";
import { generationTypes } from "../domain/generation.ts";
import { configKinds } from "../domain/manifest.ts";

const name = z.string().regex(/^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$/);
/** `000042-20261121T010203Z-full` */
const generationId = z.string().regex(/^[0-9]{6}-[0-9]{8}T[0-9]{6}Z-[a-z]+$/);

const database = z.object({
  name,
  host: z.string().min(1),
  port: z.number().int(),
  database: z.string().min(1),
  /** Name of the Secret with its credentials, for messages. */
  secret: z.string().optional(),
  /** When the app may start again. */
  release: z.enum(["AfterSnapshot", "AfterDump"]).default("AfterSnapshot"),
});
const volume = z.object({
  name,
  claimName: z.string(),
  paths: z.array(z.string()),
  exclude: z.array(z.string()),
});
const location = z.object({
  /** `source`, or the name of a sink. */
  name,
  /** Identity that the store has to have; absent for a store that was never used. */
  uuid: z.string().optional(),
});
const config = z.object({
  kind: z.enum(configKinds),
  name: z.string(),
  /** Of a Secret: the keys that are captured. Of a ConfigMap all are. */
  keys: z.array(z.string()).optional(),
});
/** The generation that a new one is based on: the parent, with the digest of its manifest. */
const base = z.object({ id: generationId, manifestSHA256: z.string().regex(/^[0-9a-f]{64}$/) });
const atLeastOne = z.number().int().min(1);
/** How many are kept: the newest, and the newest of each of the last hours, days, weeks, months and years that have one. */
const keep = z.object({
  last: atLeastOne.optional(),
  hourly: atLeastOne.optional(),
  daily: atLeastOne.optional(),
  weekly: atLeastOne.optional(),
  monthly: atLeastOne.optional(),
  yearly: atLeastOne.optional(),
  /** A duration: what is older is kept by the floors alone. */
  maxAge: z.string().optional(),
  minVerified: atLeastOne,
});

const undelete = z.string().max(4_000);
const holds = z.array(z.object({ id: generationId, until: z.string(), reason: z.string() }));
const known = z.object({ since: z.number().int(), ranges: z.string() });

/** UID of a former policy of this name whose lineage is taken over; an administrator's acknowledgement. */
const adopt = z.string().optional();

/** Fields of every task. */
const common = {
  version: z.literal(1),
  namespace: z.string(),
  policy: name,
  /** Two policies of the same name at different times are different lineages. */
  policyUID: z.string(),
  run: z.string(),
  runUID: z.string(),
};
/** Fields of every task that writes into the staging area of one generation. */
const staging = {
  /** Number of the generation; also the fence: a mover that meets a higher one in the lineage gives up. */
  seq: z.number().int().min(1).max(999_999),
};

export const taskSchema = z.discriminatedUnion("step", [
  z.object({
    ...common,
    step: z.literal("preflight"),
    type: z.enum(generationTypes),
    databases: z.array(database),
    volumes: z.array(volume),
    store: location,
    sinks: z.array(location),
    adopt,
    /** Of the trash of the store: what has had its time may go when there is no room; as in a prune. */
    trash: z.object({ millis: z.number().int().min(0), holds, known, undelete: undelete.optional() }).optional(),
    /** Volumes that may be empty although their newest generation is not. */
    acceptEmpty: z.array(name).optional(),
    /** For Incremental: how many generations a chain may have in all before the next one has to be full. */
    maxChain: z.number().int().min(2).optional(),
  }),
  z.object({
    ...common,
    ...staging,
    step: z.literal("warm"),
    volumes: z.array(volume),
    /** What has not changed since the last pass is not looked at; without it the whole mirrors are compared with the volumes. */
    base: base.optional(),
  }),
  z.object({ ...common, ...staging, step: z.literal("dump"), databases: z.array(database) }),
  z.object({
    ...common,
    ...staging,
    step: z.literal("archive"),
    volumes: z.array(volume),
    /** Whether nothing may change while it runs. */ frozen: z.boolean(),
    /** Only what differs from this generation is packed; without it everything is. */
    base: base.optional(),
  }),
  /** Copies configuration beside the running app, unless it is what the newest generation of it holds. */
  z.object({
    ...common,
    ...staging,
    step: z.literal("collect"),
    configs: z.array(config),
    /** Those of class Config. */
    volumes: z.array(volume),
  }),
  /** Ends when the named parts of the same pod have released the source; fails when one of them has failed. */
  z.object({ ...common, step: z.literal("release"), parts: z.array(z.enum(["dump", "archive"])) }),
  z.object({
    ...common,
    ...staging,
    step: z.literal("seal"),
    id: generationId,
    /** What is made, which is Full where the run asked for an increment that had nothing to be based on. */
    type: z.enum(generationTypes),
    base: base.optional(),
    consistency: z.enum(["Quiesced", "Running"]),
    /** RFC 3339 UTC: the moment the state is of, and the time in the id. */
    time: z.string(),
    /** Uid of the pod of the capture, which names the staging directory. */
    stagingPodUID: z.string(),
    workloads: z.array(z.object({ kind: z.string(), name: z.string(), uid: z.string(), replicas: z.number().int() })),
    databases: z.array(database),
    volumes: z.array(volume),
    /** Type Config only, which has no databases, and of the volumes those of class Config. */
    configs: z.array(config).optional(),
  }),
  /** Brings every sealed generation that waits in the handover point, oldest first, to one sink. */
  z.object({ ...common, ...staging, step: z.literal("transport"), sink: location }),
  /** Re-reads every generation at one sink that is not yet marked verified there. */
  z.object({ ...common, step: z.literal("verify"), sink: location, mode: z.enum(["Full", "Sample", "None"]) }),
  /** Retention at one location. At the source, first moves what every required sink has verified out of the handover point. */
  z.object({
    ...common,
    step: z.literal("prune"),
    location,
    keep,
    /** The check that makes a generation count here: what the policy asks of this sink; the seal's own at the source. */
    verify: z.enum(["Full", "Sample", "None"]),
    /** For the source: sinks that must have verified a generation before the source may give it up. */
    requiredSinks: z.array(
      location.extend({
        /** The check that the policy asks of this sink; a marker of this mode or a stronger one counts. */ verify:
          z.enum(["Full", "Sample", "None"]),
      }),
    ),
    /** Beginnings of digests of plans that may remove more than half; from an annotation on the policy. */
    acknowledged: z.array(z.string().regex(/^[0-9a-f]{12,64}$/)),
    /** Digest of the plan that is on record. Without it, or when another plan has to be made by now, nothing is removed. */
    approved: z.string().optional(),
    /** From the IANA list: where days, weeks, months and years begin. */
    timeZone: z.string(),
    /** Milliseconds for which what was removed can be taken back. */
    trashMillis: z.number().int().min(0),
    /** What is to be taken back out of the trash, as an annotation on the policy says it. */
    undelete: undelete.optional(),
    /** From annotations on runs; RFC 3339 UTC, or `forever`. */
    holds,
    /** Numbers of the generations whose runs are known: for those the holds above are all there are. */
    known,
  }),
  /** Lists what lies at one location, for records of it that were lost. Reads only. */
  z.object({
    ...common,
    step: z.literal("catalogue"),
    adopt,
    location,
    /** The check that makes a generation count here. */
    verify: z.enum(["Full", "Sample", "None"]),
    /** The id behind which this page begins; empty for the first one. */
    after: z.union([generationId, z.literal("")]),
  }),
  z.object({
    ...common,
    step: z.literal("plan"),
    adopt,
    from: z.object({
      generation: z.string().optional(),
      latest: z.boolean().optional(),
      before: z.string().optional(),
      location: z.string().optional(),
    }),
    /** What is to be restored. */
    databases: z.array(database),
    volumes: z.array(volume),
    /** Whether the request names these parts. If not, a generation that is named gives what it has of them. */
    included: z.boolean(),
    /** In the order in which they are asked. */
    locations: z.array(location),
    /** Which other locations are not asked, and why; for people. */
    passedOver: z.array(z.string()),
  }),
  /** Beside the running app: new databases are loaded, archives are extracted to a staging directory on each volume, both are verified. */
  z.object({
    ...common,
    step: z.literal("stage"),
    adopt,
    id: generationId,
    location,
    manifestSHA256: z.string(),
    databases: z.array(database),
    volumes: z.array(volume),
  }),
  /** With the app stopped: databases are renamed in one transaction, volumes by renames. Rolls forward when repeated. */
  z.object({ ...common, step: z.literal("swap"), databases: z.array(database), volumes: z.array(volume) }),
  /** Removes what was replaced (`swapped: true`), or what was staged in vain (`swapped: false`). */
  z.object({
    ...common,
    step: z.literal("cleanup"),
    swapped: z.boolean(),
    databases: z.array(database),
    volumes: z.array(volume),
  }),
]);

export type MoverTask = z.infer<typeof taskSchema>;
export type MoverStep = MoverTask["step"];
export type TaskOf<S extends MoverStep> = Extract<MoverTask, { step: S }>;
export type DatabaseRef = z.infer<typeof database>;
export type VolumeRef = z.infer<typeof volume>;
export type ConfigRef = z.infer<typeof config>;
export type BaseRef = z.infer<typeof base>;
export type LocationRef = z.infer<typeof location>;

/** Environment variables of a container are limited to about 128 KiB each by the kernel. */
const maxTaskBytes = 100_000;

/** @throws when the JSON is larger than an environment variable may be. */
export function encodeTask(task: MoverTask): string {
  const json = JSON.stringify(task);
  if (json.length > maxTaskBytes) throw new Error("task too large for an environment variable");
  return json;
}

/** @throws a ZodError or SyntaxError when the text is not a task of this version. */
export function parseTask(text: string): MoverTask {
  return taskSchema.parse(JSON.parse(text));
}
