/** A generation of a bed's volume by all real steps, and its way back into the volume. */
import { basename, join } from "node:path";
import type { ResultOf } from "../../operator/contract/result.ts";
import { cleanup } from "../../operator/mover/steps/cleanup.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { stage } from "../../operator/mover/steps/stage.ts";
import { swap } from "../../operator/mover/steps/swap.ts";
import { readGeneration } from "../../operator/mover/store/listing.ts";
import { capture, common, preflightTask, sealTask, uploads, warmUp, type MoverBed } from "./mover-bed.ts";

export interface Made {
  /** Directory of the generation. */
  readonly path: string;
  readonly archived: ResultOf<"archive"> | undefined;
}

export async function makeGeneration(bed: MoverBed, seq: number, type: "Full" | "Incremental"): Promise<Made> {
  const asked = { seq, runUID: `run-${seq}`, podUID: `pod-${seq}`, type };
  const { base } = await preflight(preflightTask(asked), bed.context("preflight"));
  if (base !== undefined && "full" in base) throw new Error(base.full);
  const of = base === undefined ? asked : { ...asked, base };
  await warmUp(bed, of);
  const { archive } = await capture(bed, of);
  const { id } = await seal(sealTask(of), bed.context(`seal-${seq}`));
  return { path: join(bed.layout.handover, id), archived: archive };
}

/** @param path directory of the generation */
export async function restoreGeneration(bed: MoverBed, path: string): Promise<void> {
  const generation = await readGeneration(path, basename(path));
  if (typeof generation === "string") throw new Error(generation);
  const { id, manifestSHA256 } = generation;
  const parts = { ...common, runUID: "5ca1ab1e-0000-4000-8000-000000000001", databases: [], volumes: [uploads] };
  const context = bed.context("restore");
  await stage({ ...parts, step: "stage", id, manifestSHA256, location: { name: "source" } }, context);
  await swap({ ...parts, step: "swap" }, context);
  await cleanup({ ...parts, step: "cleanup", swapped: true }, context);
}
