/** A volume that changes between its generations, with a copy of each state to compare with. */
import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { TaskOf } from "../../operator/contract/task.ts";
import type { GenerationType } from "../../operator/domain/generation.ts";
import { stage } from "../../operator/mover/steps/stage.ts";
import { cleanup } from "../../operator/mover/steps/cleanup.ts";
import { digestText } from "../../operator/mover/store/digest.ts";
import { manifestFile } from "../../operator/mover/store/layout.ts";
import { readFileSync } from "node:fs";
import { backUp, common, uploads, type Captured, type MoverBed } from "./mover-bed.ts";
import { differences, run } from "./odd-files.ts";
import { runUID, token } from "./restore-bed.ts";

export interface Made {
  readonly id: string;
  /** Directory of the generation. */
  readonly path: string;
  /** Copy of the volume as it was. */
  readonly state: string;
}

export async function make(
  bed: MoverBed,
  seq: number,
  type: GenerationType,
  options: Pick<Captured, "maxChain" | "volumes"> = {},
): Promise<Made> {
  const state = join(bed.root, `state-${seq}`);
  // rsync would leave the time of a directory that it makes for the copy as it is.
  run("cp", ["--archive", bed.volume(uploads.name), state]);
  const path = await backUp(bed, { ...options, seq, runUID: `run-${seq}`, podUID: `pod-${seq}`, type });
  return { id: basename(path), path, state };
}

export const digestOf = (path: string): string => digestText(readFileSync(join(path, manifestFile)));

export const stageTask = ({ id, path }: Made, location = "source"): TaskOf<"stage"> => ({
  ...common,
  run: "restore-1",
  runUID,
  step: "stage",
  id,
  location: { name: location },
  manifestSHA256: digestOf(path),
  databases: [],
  volumes: [uploads],
});

/** What a restore by the steps of the mover brings back that was not so, as rsync sees it; empty when nothing is. */
export async function restoredDifference(bed: MoverBed, made: Made): Promise<string> {
  const volumes = [uploads];
  await stage(stageTask(made), bed.context("restore-pod"));
  const restored = join(bed.volume(uploads.name), `.handover-${token}`, "new");
  const found = differences(made.state, restored) + differences(restored, made.state);
  const { version, namespace, policy, policyUID } = common;
  await cleanup(
    {
      version,
      namespace,
      policy,
      policyUID,
      run: "r",
      runUID,
      step: "cleanup",
      swapped: false,
      databases: [],
      volumes,
    },
    bed.context("restore-pod"),
  );
  return found;
}

/** The same by restore.sh alone. */
export function scriptDifference(bed: MoverBed, made: Made): string {
  const out = join(bed.root, `out-${made.id}`);
  run("sh", ["restore.sh", "--to", out], { cwd: made.path });
  const found = differences(made.state, join(out, uploads.name)) + differences(join(out, uploads.name), made.state);
  rmSync(out, { recursive: true });
  return found;
}
