/** The mover as Kubernetes runs it: one process a step, with a task in its environment and a directory that stands for `/`. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  podUidVariable,
  storeRoot,
  sinkRoot,
  taskVariable,
  terminationLog,
  volumeRoot,
} from "../../operator/contract/mounts.ts";
import { parseResult, type ResultOf } from "../../operator/contract/result.ts";
import { encodeTask, type MoverStep, type MoverTask } from "../../operator/contract/task.ts";
import { rootVariable } from "../../operator/mover/main.ts";
import { measure, type Cost } from "../measure.ts";

export const repository = join(import.meta.dirname, "..", "..");

export interface MoverOptions {
  readonly root: string;
  readonly mover: "bundle" | "source";
}

export interface Ran<S extends MoverStep> {
  readonly cost: Cost;
  readonly result: ResultOf<S>;
}

export const common = {
  version: 1,
  namespace: "bench",
  policy: "nightly",
  policyUID: "policy-1",
} as const;

/** The mount points of the pods. @param volumes names of volumes */
export function createRoot(root: string, volumes: readonly string[]): void {
  const below = ["/dev", "/signal", "/tmp", "/secrets", storeRoot, sinkRoot("offsite"), ...volumes.map(volumeRoot)];
  for (const directory of below) mkdirSync(join(root, directory), { recursive: true });
}

/** @throws Error with the code and message of the step, when it fails. */
export async function runStep<S extends MoverStep>(
  options: MoverOptions,
  task: Extract<MoverTask, { step: S }>,
  podUID: string,
): Promise<Ran<S>> {
  const program = options.mover === "bundle" ? "dist/main.mjs" : "operator/main.ts";
  const cost = await measure({
    argv: [process.execPath, join(repository, program), "mover"],
    env: { [rootVariable]: options.root, [podUidVariable]: podUID, [taskVariable]: encodeTask(task) },
    okCodes: [0, 1],
  });
  const result = parseResult(readFileSync(join(options.root, terminationLog), "utf8"));
  if (result === undefined) throw new Error(`step ${task.step} left no result: ${cost.stdout.slice(-1000)}`);
  if (!result.ok) throw new Error(`step ${task.step} failed: ${result.code} ${result.message}`);
  return { cost, result: result as ResultOf<S> };
}
