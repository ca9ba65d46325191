/**
 * Re-reads what the parts of a capture have written, in a process that wrote none of it, and compares it with what they
 * captured: digests with those taken while writing, archives with the mirrors, the list with the archives, and every dump is
 * decoded as a whole. Changes nothing.
 */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { createLineCounter } from "../database/dump.ts";
import { CommandError, lastLines, MoverError } from "../errors.ts";
import { pipeline, run } from "../exec.ts";
import type { NameFile } from "../mirror/name-file.ts";
import { argvDecode, clientsRoot } from "../tools/pg.ts";
import { together } from "../together.ts";
import { argvCompare, memberPath } from "../tools/tar.ts";
import { argvDecompress } from "../tools/zstd.ts";
import { filesBelow } from "./contents.ts";
import { digestFile, digestWritten, HashTap, type Digest } from "./digest.ts";
import { databaseDump, filesListFile } from "./layout.ts";
import type { ArchivePart, DumpPart, StoredFile } from "./parts.ts";
import { clip } from "../../domain/text.ts";

const fail = (why: string, cause?: unknown): MoverError => new MoverError("HO-A404", clip(why, 900), { cause });

/** @throws MoverError HO-A404 at the first file that is missing, foreign, or of another size. */
export async function checkShape(
  staging: string,
  files: readonly StoredFile[],
  tolerated: ReadonlySet<string>,
): Promise<void> {
  const expected = new Map(files.map(({ path, size }) => [path, size]));
  for await (const { path, size, regular } of filesBelow(staging)) {
    const wanted = expected.get(path);
    expected.delete(path);
    if (wanted === undefined && tolerated.has(path)) continue;
    if (wanted === undefined || !regular) throw fail(`${path} does not belong to this generation`);
    if (wanted !== size) throw fail(`${path} has ${size} bytes, ${wanted} were written`);
  }
  const [missing] = expected.keys();
  if (missing !== undefined) throw fail(`${missing} is missing`);
}

/**
 * The archive: its digest, its checksum, its end, and each member against the mirror.
 * @param into gets the names of the members
 */
export async function checkArchive(
  {
    staging,
    mirror,
    into,
  }: { readonly staging: string; readonly mirror: string; readonly into?: NameFile | undefined },
  volume: ArchivePart["volumes"][number],
  expected: StoredFile,
  signal: AbortSignal,
): Promise<void> {
  const file = join(staging, volume.archive);
  let members = 0;
  let last = "";
  const stdout = createLineCounter((line) => {
    members += 1;
    last = line;
    into?.add(memberPath(line));
  });
  const compare = async (abort: AbortSignal): Promise<void> => {
    const stages = [{ argv: argvDecompress() }, { argv: argvCompare(), cwd: mirror }] as const;
    try {
      await pipeline(stages, { stdin: { file }, stdout, signal: abort });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CommandError)) throw error;
      const why =
        error.tool === "tar" && error.exitCode === 1
          ? `differs from what was captured: ${last}`
          : `cannot be read: ${lastLines(error.stderrTail, 2)}`;
      throw fail(`the archive of volume ${volume.name} ${why}`, error);
    }
  };
  // Read twice, but the second time out of memory: what goes through us costs twice as much as that.
  const [digest] = await together<[Digest, void]>(signal, (abort) => [digestWritten(file), compare(abort)]);
  compareDigest(volume.archive, digest, expected);
  if (members !== volume.packed)
    throw fail(`the archive of volume ${volume.name} has ${members} members, ${volume.packed} were counted`);
}

/** The list decodes to its end and has a line for each entry that was counted. */
export async function checkFilesList(
  staging: string,
  members: number,
  expected: StoredFile,
  signal: AbortSignal,
): Promise<void> {
  const tap = new HashTap();
  let lines = 0;
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done): void {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
      done();
    },
  });
  const stdin = createReadStream(join(staging, filesListFile)).pipe(tap);
  try {
    await pipeline([{ argv: argvDecompress() }], { stdin, stdout, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof CommandError
      ? fail(`${filesListFile} cannot be read: ${lastLines(error.stderrTail, 2)}`, error)
      : error;
  }
  compareDigest(filesListFile, tap.digest(), expected);
  if (lines !== members) throw fail(`${filesListFile} has ${lines} lines, ${members} entries were counted`);
}

export async function checkDigests(staging: string, files: readonly StoredFile[], signal: AbortSignal): Promise<void> {
  for (const file of files) compareDigest(file.path, await digestFile(join(staging, file.path), signal), file);
}

/** Decodes every byte: the table of contents alone is at the beginning, and says nothing about a truncated rest. */
export async function checkDump(
  staging: string,
  database: DumpPart["databases"][number],
  signal: AbortSignal,
): Promise<void> {
  try {
    await run(argvDecode(clientsRoot, database.clientMajor, join(staging, databaseDump(database.name))), { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof CommandError
      ? fail(`the dump of database ${database.name} cannot be decoded: ${lastLines(error.stderrTail, 2)}`, error)
      : error;
  }
}

function compareDigest(path: string, found: Digest, expected: Digest): void {
  if (found.sha256 !== expected.sha256 || found.size !== expected.size)
    throw fail(`${path} is not what was written: its SHA-256 differs`);
}
