/** Small JSON files beside the generations. One that is not there is undefined; one that cannot be understood as well. */
import { readFile } from "node:fs/promises";
import type * as z from "zod";
import { errnoOf } from "../errors.ts";

export function parseJson<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** @throws on errors of the disk. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return parseJson(schema, await readFile(path, "utf8"));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
