/**
 * The manifest of a generation: small, written last, the only thing that makes a directory a generation. The digest of
 * the manifest stands beside it and in the status of the BackupRun; the manifest holds the digest of every other file.
 */
import * as z from "zod";
import { generationTypes } from "./generation.ts";

/** 2: generations may be based on others. What has format 1 stands alone. */
export const manifestFormat = 2;
const knownFormats = [1, manifestFormat] as const;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const table = z.object({
  schema: z.string(),
  name: z.string(),
  /** Rows in the snapshot of the dump. */ rows: z.number().int(),
});

/** Written by the dump into the staging directory as `part-dump.json`, taken over by the seal. */
export const databasePart = z.object({
  name: z.string(),
  database: z.string(),
  serverVersion: z.string(),
  clientVersion: z.string(),
  encoding: z.string(),
  collate: z.string(),
  ctype: z.string(),
  owner: z.string(),
  snapshot: z.object({ exportedAt: z.string(), lsn: z.string(), timeline: z.number().int() }),
  extensions: z.array(z.object({ name: z.string(), version: z.string() })),
  tables: z.array(table),
  /** Size of the database on the server. */
  bytes: z.number().int(),
});

/** Written by the archive into the staging directory as `part-archive.json`, taken over by the seal. */
export const volumePart = z.object({
  name: z.string(),
  claimName: z.string(),
  paths: z.array(z.string()),
  exclude: z.array(z.string()),
  files: z.number().int(),
  /** Sum of the sizes of the regular files, each hard-linked file once. */
  bytes: z.number().int(),
  /** Bytes that they take on disk: less than `bytes` when files have holes. Generations of release 0.1.0 do not say. */
  allocated: z.number().int().optional(),
  /** Relative path of the archive in the generation: the whole volume, or with a base what has changed since. */
  archive: z.string(),
  /** With a base: relative path of the list of what is gone since, NUL-terminated names that begin with `./`, deepest first. */
  deleted: z.string().optional(),
  /** What could not be captured by its nature and was left out, such as sockets. */
  skipped: z.number().int(),
});

export const configKinds = ["ConfigMap", "Secret"] as const;

/** Written by the collection into the staging directory as `part-collect.json`, taken over by the seal. */
export const configPart = z.object({
  kind: z.enum(configKinds),
  name: z.string(),
  /** Sorted; each is a file `config/<kind>/<name>/<key>`. */
  keys: z.array(z.string()),
});

export const manifestSchema = z.object({
  format: z.literal(knownFormats),
  id: z.string(),
  seq: z.number().int(),
  type: z.enum(generationTypes),
  /** Id of the generation that this one is based on, the last one of the chain; empty when it stands alone. */
  parent: z.string(),
  /**
   * What has to be restored before this one, oldest first: a full generation, then each that is based on the one before. Each is
   * named with the digest of its manifest, so the digest of this manifest stands for the content of the whole chain.
   */
  chain: z.array(z.object({ id: z.string(), manifestSHA256: sha256 })).default([]),
  /** Quiesced: no process of the app ran. Running: captured beside the running app. */
  consistency: z.enum(["Quiesced", "Running"]),
  /** RFC 3339 UTC: the moment the state is of. */
  time: z.string(),
  sealedAt: z.string(),
  lineage: z.object({ namespace: z.string(), policy: z.string(), policyUID: z.string() }),
  run: z.object({ name: z.string(), uid: z.string() }),
  workloads: z.array(z.object({ kind: z.string(), name: z.string(), uid: z.string(), replicas: z.number().int() })),
  tools: z.record(z.string(), z.string()),
  databases: z.array(databasePart),
  volumes: z.array(volumePart),
  /** Of type Config alone; absent when the policy names none. */
  configs: z.array(configPart).optional(),
  totals: z.object({
    bytes: z.number().int(),
    storedBytes: z.number().int(),
    files: z.number().int(),
    tables: z.number().int(),
  }),
  /** Every other file of the generation, sorted by path. */
  files: z.array(z.object({ path: z.string(), size: z.number().int(), sha256 })),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type DatabasePart = z.infer<typeof databasePart>;
export type VolumePart = z.infer<typeof volumePart>;
export type ConfigPart = z.infer<typeof configPart>;
