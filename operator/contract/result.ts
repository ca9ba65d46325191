/**
 * The result: what a mover pod tells the controller, as JSON in the termination message of its container, at most
 * 4,096 bytes for each container. The full story is in the manifest on disk and in the log of the pod. The controller treats
 * a result as untrusted input: it is parsed, and no removal ever rests on it alone.
 */
import * as z from "zod";
import { errorCodes } from "../api/codes.ts";
import { generationTypes } from "../domain/generation.ts";
import { maxRangesLength } from "../domain/sequences.ts";
import { maxResultBytes } from "./mounts.ts";

const code = z.enum(errorCodes);
const short = z.string().max(1000);

const failure = z.object({
  version: z.literal(1),
  step: z.string(),
  ok: z.literal(false),
  code,
  /** Constant-sentence cause with its numbers and names, for people. Never credentials. */
  message: short,
  /** Whether the same attempt may succeed later: a network, not a wrong password. */
  retry: z.boolean(),
});

const ok = { version: z.literal(1), ok: z.literal(true) };
/** As many and as long as a policy may have. Texts are longer, so where a result has to be cut to fit, these are not. */
const partNames = z.array(z.string().max(32)).max(16);
const ids = z.array(z.string().max(64)).max(20);
const sequences = z.object({
  since: z.number().int(),
  ranges: z
    .string()
    .max(maxRangesLength)
    .regex(/^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$/),
});
const planned = z.object({ id: z.string().max(64), why: z.string().max(100) });
const locationFacts = z.object({
  name: z.string(),
  uuid: z.string(),
  generations: z.number().int(),
  verified: z.number().int(),
  bytes: z.number().int(),
  freeBytes: z.number().int(),
  oldest: z.string().optional(),
  newest: z.string().optional(),
});

/** What the record of a run is made of when a generation is all that is left of it. */
const catalogueEntry = z.object({
  id: z.string().regex(/^[0-9]{6}-[0-9]{8}T[0-9]{6}Z-[a-z]+$/),
  type: z.enum(generationTypes),
  /** RFC 3339 UTC. */
  sealedAt: z.string().max(40),
  consistency: z.enum(["Quiesced", "Running"]),
  parent: z.string().max(64),
  bytes: z.number().int().min(0),
  storedBytes: z.number().int().min(0),
  files: z.number().int().min(0),
  tables: z.number().int().min(0),
  manifestSHA256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The check that is asked for here is done, of it and of all that it is based on. */
  verified: z.boolean(),
  /** What of the app it has; absent when that does not fit, and then nothing is taken for granted. */
  holds: z
    .object({
      databases: z.array(z.string().max(32)).max(16),
      volumes: z.array(z.object({ name: z.string().max(32), claimName: z.string().max(253) })).max(16),
    })
    .optional(),
  /** Of a run that is lost: once there is one again, its annotation decides. */
  hold: z.object({ until: z.string().max(40), reason: z.string().max(200) }).optional(),
  /** Of the policy that made it, where that is not the one that asks. */
  policyUID: z.string().max(64).optional(),
});
export type CatalogueEntry = z.infer<typeof catalogueEntry>;

