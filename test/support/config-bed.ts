/** A volume of class Config and a ConfigMap, and the steps that make generations of them. */
import { linkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { ResultOf } from "../../operator/contract/result.ts";
import type { ConfigRef, TaskOf, VolumeRef } from "../../operator/contract/task.ts";
import { formatGenerationId } from "../../operator/domain/generation.ts";
import { collect } from "../../operator/mover/steps/collect.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { common, createBed, preflightTask, sealTask, uploads, type MoverBed } from "./mover-bed.ts";
import { fill } from "./restore-bed.ts";

export interface Asked {
  readonly volumes?: readonly VolumeRef[];
  readonly configs?: readonly ConfigRef[];
}

export interface ConfigBed {
  readonly bed: MoverBed;
  /** Of the volume. */
  readonly root: string;
  readonly preflighting: () => Promise<ResultOf<"preflight">>;
  readonly task: (seq: number, asked?: Asked) => TaskOf<"collect">;
  readonly collecting: (seq: number, asked?: Asked, podUID?: string) => Promise<ResultOf<"collect">>;
  readonly sealing: (seq: number, asked?: Asked) => Promise<ResultOf<"seal">>;
  /** @returns the directory of the generation; undefined when nothing has changed */
  readonly makeConfig: (seq: number, asked?: Asked) => Promise<string | undefined>;
}

const settings: ConfigRef = { kind: "ConfigMap", name: "settings" };

export async function createConfigBed(): Promise<ConfigBed> {
  const bed = createBed();
  const root = bed.volume(uploads.name);
  fill(root, { "app.ini": "colour = green\n", "sites/one.conf": "one", "sites/two.conf": "two", "cache/x": "x" });
  linkSync(join(root, "sites/one.conf"), join(root, "sites/linked.conf"));
  symlinkSync("app.ini", join(root, "link"));
  fill(join(bed.root, "config/configmap/settings"), { key: "value" });
  const preflighting: ConfigBed["preflighting"] = () =>
    preflight({ ...preflightTask(), type: "Config" }, bed.context("preflight-1"));
  const task: ConfigBed["task"] = (seq, { volumes = [uploads], configs = [settings] } = {}) => ({
    ...common,
    step: "collect",
    seq,
    configs: [...configs],
    volumes: [...volumes],
  });
  const collecting: ConfigBed["collecting"] = (seq, asked, podUID = `pod-${seq}`) =>
    collect(task(seq, asked), bed.context(podUID));
  const sealing: ConfigBed["sealing"] = (seq, { volumes = [uploads], configs = [settings] } = {}) =>
    seal(
      {
        ...sealTask({ seq, runUID: `run-${seq}`, podUID: `pod-${seq}`, volumes }),
        id: formatGenerationId(seq, "2026-11-21T01:02:03Z", "Config"),
        type: "Config",
        consistency: "Running",
        configs: [...configs],
      },
      bed.context(`seal-${seq}`),
    );
  const makeConfig: ConfigBed["makeConfig"] = async (seq, asked) =>
    (await collecting(seq, asked)).unchanged === undefined
      ? join(bed.layout.handover, (await sealing(seq, asked)).id)
      : undefined;
  await preflighting();
  return { bed, root, preflighting, task, collecting, sealing, makeConfig };
}
