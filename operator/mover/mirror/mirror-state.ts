/** What is known of a mirror from pass to pass, in files beside it: `mirror/.state/<volume>.*`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { VolumeRef } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { errnoOf } from "../errors.ts";
import { mirrorStateDirectory } from "../store/claim.ts";
import { writeFileDurably } from "../store/durable.ts";
import type { Layout } from "../store/layout.ts";
import { noMark } from "./changes.ts";

export interface MirrorJob {
  readonly volume: VolumeRef;
  /** Root of the volume. */
  readonly source: string;
  readonly mirror: string;
  readonly stateDirectory: string;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/** @param signal of the work that the pass is a part of */
export const mirrorJobOf = (
  volume: VolumeRef,
  layout: Layout,
  { roots, abort }: MoverContext,
  signal: AbortSignal = abort,
): MirrorJob => ({
  volume,
  source: roots.volume(volume.name),
  mirror: layout.mirror(volume.name),
  stateDirectory: mirrorStateDirectory(layout),
  scratch: roots.scratch,
  signal,
});

const stateSchema = z.object({
  /**
   * Every change up to this mark is in the mirror, durably, and any later one gives a file a newer time, even where only whole
   * seconds are kept: either the mark is older by that than what the pass found, or what changed in the second before it was compared by
   * content later than a second after it.
   */
  mark: z.string(),
  /** The newest change time that was found in the volume. */
  newest: z.string().default("0"),
  /** Of the mirror after the warm passes. */
  bytes: z.number(),
  files: z.number().default(0),
  attributes: z.object({ acls: z.boolean(), xattrs: z.boolean() }),
  foreign: z.object({ owners: z.number(), devices: z.number() }).default({ owners: 0, devices: 0 }),
  /** What the mirror was to hold, and who wrote it: for another selection, or another user, the inventory says nothing. */
  selection: z.string().default(""),
  /** When all of the mirror was last compared by content, or made: ms since the epoch, by the clock of that pod. */
  comparedAt: z.number().default(0),
});
export type State = z.infer<typeof stateSchema>;

type StateOwner = Pick<MirrorJob, "stateDirectory"> & { readonly volume: Pick<VolumeRef, "name"> };

const at = (job: StateOwner, suffix: string): string => join(job.stateDirectory, `${job.volume.name}.${suffix}`);
/** By a name that is no volume's: `claim.json` lies beside it. */
const stateFile = (job: StateOwner): string => at(job, "mirror.json");
export const largeFiles = (job: StateOwner): string => at(job, "large");
export const linksFile = (job: StateOwner): string => at(job, "links");
/** As it was found by the pass under way, uncompressed. */
export const freshInventory = (job: Pick<MirrorJob, "scratch" | "volume">): string =>
  join(job.scratch, `inventory-${job.volume.name}`);

export const selectionOf = ({ volume: { paths, exclude } }: Pick<MirrorJob, "volume">): string =>
  JSON.stringify([process.getuid?.() ?? 0, paths, exclude]);

export async function readState(job: StateOwner): Promise<State | undefined> {
  try {
    return stateSchema.safeParse(JSON.parse(await readFile(stateFile(job), "utf8"))).data;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export async function writeState(job: StateOwner, state: State): Promise<void> {
  await writeFileDurably(stateFile(job), `${JSON.stringify(state)}\n`);
}

/** Bytes that the mirror holds already; 0 when there is none. */
export async function mirroredBytes(stateDirectory: string, volume: string): Promise<number> {
  return (await readState({ stateDirectory, volume: { name: volume } }))?.bytes ?? 0;
}

/** After a mistake that may be anywhere in the mirror: the next pass compares all of it by content. */
export async function doubt(job: StateOwner): Promise<void> {
  const state = await readState(job);
  if (state !== undefined) await writeState(job, { ...state, mark: noMark });
}