const success = z.discriminatedUnion("step", [
  z.object({
    ...ok,
    step: z.literal("preflight"),
    /** Highest number in use anywhere in the lineage, 0 if none: store, handover, staging, sinks. */
    lastSeq: z.number().int(),
    locations: z.array(locationFacts).max(9),
    /** Sealed generations that wait in the handover point. */
    pending: z.number().int(),
    bytes: z.number().int(),
    files: z.number().int(),
    databases: z
      .array(
        z.object({ name: z.string(), serverVersion: z.string(), clientVersion: z.string(), bytes: z.number().int() }),
      )
      .max(16),
    warnings: z.array(short).max(8),
    /** Incremental and Differential: what the generation is to be based on, or why it has to be a full one. */
    base: z
      .union([
        z.object({ id: z.string().max(64), manifestSHA256: z.string().length(64) }),
        z.object({ full: z.string().max(300) }),
      ])
      .optional(),
  }),
  z.object({
    ...ok,
    step: z.literal("warm"),
    bytes: z.number().int(),
    files: z.number().int(),
    warnings: z.array(short).max(8).optional(),
  }),
  z.object({
    ...ok,
    step: z.literal("dump"),
    bytes: z.number().int(),
    storedBytes: z.number().int(),
    tables: z.number().int(),
    rows: z.number().int(),
    seconds: z.number(),
    peakMiB: z.number(),
  }),
  z.object({
    ...ok,
    step: z.literal("archive"),
    bytes: z.number().int(),
    storedBytes: z.number().int(),
    files: z.number().int(),
    freezeSeconds: z.number(),
    seconds: z.number(),
    peakMiB: z.number(),
    warnings: z.array(short).max(8),
  }),
  z.object({
    ...ok,
    step: z.literal("collect"),
    /** Keys, of so many objects. */ files: z.number().int(),
    objects: z.number().int(),
    bytes: z.number().int(),
    /** Of the volumes of class Config. */
    volumeFiles: z.number().int().optional(),
    warnings: z.array(short).max(8).optional(),
    /** The generation that already holds exactly this; then nothing is left in the staging area. */
    unchanged: z.string().max(64).optional(),
  }),
  z.object({
    ...ok,
    step: z.literal("release"),
    /** By the clock of the node. */ releasedAt: z.string().max(40).optional(),
  }),
  z.object({
    ...ok,
    step: z.literal("seal"),
    id: z.string(),
    manifestSHA256: z.string(),
    bytes: z.number().int(),
    storedBytes: z.number().int(),
    files: z.number().int(),
    tables: z.number().int(),
    peakMiB: z.number(),
  }),
  z.object({
    ...ok,
    step: z.literal("transport"),
    /** Ids that the sink has now and had not before. */ delivered: ids,
    bytes: z.number().int(),
    seconds: z.number(),
  }),
  z.object({
    ...ok,
    step: z.literal("verify"),
    /** Ids that are verified at the sink, newest first; the newest twenty. */
    verified: ids,
    /** Numbers of all that are verified at the sink. */
    sequences: sequences.optional(),
    /** Of a lesser check: which one, and the numbers of all that have passed it or a stronger one, with all that they are based on. */
    lesser: z.object({ mode: z.enum(["Sample", "None"]), checked: sequences }).optional(),
    /** Ids whose copy did not equal the manifest; moved out of sight of restore and retention. */
    damaged: ids,
    bytes: z.number().int(),
    seconds: z.number(),
  }),
  z.object({
    ...ok,
    step: z.literal("prune"),
    location: locationFacts,
    /** Source only: ids moved from the handover point to the store. */
    settled: ids,
    /** Source only: sealed generations that still wait. */
    pending: z.number().int(),
    /** Source only: of the newest of those, the first required sink that does not prove to have it. */
    lacking: z
      .array(z.object({ id: z.string().max(64), sink: z.string().max(32) }))
      .max(20)
      .optional(),
    removed: z.array(planned).max(20),
    removedInAll: z.number().int().optional(),
    /** What is to go, in all, when the plan needs an approval or an acknowledgement before it is acted upon. */
    plan: z.object({ digest: z.string().length(64), removes: z.number().int().min(1) }).optional(),
    /** Of that, the oldest. */
    remove: z.array(planned).max(20).optional(),
    /** Why which numbers stay; one that has several reasons is named with each. */
    kept: z.array(sequences.extend({ why: z.string().max(100) })).max(40),
    /** Ids that were taken back out of the trash. */
    tookBack: ids.optional(),
    /** What lies in the trash after all that. */
    trash: z
      .object({
        generations: z.number().int(),
        bytes: z.number().int(),
        /** When the next of it can go, RFC 3339 UTC. */ until: z.string().max(40).optional(),
      })
      .optional(),
    warnings: z.array(z.string().max(300)).max(8).optional(),
    /** Numbers of all that lie here, sealed, waiting or set aside as damaged; absent when that is not certain. */
    present: sequences.optional(),
    /** Why nothing was removed although the rules ask for it. */
    refused: short.optional(),
  }),
  z.object({
    ...ok,
    step: z.literal("catalogue"),
    /** By number, as many as fit. */
    entries: z.array(catalogueEntry).max(20),
    /** Whether there are more behind the last one. */
    more: z.boolean(),
    /** How many lie there in all, and how many directories there that cannot be read as generations. */
    total: z.number().int().min(0),
    broken: z.number().int().min(0),
  }),
  z.object({
    ...ok,
    step: z.literal("plan"),
    id: z.string(),
    location: z.string(),
    sealedAt: z.string(),
    manifestSHA256: z.string(),
    bytes: z.number().int(),
    /** What of the task the generation has and will be restored; a plan of release 0.1.0 has no such lists and means all of it. */
    databases: partNames.optional(),
    volumes: partNames.optional(),
    replaces: z.array(short).max(16),
    warnings: z.array(short).max(8),
  }),
  z.object({
    ...ok,
    step: z.literal("stage"),
    bytes: z.number().int(),
    files: z.number().int(),
    rows: z.number().int(),
    seconds: z.number(),
  }),
  z.object({ ...ok, step: z.literal("swap"), databases: z.number().int(), volumes: z.number().int() }),
  z.object({ ...ok, step: z.literal("cleanup"), databases: z.number().int(), volumes: z.number().int() }),
]);

export const resultSchema = z.union([success, failure]);
export type MoverResult = z.infer<typeof resultSchema>;
export type MoverFailure = z.infer<typeof failure>;
export type MoverSuccess = z.infer<typeof success>;
export type ResultOf<S extends MoverSuccess["step"]> = Extract<MoverSuccess, { step: S }>;

export { maxResultBytes };

/** @returns undefined when the text is not a result: the container died before it could report, or lies. */
export function parseResult(text: string | undefined): MoverResult | undefined {
  if (text === undefined || text.length > maxResultBytes) return undefined;
  try {
    return resultSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
