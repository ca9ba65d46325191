/**
 * A store, a sink and a volume of an app below one directory, small enough to be copied for each fault, and with generations
 * that the real steps have made. `disk` holds what faults are about; signals and scratch lie beside it.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, existsSync, readdirSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MoverTask, TaskOf, VolumeRef } from "../../../operator/contract/task.ts";
import { formatGenerationId } from "../../../operator/domain/generation.ts";
import type { MoverContext } from "../../../operator/mover/context.ts";
import { layoutOf, type Layout } from "../../../operator/mover/store/layout.ts";
import { digestOfPlan } from "../../../operator/mover/store/plans.ts";

export interface World {
  readonly base: string;
  readonly disk: string;
  readonly volume: string;
  readonly source: Layout;
  readonly sink: Layout;
  readonly context: (podUID: string) => MoverContext;
}

export const owner = { namespace: "shop", policy: "nightly", policyUID: "policy-uid" } as const;
export const restoreUID = "5ca1ab1e-0000-4000-8000-000000000001";
const uploads: VolumeRef = { name: "uploads", claimName: "shop-uploads", paths: ["."], exclude: [] };
const volumes = [uploads];
const databases: [] = [];

export function worldAt(base: string): World {
  const disk = join(base, "disk");
  const roots = {
    store: join(disk, "store"),
    sink: (name: string) => join(disk, "sinks", name),
    volume: (name: string) => join(disk, "volumes", name),
    secret: (name: string) => join(base, "secrets", name),
    config: (kind: string, name: string) => join(base, "config", kind, name),
    signal: join(base, "signal"),
    scratch: join(base, "scratch"),
  };
  const silent = (): void => undefined;
  return {
    base,
    disk,
    volume: roots.volume(uploads.name),
    source: layoutOf(roots.store, owner.namespace, owner.policy),
    sink: layoutOf(roots.sink("vault"), owner.namespace, owner.policy),
    context: (podUID) => ({
      roots,
      podUID,
      log: { info: silent, warn: silent },
      abort: new AbortController().signal,
    }),
  };
}

/** Several suites at once, each with a dozen templates. */
const enough = 512 * 1024 * 1024;

function hasRoom(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize > enough;
}

/** In memory where there is such a place: nothing here is about what a disk does with its cache. */
export function createWorld(): World {
  const world = worldAt(mkdtempSync(join(hasRoom("/dev/shm") ? "/dev/shm" : tmpdir(), "handover-fire-")));
  for (const path of [world.disk, join(world.base, "signal"), join(world.base, "scratch")]) mkdirSync(path);
  return world;
}

export const removeWorld = (world: World): void => rmSync(world.base, { recursive: true, force: true });

/** Keeps the state of the disk under a name. */
export function keep(world: World, name: string): string {
  const kept = join(world.base, name);
  execFileSync("cp", ["-a", world.disk, kept]);
  return kept;
}

/** The disk is again as it was kept. */
export function reset(world: World, kept: string): void {
  // The directory itself stays: it may be a mount point.
  for (const name of readdirSync(world.disk)) rmSync(join(world.disk, name), { recursive: true });
  execFileSync("cp", ["-a", `${kept}/.`, world.disk]);
  rmSync(join(world.base, "signal"), { recursive: true, force: true });
  mkdirSync(join(world.base, "signal"));
}

const timeOf = (seq: number): string => `2026-11-${String(seq).padStart(2, "0")}T01:00:00Z`;
export const idOf = (seq: number): string => formatGenerationId(seq, timeOf(seq), "Full");
const common = (seq: number) => ({ version: 1, ...owner, run: `nightly-${seq}`, runUID: `run-${seq}` }) as const;
const vault = { name: "vault" } as const;
const source = { name: "source" } as const;

/** What the controller asks for in the run of a number. */
export const tasks = {
  preflight: (seq: number): TaskOf<"preflight"> => ({
    ...common(seq),
    step: "preflight",
    type: "Full",
    databases,
    volumes,
    store: source,
    sinks: [vault],
  }),
  warm: (seq: number): TaskOf<"warm"> => ({ ...common(seq), step: "warm", seq, volumes }),
  archive: (seq: number): TaskOf<"archive"> => ({ ...common(seq), step: "archive", seq, volumes, frozen: true }),
  seal: (seq: number): TaskOf<"seal"> => ({
    ...common(seq),
    step: "seal",
    seq,
    id: idOf(seq),
    type: "Full",
    consistency: "Quiesced",
    time: timeOf(seq),
    stagingPodUID: `capture-${seq}`,
    workloads: [{ kind: "Deployment", name: "shop", uid: "w-1", replicas: 2 }],
    databases,
    volumes,
  }),
  transport: (seq: number): TaskOf<"transport"> => ({ ...common(seq), step: "transport", seq, sink: vault }),
  verify: (seq: number): TaskOf<"verify"> => ({ ...common(seq), step: "verify", sink: vault, mode: "Full" }),
  /** @param removes numbers that the plan on record names */
  prune: (
    seq: number,
    location: "source" | "vault",
    last: number,
    removes: readonly number[] = [],
  ): TaskOf<"prune"> => ({
    ...common(seq),
    step: "prune",
    location: { name: location },
    keep: { last, minVerified: 1 },
    timeZone: "UTC",
    // What goes is deleted at once, so that this is under fire as well.
    trashMillis: 0,
    holds: [],
    known: { since: 1, ranges: "" },
    approved: digestOfPlan(removes.map(idOf)),
    verify: "Full",
    requiredSinks: location === "source" ? [{ ...vault, verify: "Full" }] : [],
    acknowledged: [],
  }),
  plan: (): TaskOf<"plan"> => ({
    ...common(9),
    runUID: restoreUID,
    step: "plan",
    from: { latest: true },
    databases,
    volumes,
    included: false,
    locations: [source, vault],
    passedOver: [],
  }),
  stage: (location: "source" | "vault", id: string, manifestSHA256: string): TaskOf<"stage"> => ({
    ...common(9),
    runUID: restoreUID,
    step: "stage",
    id,
    location: { name: location },
    manifestSHA256,
    databases,
    volumes,
  }),
  swap: (): TaskOf<"swap"> => ({ ...common(9), runUID: restoreUID, step: "swap", databases, volumes }),
  cleanup: (swapped = false): TaskOf<"cleanup"> => ({
    ...common(9),
    runUID: restoreUID,
    step: "cleanup",
    swapped,
    databases,
    volumes,
  }),
} satisfies Readonly<Record<string, (...args: never[]) => MoverTask>>;
