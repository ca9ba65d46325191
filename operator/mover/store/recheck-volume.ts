/**
 * What a capture has written of its volumes against the mirrors and the base, in a process that wrote none of it. The programs that read
 * archive and mirror run side by side, and everything that has to be known of the list is found while it is read once.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { linesOfVolume } from "../mirror/listing.ts";
import { NameFile } from "../mirror/name-file.ts";
import { together } from "../together.ts";
import { filesListFile, volumeArchive, type Layout } from "./layout.ts";
import type { GenerationEntry } from "./listing.ts";
import type { ArchivePart, StoredFile } from "./parts.ts";
import { checkArchive, checkDigests, checkFilesList } from "./recheck.ts";
import { checkFollows } from "./recheck-chain.ts";
import { compareWithMirror, sortListed, walkMirror } from "./recheck-list.ts";

interface Recheck {
  readonly layout: Layout;
  readonly staging: string;
  readonly scratch: string;
  /** @throws when nothing of the path was captured */
  readonly expected: (path: string) => StoredFile;
  readonly base: GenerationEntry | undefined;
}

/** @throws MoverError HO-A404 at the first difference */
export async function recheckVolumes(volumes: ArchivePart["volumes"], of: Recheck, abort: AbortSignal): Promise<void> {
  const members = volumes.reduce((sum, volume) => sum + volume.members, 0);
  await together<[void, void]>(abort, (signal) => {
    const whole = checkFilesList(of.staging, members, of.expected(filesListFile), signal);
    return [whole, recheckEach(volumes, of, whole, signal)];
  });
}

/** @param whole ends when the list is found whole: before, nobody else reads it */
async function recheckEach(
  volumes: ArchivePart["volumes"],
  of: Recheck,
  whole: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (const volume of volumes) await recheckVolume(volume, of, whole, signal);
}

/** The archive against the mirror; and with a base the list against the mirror, and both against the base. */
async function recheckVolume(
  volume: ArchivePart["volumes"][number],
  of: Recheck,
  whole: Promise<void>,
  abort: AbortSignal,
): Promise<void> {
  const { layout, staging, scratch, expected, base } = of;
  const { name, deleted } = volume;
  const mirror = layout.mirror(name);
  const archive = expected(volumeArchive(name));
  if (base === undefined || deleted === undefined)
    return await checkArchive({ staging, mirror }, volume, archive, abort);
  const listed = { volume: name, mirror, scratch };
  const members = join(scratch, `members-${name}`);
  const recheckList = async (signal: AbortSignal): Promise<void> => {
    await namesInArchive(members, async (into) => {
      await checkArchive({ staging, mirror, into }, volume, archive, signal);
    });
    await checkDigests(staging, [expected(deleted)], signal);
    await whole;
    const lines = linesOfVolume(join(staging, filesListFile), name, signal);
    const baseList = join(base.path, filesListFile);
    const chain = { volume: name, baseId: base.id, baseList, members, deleted: join(staging, deleted), scratch };
    await sortListed(lines, listed, async (read) => await checkFollows({ ...chain, lines: read }, signal), signal);
  };
  await together<[void, void]>(abort, (signal) => [walkMirror(listed, signal), recheckList(signal)]);
  await compareWithMirror(listed, abort);
  await rm(members);
}

async function namesInArchive(file: string, write: (into: NameFile) => Promise<void>): Promise<void> {
  await rm(file, { force: true });
  const into = new NameFile(file);
  try {
    await write(into);
  } finally {
    into.close();
  }
}
