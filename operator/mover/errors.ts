/**
 * Expected trouble in the mover: an error with a code of the catalogue, whose message a person can act on. Everything
 * else that is thrown is a surprise and becomes HO-X001. Messages carry names and numbers, never credentials.
 */
import type { ErrorCode } from "../api/codes.ts";
import { clip } from "../domain/text.ts";

export class MoverError extends Error {
  readonly code: ErrorCode;
  /** Whether the same attempt may succeed later: a network, not a wrong password. */
  readonly retry: boolean;

  constructor(code: ErrorCode, message: string, options: { readonly retry?: boolean; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "MoverError";
    this.code = code;
    this.retry = options.retry ?? false;
  }
}

/** A child process that ended otherwise than it should. */
export class CommandError extends Error {
  readonly tool: string;
  /** null: killed by `signal`, or never started. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines that it wrote to standard error. */
  readonly stderrTail: string;

  constructor(tool: string, exitCode: number | null, signal: NodeJS.Signals | null, stderrTail: string) {
    const how = exitCode !== null ? `exit code ${exitCode}` : signal !== null ? `killed by ${signal}` : "not started";
    super(`${tool} failed (${how}): ${lastLines(stderrTail, 3)}`);
    this.name = "CommandError";
    this.tool = tool;
    this.exitCode = exitCode;
    this.signal = signal;
    this.stderrTail = stderrTail;
  }
}

/** The last lines of a text that are not empty, on one line. */
export function lastLines(text: string, count: number): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(-count).join("; ").slice(-600);
}

/** A name of a user in a message. @param path bytes as latin1 */
export const quote = (path: string): string => JSON.stringify(Buffer.from(path, "latin1").toString("utf8"));

/** Not by `instanceof`: an error of Node itself is of another realm when a test runs in a context of its own. */
export const errnoOf = (error: unknown): string | undefined =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;

/** Whether a disk or a quota was full, as Node or a tool says it. */
export function isDiskFull(error: unknown): boolean {
  const errno = errnoOf(error);
  if (errno === "ENOSPC" || errno === "EDQUOT") return true;
  if (!(error instanceof CommandError)) return false;
  if (/No space left on device|Disk quota exceeded/i.test(error.stderrTail)) return true;
  // All that tar says when the last piece that found room was not a whole one. A pipe that broke is blamed on its reader.
  return error.tool === "tar" && /Wrote only \d+ of \d+ bytes/.test(error.stderrTail);
}

export interface Blame {
  /** Code when a disk is full: it depends on whose disk the step writes to. */
  readonly full: "HO-C901" | "HO-C902" | "HO-C903";
  readonly otherwise: ErrorCode;
  /** Constant sentence without full stop: "packing volume uploads failed". */
  readonly what: string;
  readonly retry?: boolean;
}

/** Gives trouble its code. A MoverError passes as it is: who threw it knew more. */
export function blame(error: unknown, by: Blame): MoverError {
  if (error instanceof MoverError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const code = isDiskFull(error) ? by.full : by.otherwise;
  return new MoverError(code, clip(`${by.what}: ${reason}`, 900), { retry: by.retry ?? false, cause: error });
}
