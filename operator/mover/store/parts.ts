/**
 * What the parts of a capture leave in the staging directory for the seal: what they captured, and the digest of every
 * file as it was when it was written. The seal reads the files again and compares.
 */
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { configPart, databasePart, volumePart } from "../../domain/manifest.ts";
import { errnoOf, MoverError } from "../errors.ts";

const storedFile = z.object({ path: z.string(), size: z.number().int(), sha256: z.string() });
export type StoredFile = z.infer<typeof storedFile>;

export const dumpPartSchema = z.object({
  seq: z.number().int(),
  podUID: z.string(),
  databases: z.array(
    databasePart.extend({
      /** Entries in the table of contents of the dump. */ entries: z.number().int(),
      clientMajor: z.number().int(),
    }),
  ),
  files: z.array(storedFile),
});
export type DumpPart = z.infer<typeof dumpPartSchema>;

export const archivePartSchema = z.object({
  seq: z.number().int(),
  podUID: z.string(),
  /** `members`: how many entries the volume has; `packed`: how many of them are in the archive. */
  volumes: z.array(volumePart.extend({ members: z.number().int(), packed: z.number().int() })),
  /** What was packed differs from this. */
  base: z.object({ id: z.string(), manifestSHA256: z.string() }).optional(),
  files: z.array(storedFile),
  tools: z.record(z.string(), z.string()),
});
export type ArchivePart = z.infer<typeof archivePartSchema>;

export const collectPartSchema = z.object({
  seq: z.number().int(),
  podUID: z.string(),
  configs: z.array(configPart),
  files: z.array(storedFile),
});
export type CollectPart = z.infer<typeof collectPartSchema>;

/** @throws MoverError HO-A404 when the part is missing or of an unknown form: that container did not finish. */
export async function readPart<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    const why = errnoOf(error) === "ENOENT" ? "is missing" : "cannot be read";
    throw new MoverError("HO-A404", `${path} ${why}: that part of the capture did not finish`, { cause: error });
  }
}
