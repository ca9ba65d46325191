/** What the parts of a capture have left for the seal, and where it is put while a generation is made of the rest. */
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { TaskOf } from "../../contract/task.ts";
import { needsBase } from "../../domain/generation.ts";
import { MoverError } from "../errors.ts";
import { exists, makeDirectory, syncDirectory } from "./durable.ts";
import { archivePartFile, collectPartFile, dumpPartFile } from "./layout.ts";
import {
  archivePartSchema,
  collectPartSchema,
  dumpPartSchema,
  readPart,
  type ArchivePart,
  type CollectPart,
  type DumpPart,
} from "./parts.ts";

type Task = TaskOf<"seal">;

export interface Parts {
  readonly dump: DumpPart | undefined;
  readonly archive: ArchivePart | undefined;
  readonly collection: CollectPart | undefined;
}

export const partFiles: readonly string[] = [dumpPartFile, archivePartFile, collectPartFile];

/** The parts lie beside the staging directory once an earlier attempt came as far as the rename. */
const asideOf = (staging: string): string => `${staging}.parts`;

export async function setPartsAside(staging: string): Promise<void> {
  await makeDirectory(asideOf(staging));
  for (const name of await readdir(staging)) {
    if (partFiles.includes(name)) await rename(join(staging, name), join(asideOf(staging), name));
  }
  await syncDirectory(asideOf(staging));
  await syncDirectory(staging);
}

/** @throws MoverError HO-A404 when they are not what was to be captured. */
export async function readParts(task: Task, staging: string): Promise<Parts> {
  const place = async (file: string): Promise<string> =>
    (await exists(join(asideOf(staging), file))) ? join(asideOf(staging), file) : join(staging, file);
  const dump = task.databases.length === 0 ? undefined : await readPart(await place(dumpPartFile), dumpPartSchema);
  const archive =
    task.volumes.length === 0 ? undefined : await readPart(await place(archivePartFile), archivePartSchema);
  const { configs = [] } = task;
  const collection = configs.length === 0 ? undefined : await readPart(await place(collectPartFile), collectPartSchema);
  for (const part of [dump, archive, collection]) {
    if (part !== undefined && (part.seq !== task.seq || part.podUID !== task.stagingPodUID))
      throw new MoverError("HO-A404", "a part is of another capture");
  }
  const same = (
    wanted: readonly { readonly name: string }[],
    found: readonly { readonly name: string }[] = [],
  ): boolean => wanted.length === found.length && wanted.every(({ name }) => found.some((part) => part.name === name));
  if (!same(task.databases, dump?.databases)) throw new MoverError("HO-A404", "not every database was captured");
  if (!same(task.volumes, archive?.volumes)) throw new MoverError("HO-A404", "not every volume was captured");
  const isCaptured = ({ kind, name }: (typeof configs)[number]): boolean =>
    collection?.configs.some((part) => part.kind === kind && part.name === name) === true;
  if (configs.length !== (collection?.configs.length ?? 0) || !configs.every(isCaptured))
    throw new MoverError("HO-A404", "not every object of the configuration was captured");
  const [wanted, packed] = [task.base, archive?.base].map((base) => `${base?.id} ${base?.manifestSHA256}`);
  if (wanted !== packed || needsBase(task.type) !== (task.base !== undefined))
    throw new MoverError(
      "HO-A404",
      `what was captured is no ${task.type} generation based on ${task.base?.id ?? "none"}`,
    );
  return { dump, archive, collection };
}
