/** The newest generation of the configuration at the source, and whether it is what was found just now. Reads only. */
import { join } from "node:path";
import type { TaskOf } from "../../contract/task.ts";
import type { ConfigPart } from "../../domain/manifest.ts";
import { linesOfVolume, type ListedMirror } from "../mirror/listing.ts";
import { differingVolume } from "../store/base.ts";
import { compareContents } from "../store/contents.ts";
import { filesListFile, type Layout } from "../store/layout.ts";
import { listGenerations, type GenerationEntry } from "../store/listing.ts";
import type { StoredFile } from "../store/parts.ts";
import { isSameState } from "./same-state.ts";

export interface Found {
  readonly configs: readonly ConfigPart[];
  /** The content of the keys. */
  readonly files: readonly StoredFile[];
  readonly mirrors: readonly ListedMirror[];
}

/** @returns its id if it is this policy's, holds exactly what was found and is whole */
export async function findSame(
  layout: Layout,
  task: Pick<TaskOf<"collect">, "policyUID" | "volumes">,
  found: Found,
  signal: AbortSignal,
): Promise<string | undefined> {
  const newest = await newestConfig(layout);
  // Those of a former policy do not count, and are not brought to the sinks of this one.
  if (newest?.manifest.lineage.policyUID !== task.policyUID) return undefined;
  if (!holdsKeys(newest, found) || !isOfVolumes(newest, task.volumes)) return undefined;
  // Before its list is believed.
  const { difference } = await compareContents(newest.path, newest.manifest, { read: () => true, signal });
  if (difference !== undefined) return undefined;
  const list = join(newest.path, filesListFile);
  for (const { volume, lines } of found.mirrors)
    if (!(await isSameState(lines(signal), linesOfVolume(list, volume, signal)))) return undefined;
  return newest.id;
}

function holdsKeys({ manifest }: GenerationEntry, { configs, files }: Found): boolean {
  const text = (list: readonly ConfigPart[], of: readonly StoredFile[]): string =>
    JSON.stringify([
      list.map(({ kind, name, keys }) => [kind, name, keys.toSorted()].join("\n")).toSorted(),
      of.map(({ path, sha256 }) => `${sha256} ${path}`).toSorted(),
    ]);
  const stored = manifest.files.filter(({ path }) => path.startsWith("config/"));
  return text(manifest.configs ?? [], stored) === text(configs, files);
}

/** Of the same volumes, and of the same part of each. */
const isOfVolumes = ({ manifest }: GenerationEntry, volumes: TaskOf<"collect">["volumes"]): boolean =>
  differingVolume(manifest.volumes, volumes) === undefined &&
  manifest.volumes.every(({ name, claimName }) =>
    volumes.some((volume) => volume.name === name && volume.claimName === claimName),
  );

async function newestConfig(layout: Layout): Promise<GenerationEntry | undefined> {
  const listings = [await listGenerations(layout.handover), await listGenerations(layout.store)];
  return listings
    .flatMap(({ generations }) => generations)
    .filter(({ manifest }) => manifest.type === "Config")
    .toSorted((a, b) => a.seq - b.seq)
    .at(-1);
}
