/**
 * What the containers of one capture pod tell each other, as files in a shared directory: `<part>.released` when a part
 * needs the stopped app no more, `<part>.failed` with the reason when it never will.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { errorCodes } from "../api/codes.ts";
import { errnoOf, MoverError } from "./errors.ts";

export type Part = "dump" | "archive";

const failureSchema = z.object({ code: z.enum(errorCodes), message: z.string(), retry: z.boolean() });

const fileOf = (directory: string, part: Part, what: "released" | "failed"): string =>
  join(directory, `${part}.${what}`);

export async function signalReleased(directory: string, part: Part): Promise<void> {
  await publish(fileOf(directory, part, "released"), `${JSON.stringify({ at: new Date().toISOString() })}\n`);
}

/** A failure of the signal itself is not reported: the one that caused it matters more, and the end of the Job counts too. */
export async function signalFailed(directory: string, part: Part, error: unknown): Promise<void> {
  const known =
    error instanceof MoverError
      ? error
      : new MoverError("HO-X001", error instanceof Error ? error.message : String(error));
  const { code, message, retry } = known;
  await publish(fileOf(directory, part, "failed"), `${JSON.stringify({ code, message, retry })}\n`).catch(
    () => undefined,
  );
}

/** @throws MoverError with the reason of a part that has failed. */
export async function isReleased(directory: string, part: Part): Promise<boolean> {
  // A part may fail after its release; the source is released all the same.
  if ((await readIfThere(fileOf(directory, part, "released"))) !== undefined) return true;
  const failed = await readIfThere(fileOf(directory, part, "failed"));
  if (failed === undefined) return false;
  const { code, message, retry } = failureSchema.parse(JSON.parse(failed));
  throw new MoverError(code, message, { retry });
}

/** A reader sees the whole content or nothing. */
async function publish(file: string, content: string): Promise<void> {
  const temporary = `${file}.tmp`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, file);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
