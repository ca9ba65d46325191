/** States of a disk from which faults start, made by the real steps: three nights of a small app. */
import {
  appendFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { MoverTask } from "../../../operator/contract/task.ts";
import { runStep } from "../../../operator/mover/main.ts";
import type { Layout } from "../../../operator/mover/store/layout.ts";
import { sha256 } from "../../support/generations.ts";
import { randomOf } from "../../simulator/random.ts";
import { idOf, keep, reset, tasks, type World } from "./world.ts";

export interface Templates {
  /** Number 3 is captured, and not sealed. Number 2 waits at the source, number 1 is in its store; the sink has both, verified. */
  readonly captured: string;
  /** Number 3 is sealed, and not at the sink. */
  readonly sealed: string;
  /** The sink has all three; the last is not verified. */
  readonly delivered: string;
  /** All three are verified; 2 and 3 still wait at the source. */
  readonly verified: string;
  /** And the app has gone on since then. */
  readonly today: string;
  /** Beside what the app has, number 3 is staged. */
  readonly staged: string;
}

const random = randomOf(20261129);
const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)));

/** What the app has in one night: little, of every kind that a step treats differently, and enough for more than one write. */
function writeContent(volume: string, night: number): void {
  mkdirSync(join(volume, "notes/empty"), { recursive: true });
  for (const name of ["one", "two"]) writeFileSync(join(volume, "notes", name), `${name} of night ${night}\n`);
  writeFileSync(join(volume, `photo-${night}`), bytes(90_000));
  if (night > 1) return;
  linkSync(join(volume, "photo-1"), join(volume, "notes/the same"));
  symlinkSync("notes/one", join(volume, "newest"));
}

export async function makeTemplates(world: World): Promise<Templates> {
  const perform = async (...steps: readonly MoverTask[]): Promise<void> => {
    for (const task of steps)
      await runStep(task, world.context(task.step === "archive" ? `capture-${task.seq}` : `pod-${task.step}`));
  };
  for (const path of [dirname(dirname(world.source.base)), dirname(dirname(world.sink.base)), world.volume])
    mkdirSync(path, { recursive: true });
  for (const seq of [1, 2]) {
    writeContent(world.volume, seq);
    await perform(tasks.preflight(seq), tasks.warm(seq), tasks.archive(seq), tasks.seal(seq), tasks.transport(seq));
    await perform(tasks.verify(seq));
    if (seq === 1) await perform(tasks.prune(1, "source", 3), tasks.prune(1, "vault", 3));
  }
  writeContent(world.volume, 3);
  await perform(tasks.preflight(3), tasks.warm(3), tasks.archive(3));
  const captured = keep(world, "captured");
  await perform(tasks.seal(3));
  const sealed = keep(world, "sealed");
  await perform(tasks.transport(3));
  const delivered = keep(world, "delivered");
  await perform(tasks.verify(3));
  const verified = keep(world, "verified");
  changeVolume(world);
  const today = keep(world, "today");
  await perform(tasks.stage("vault", idOf(3), manifestDigest(verified, world, world.sink.store, 3)));
  return { captured, sealed, delivered, verified, today, staged: keep(world, "staged") };
}

/** Digest of the manifest of a generation in a directory of a template. */
export const manifestDigest = (kept: string, world: World, directory: string, seq: number): string =>
  sha256(readFileSync(join(kept, directory.slice(world.disk.length), idOf(seq), "manifest.json")));

/** Another template: one that was made, changed. */
export function variant(world: World, from: string, name: string, change: () => void): string {
  reset(world, from);
  change();
  return keep(world, name);
}

/** Changes one byte in the middle. */
export function spoil(file: string): void {
  const content = readFileSync(file);
  const at = Math.floor(content.length / 2);
  content[at] = (content[at] ?? 0) ^ 1;
  writeFileSync(file, content);
}

/** A sink that has lost number 2, with what an attempt has left that died within its first file. */
export function loseAtSink(world: World): void {
  const left = join(world.sink.staging, "000003-dead", idOf(2), "volumes");
  mkdirSync(left, { recursive: true });
  const archive = join(world.sink.store, idOf(2), "volumes/uploads.tar.zst");
  writeFileSync(join(left, ".uploads.tar.zst.a1b2c3"), readFileSync(archive).subarray(0, 20_000));
  rmSync(join(world.sink.store, idOf(2)), { recursive: true });
  rmSync(join(world.sink.verified, `${idOf(2)}.json`));
}

/** Number 1 at the sink is spoilt in its manifest, which is seen by whoever lists, and number 2 in its archive, by who reads. */
export function spoilAtSink(world: World, ...what: readonly ("manifest" | "archive")[]): void {
  if (what.includes("manifest")) appendFileSync(join(world.sink.store, idOf(1), "manifest.json"), " ");
  if (!what.includes("archive")) return;
  spoil(join(world.sink.store, idOf(2), "volumes/uploads.tar.zst"));
  rmSync(join(world.sink.verified, `${idOf(2)}.json`));
}

/** What earlier nights have left: a copy that was set aside, and one in the trash of an attempt that died. */
export function litterAtSink(world: World): void {
  cpSync(join(world.sink.store, idOf(1)), join(world.sink.damaged, `${idOf(1)}-1`), { recursive: true });
  const trash = join(world.sink.trash, "2026-11-20");
  mkdirSync(trash);
  cpSync(join(world.sink.store, idOf(1)), join(trash, "000000-20261031T010000Z-full"), { recursive: true });
}

/** The claim of the sink was made anew: nothing of ours is in it. At the source two generations are left, which is more than one. */
export function emptySink(world: World): void {
  empty(world.sink);
  for (const path of [world.source.store, world.source.handover])
    rmSync(join(path, idOf(1)), { recursive: true, force: true });
}

/** A policy that has never run, on claims that nobody has used. */
export const newStoreAndSink = (world: World): void => [world.source, world.sink].forEach(empty);

function empty({ base }: Layout): void {
  const root = dirname(dirname(base));
  rmSync(root, { recursive: true });
  mkdirSync(root);
}

function changeVolume(world: World): void {
  writeFileSync(join(world.volume, "notes/one"), "of today\n");
  renameSync(join(world.volume, "photo-2"), join(world.volume, "photo-today"));
}
