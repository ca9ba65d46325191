/** Mount points of a mover pod in a directory of their own, and tasks for them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BaseRef, DatabaseRef, TaskOf, VolumeRef } from "../../operator/contract/task.ts";
import type { ResultOf } from "../../operator/contract/result.ts";
import { formatGenerationId, type GenerationType } from "../../operator/domain/generation.ts";
import type { MoverContext } from "../../operator/mover/context.ts";
import { layoutOf, stagingName, type Layout } from "../../operator/mover/store/layout.ts";
import { archive } from "../../operator/mover/steps/archive.ts";
import { dump } from "../../operator/mover/steps/dump.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { release } from "../../operator/mover/steps/release.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { warm } from "../../operator/mover/steps/warm.ts";
import { together } from "../../operator/mover/together.ts";

export const common = {
  version: 1,
  namespace: "shop",
  policy: "nightly",
  policyUID: "policy-1",
  run: "nightly-1",
  runUID: "run-1",
} as const;

export const uploads: VolumeRef = { name: "uploads", claimName: "shop-uploads", paths: ["."], exclude: [] };

export interface MoverBed {
  readonly root: string;
  readonly layout: Layout;
  /** Root of a volume of the app. */
  readonly volume: (name: string) => string;
  readonly logged: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[];
  readonly context: (podUID: string, abort?: AbortSignal) => MoverContext;
  readonly staging: (seq: number, podUID: string) => string;
  /** Other signals of the same pod are gone. */
  readonly newPod: () => void;
  readonly dispose: () => void;
}

export function createBed(
  options: { readonly volumes?: readonly string[]; readonly store?: string; readonly parent?: string } = {},
): MoverBed {
  const root = mkdtempSync(join(options.parent ?? tmpdir(), "handover-bed-"));
  const store = options.store ?? join(root, "store");
  const volume = (name: string): string => join(root, "v", name);
  const signal = join(root, "signal");
  const scratch = join(root, "scratch");
  for (const directory of [store, signal, scratch, join(root, "secrets"), join(root, "sinks")])
    mkdirSync(directory, { recursive: true });
  for (const name of options.volumes ?? [uploads.name]) mkdirSync(volume(name), { recursive: true });
  const logged: MoverBed["logged"] = [];
  const write = (message: string, fields: Readonly<Record<string, unknown>> = {}): number =>
    logged.push({ message, fields });
  return {
    root,
    layout: layoutOf(store, common.namespace, common.policy),
    volume,
    logged,
    context: (podUID, abort = new AbortController().signal) => ({
      roots: {
        store,
        sink: (name) => join(root, "sinks", name),
        volume,
        secret: (name) => join(root, "secrets", name),
        config: (kind, name) => join(root, "config", kind.toLowerCase(), name),
        signal,
        scratch,
      },
      podUID,
      log: { info: write, warn: write },
      abort,
    }),
    staging: (seq, podUID) => join(layoutOf(store, common.namespace, common.policy).staging, stagingName(seq, podUID)),
    newPod: () => {
      rmSync(signal, { recursive: true });
      mkdirSync(signal);
    },
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}

export function writeSecret(bed: MoverBed, database: string, keys: Readonly<Record<string, string>>): void {
  const directory = join(bed.root, "secrets", database);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const [key, value] of Object.entries(keys)) writeFileSync(join(directory, key), value);
}

export interface Captured {
  readonly seq?: number;
  readonly runUID?: string;
  readonly podUID?: string;
  readonly volumes?: readonly VolumeRef[];
  readonly databases?: readonly DatabaseRef[];
  readonly type?: GenerationType;
  readonly base?: BaseRef | undefined;
  readonly maxChain?: number;
  /** The moment that the state is of. */
  readonly time?: string;
}

export const preflightTask = (of: Captured = {}): TaskOf<"preflight"> => ({
  ...common,
  step: "preflight",
  type: of.type ?? "Full",
  ...(of.maxChain === undefined ? {} : { maxChain: of.maxChain }),
  databases: [...(of.databases ?? [])],
  volumes: [...(of.volumes ?? [uploads])],
  store: { name: "source" },
  sinks: [],
});

export function sealTask(of: Captured = {}): TaskOf<"seal"> {
  const seq = of.seq ?? 1;
  const time = of.time ?? "2026-11-21T01:02:03Z";
  const type = of.type ?? "Full";
  return {
    ...common,
    runUID: of.runUID ?? common.runUID,
    step: "seal",
    seq,
    id: formatGenerationId(seq, time, type),
    type,
    ...(of.base === undefined ? {} : { base: of.base }),
    consistency: "Quiesced",
    time,
    stagingPodUID: of.podUID ?? "pod-1",
    workloads: [{ kind: "Deployment", name: "shop", uid: "w-1", replicas: 2 }],
    databases: [...(of.databases ?? [])],
    volumes: [...(of.volumes ?? [uploads])],
  };
}

/** The capture pod: its containers at once, on a warm mirror. */
export async function capture(
  bed: MoverBed,
  of: Captured = {},
): Promise<{ readonly dump?: ResultOf<"dump">; readonly archive?: ResultOf<"archive"> }> {
  const { seq = 1, podUID = "pod-1", volumes = [uploads], databases = [], base } = of;
  const on = base === undefined ? {} : { base };
  bed.newPod();
  const parts = [
    ...(databases.length > 0 ? (["dump"] as const) : []),
    ...(volumes.length > 0 ? (["archive"] as const) : []),
  ];
  // As in a pod, none outlives the test.
  const [dumped, archived] = await together<[ResultOf<"dump"> | undefined, ResultOf<"archive"> | undefined, unknown]>(
    new AbortController().signal,
    (signal) => {
      const context = bed.context(podUID, signal);
      return [
        databases.length > 0
          ? dump({ ...common, step: "dump", seq, databases: [...databases] }, context)
          : Promise.resolve(undefined),
        volumes.length > 0
          ? archive({ ...common, step: "archive", seq, volumes: [...volumes], frozen: true, ...on }, context)
          : Promise.resolve(undefined),
        release({ ...common, step: "release", parts }, context),
      ];
    },
  );
  return {
    ...(dumped === undefined ? {} : { dump: dumped }),
    ...(archived === undefined ? {} : { archive: archived }),
  };
}

export async function warmUp(bed: MoverBed, of: Captured = {}): Promise<ResultOf<"warm">> {
  const on = of.base === undefined ? {} : { base: of.base };
  return await warm(
    { ...common, step: "warm", seq: of.seq ?? 1, volumes: [...(of.volumes ?? [uploads])], ...on },
    bed.context(`warm-${of.podUID ?? "pod-1"}`),
  );
}

/** All steps of a backup up to the sealed generation, on the base that the preflight has chosen. @returns its directory */
export async function backUp(bed: MoverBed, wanted: Captured = {}): Promise<string> {
  const { base } = await preflight(preflightTask(wanted), bed.context("preflight-1"));
  const of: Captured = base === undefined ? wanted : "full" in base ? { ...wanted, type: "Full" } : { ...wanted, base };
  if (of.volumes?.length !== 0) await warmUp(bed, of);
  await capture(bed, of);
  const { id } = await seal(sealTask(of), bed.context("seal-1"));
  return join(bed.layout.handover, id);
}
