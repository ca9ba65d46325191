/**
 * The mover: reads its task from the environment, runs one step, and writes its result where Kubernetes reports it. Exit
 * code 0 when the step succeeded, 1 when it did not. Steps are loaded only when they are asked for, because the start of this
 * process is part of an app's downtime. SIGTERM ends the children first.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import type { MoverFailure, MoverResult, MoverSuccess } from "../contract/result.ts";
// Not from the results, whose schemas the controller alone needs: a mover has to start fast.
import { maxResultBytes, podUidVariable, taskVariable, terminationLog } from "../contract/mounts.ts";
import { parseTask, type MoverTask } from "../contract/task.ts";
import { createLog } from "../log.ts";
import { mountedRoots, type MoverContext, type MoverLog, type MoverRoots } from "./context.ts";
import { MoverError } from "./errors.ts";
import { clip } from "../domain/text.ts";

/** A directory that stands for `/`, for tests and for running a step outside of a pod. */
export const rootVariable = "HANDOVER_ROOT";

/** Runs the step of the environment and ends the process: what a library still holds open must not keep an app waiting. */
export async function runMover(env: NodeJS.ProcessEnv = process.env): Promise<never> {
  // What a backup is made of is nobody else's business, whatever tool writes it.
  process.umask(0o077);
  // Lists of millions of entries are short-lived garbage: with the room that V8 gives that by default, a process holds 210 MiB
  // instead of 130 and is no faster.
  for (const flag of ["--max-semi-space-size=4", "--semi-space-growth-factor=1"]) setFlagsFromString(flag);
  const abort = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () =>
      abort.abort(new MoverError("HO-X003", `the pod was asked to end (${signal})`, { retry: true })),
    );
  const log = createMoverLog();
  const prefix = env[rootVariable];
  const context: MoverContext = {
    roots: prefix === undefined ? mountedRoots : below(prefix),
    podUID: env[podUidVariable] ?? "",
    log,
    abort: abort.signal,
    startedAt: performance.timeOrigin,
  };
  const result = await attempt(env[taskVariable] ?? "", context);
  if (!result.ok)
    log.warn("the step failed", { step: result.step, code: result.code, reason: result.message, retry: result.retry });
  const text = encodeResult(result);
  try {
    writeFileSync(join(prefix ?? "/", terminationLog), text);
  } catch (error) {
    log.warn("the result could not be written", { reason: String(error) });
  }
  log.info("result", { result });
  process.exit(result.ok ? 0 : 1);
}

async function attempt(taskText: string, context: MoverContext): Promise<MoverResult> {
  let step = "unknown";
  try {
    const task = parseTask(taskText);
    step = task.step;
    if (context.podUID === "") throw new MoverError("HO-X001", `${podUidVariable} is not set`);
    return await runStep(task, context);
  } catch (error) {
    const known = context.abort.aborted && !(error instanceof MoverError) ? context.abort.reason : error;
    if (!(known instanceof MoverError))
      context.log.warn("an unexpected error", { stack: known instanceof Error ? known.stack : String(known) });
    return failureOf(step, known);
  }
}

function failureOf(step: string, error: unknown): MoverFailure {
  const message = clip(error instanceof Error ? error.message : String(error), 1000);
  const { code, retry } = error instanceof MoverError ? error : { code: "HO-X001" as const, retry: false };
  return { version: 1, step, ok: false, code, message, retry };
}

/** Loads only what the step needs. */
export async function runStep(task: MoverTask, context: MoverContext): Promise<MoverSuccess> {
  switch (task.step) {
    case "preflight":
      return await (await import("./steps/preflight.ts")).preflight(task, context);
    case "warm":
      return await (await import("./steps/warm.ts")).warm(task, context);
    case "dump":
      return await (await import("./steps/dump.ts")).dump(task, context);
    case "archive":
      return await (await import("./steps/archive.ts")).archive(task, context);
    case "collect":
      return await (await import("./steps/collect.ts")).collect(task, context);
    case "release":
      return await (await import("./steps/release.ts")).release(task, context);
    case "seal":
      return await (await import("./steps/seal.ts")).seal(task, context);
    case "transport":
      return await (await import("./steps/transport.ts")).transport(task, context);
    case "verify":
      return await (await import("./steps/verify.ts")).verify(task, context);
    case "prune":
      return await (await import("./steps/prune.ts")).prune(task, context);
    case "catalogue":
      return await (await import("./steps/catalogue.ts")).catalogue(task, context);
    case "plan":
      return await (await import("./steps/plan.ts")).plan(task, context);
    case "stage":
      return await (await import("./steps/stage.ts")).stage(task, context);
    case "swap":
      return await (await import("./steps/swap.ts")).swap(task, context);
    case "cleanup":
      return await (await import("./steps/cleanup.ts")).cleanup(task, context);
  }
}

/** JSON of at most 4,096 bytes: Kubernetes would cut a longer one in the middle. Lists lose their last entries first. */
export function encodeResult(result: MoverResult): string {
  const copy = structuredClone(result) as Record<string, unknown>;
  for (;;) {
    const text = JSON.stringify(copy);
    if (Buffer.byteLength(text) <= maxResultBytes) return text;
    const lists = Object.values(copy).filter((value): value is unknown[] => Array.isArray(value) && value.length > 0);
    const longest = lists.toSorted((a, b) => JSON.stringify(b).length - JSON.stringify(a).length)[0];
    if (longest !== undefined) longest.pop();
    else if (typeof copy["message"] === "string" && copy["message"].length > 0)
      copy["message"] = copy["message"].slice(0, -100);
    else return text;
  }
}

const below = (prefix: string): MoverRoots => ({
  store: join(prefix, mountedRoots.store),
  sink: (name) => join(prefix, mountedRoots.sink(name)),
  volume: (name) => join(prefix, mountedRoots.volume(name)),
  secret: (database) => join(prefix, mountedRoots.secret(database)),
  config: (kind, name) => join(prefix, mountedRoots.config(kind, name)),
  signal: join(prefix, mountedRoots.signal),
  scratch: join(prefix, mountedRoots.scratch),
});

function createMoverLog(): MoverLog {
  const log = createLog("info");
  return {
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
  };
}
