/**
 * Handover's data path for files: warm, archive and seal one after the other, each a process of its own. Preflight, transport
 * and cleanup are run too, beside the figures.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { storeRoot, sinkRoot, volumeRoot } from "../../operator/contract/mounts.ts";
import type { BaseRef, VolumeRef } from "../../operator/contract/task.ts";
import { formatGenerationId, type GenerationType } from "../../operator/domain/generation.ts";
import { sumOf, type Cost } from "../measure.ts";
import type { Contestant, Generation } from "./contestant.ts";
import { bytesBelow, emptyDirectory, measureDurably } from "./disk.ts";
import { common, createRoot, runStep, type MoverOptions } from "./mover.ts";

export interface HandoverGeneration extends Generation {
  readonly id: string;
  readonly type: GenerationType;
  readonly steps: Readonly<Record<"warm" | "archive" | "seal", Cost>>;
}

export interface Handover extends Contestant {
  readonly backUp: (kind: "first" | "increment") => Promise<HandoverGeneration>;
}

const volume: VolumeRef = { name: "files", claimName: "files", paths: ["."], exclude: [] };

/** Where the tree has to be. */
export const treeOf = (root: string): string => join(root, volumeRoot(volume.name));

export function createHandover(options: MoverOptions): Handover {
  const { root } = options;
  createRoot(root, [volume.name]);
  let seq = 0;
  let newest: { readonly id: string; readonly manifestSHA256: string } | undefined;
  const run = (): { readonly run: string; readonly runUID: string } => ({ run: `run-${seq}`, runUID: `uid-${seq}` });

  const backUp = async (kind: "first" | "increment"): Promise<HandoverGeneration> => {
    seq += 1;
    emptyDirectory(join(root, "signal"));
    const of = { ...common, ...run(), volumes: [volume] };
    const asked = kind === "first" ? "Full" : "Incremental";
    const { result } = await runStep<"preflight">(
      options,
      { ...of, step: "preflight", type: asked, databases: [], store: { name: "source" }, sinks: [] },
      `preflight-${seq}`,
    );
    const base = kind === "first" ? undefined : (result.base ?? { full: "this release makes no increments" });
    const based: { readonly base?: BaseRef } = base === undefined || "full" in base ? {} : { base };
    const type = based.base === undefined ? "Full" : asked;
    const podUID = `capture-${seq}`;
    const warm = await runStep<"warm">(options, { ...of, ...based, step: "warm", seq }, `warm-${seq}`);
    const archive = await runStep<"archive">(options, { ...of, ...based, step: "archive", seq, frozen: true }, podUID);
    const time = new Date().toISOString();
    const seal = await runStep<"seal">(
      options,
      {
        ...of,
        ...based,
        step: "seal",
        seq,
        id: formatGenerationId(seq, time, type),
        type,
        consistency: "Quiesced",
        time,
        stagingPodUID: podUID,
        workloads: [],
        databases: [],
      },
      `seal-${seq}`,
    );
    newest = { id: seal.result.id, manifestSHA256: seal.result.manifestSHA256 };
    const steps = { warm: warm.cost, archive: archive.cost, seal: seal.cost };
    return {
      ...sumOf(Object.values(steps)),
      storedBytes: seal.result.storedBytes,
      id: newest.id,
      type,
      steps,
      ...(base !== undefined && "full" in base ? { note: `a full generation: ${base.full}` } : {}),
    };
  };

  return {
    name: "handover",
    version: `${options.mover} of this tree`,
    backUp,
    reset: async () => {
      for (const directory of [storeRoot, sinkRoot("offsite"), "/tmp"]) emptyDirectory(join(root, directory));
      seq = 0;
      newest = undefined;
    },
    verify: async () => {
      const sink = { name: "offsite" };
      await runStep<"transport">(options, { ...common, ...run(), step: "transport", seq, sink }, `transport-${seq}`);
      const task = { ...common, ...run(), step: "verify", sink, mode: "Full" } as const;
      await measureDurably({ argv: ["true"] }, root);
      const { cost, result } = await runStep<"verify">(options, task, `verify-${seq}`);
      const stored = bytesBelow(join(root, sinkRoot("offsite")));
      // What was not read was not verified, and would make a fine ratio.
      if (result.damaged.length > 0 || result.bytes < stored * 0.9)
        throw new Error(`verify read ${result.bytes} of ${stored} bytes`);
      return cost;
    },
    restore: async () => {
      if (newest === undefined) throw new Error("there is nothing to restore");
      const of = {
        ...common,
        ...run(),
        runUID: "5ca1ab1e-0000-4000-8000-000000000001",
        databases: [],
        volumes: [volume],
      };
      const location = { name: "source" };
      const { cost, result } = await runStep<"stage">(options, { ...of, ...newest, step: "stage", location }, "stage");
      const durable = await measureDurably({ argv: ["true"] }, root);
      if (result.bytes === 0) throw new Error("nothing was restored");
      await runStep<"cleanup">(options, { ...of, step: "cleanup", swapped: false }, "cleanup");
      rmSync(join(root, "tmp"), { recursive: true, force: true });
      emptyDirectory(join(root, "tmp"));
      return sumOf([cost, durable]);
    },
  };
}
