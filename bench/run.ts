/** Builds the data, lets everyone have a turn, and collects what it cost. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { step } from "../test/cluster/bed/progress.ts";
import { buildDatabase } from "./dataset/database.ts";
import { buildManyFiles, buildTree, restTree } from "./dataset/tree.ts";
import type { Measurements } from "./measurements.ts";
import type { BenchOptions } from "./options.ts";
import { createBorg } from "./peers/borg.ts";
import { createBupstash } from "./peers/bupstash.ts";
import type { Contestant, Setting } from "./peers/contestant.ts";
import { createHandover, treeOf } from "./peers/handover.ts";
import { createRestic } from "./peers/restic.ts";
import { createScript } from "./peers/script.ts";
import { measureDatabase } from "./scenarios/database.ts";
import { measureFiles } from "./scenarios/files.ts";
import { measureUnchanged } from "./scenarios/unchanged.ts";

const peers: Readonly<Record<string, (setting: Setting) => Promise<Contestant>>> = {
  script: createScript,
  restic: createRestic,
  borg: createBorg,
  bupstash: createBupstash,
};

export async function runBench(options: BenchOptions, directory: string): Promise<Measurements> {
  const root = join(directory, "handover");
  const handover = createHandover({ root, mover: options.mover });
  const tree = await step(`a tree of ${options.files} small files and ${options.megabytes} MB`, async () =>
    buildTree(treeOf(root), options),
  );
  await restTree(tree.root);
  const others: Contestant[] = [];
  for (const [name, create] of Object.entries(peers)) {
    if (!options.peers.includes(name)) continue;
    mkdirSync(join(directory, name));
    others.push(
      await step(`${name} is made ready`, () => create({ tree: tree.root, directory: join(directory, name) })),
    );
  }
  const files = await measureFiles([handover, ...others], tree, options.rounds);
  const versions = new Map([handover, ...others].map(({ name, version }) => [name, version]));

  const database = options.databaseMegabytes === 0 ? undefined : await measureDumps(options, directory);
  for (const { name, version } of database?.dumpers ?? []) versions.set(`${name} (database)`, version);
  const unchanged = options.unchangedFiles === 0 ? undefined : await measureMany(options, directory);

  const increments = [
    ...(files.get("handover")?.increment ?? []),
    ...(unchanged === undefined ? [] : [unchanged.second]),
  ];
  const notes = new Set(increments.flatMap(({ note }) => (note === undefined ? [] : [note])));
  return {
    files,
    dumps: database?.costs ?? new Map(),
    unchanged,
    versions,
    isIncremental: notes.size === 0,
    notes: [...notes].map(
      (note) => `The generation that was to be an increment is ${note}. So there are no figures of increments.`,
    ),
  };
}

async function measureDumps(options: BenchOptions, directory: string): ReturnType<typeof measureDatabase> {
  const server = await step(`a database of ${options.databaseMegabytes} MB`, () =>
    buildDatabase(options.databaseMegabytes),
  );
  try {
    const root = join(directory, "handover-dump");
    return await measureDatabase({ ...options, root, directory, server });
  } finally {
    server.stop();
  }
}

async function measureMany(options: BenchOptions, directory: string): ReturnType<typeof measureUnchanged> {
  const root = join(directory, "handover-many");
  const handover = createHandover({ root, mover: options.mover });
  await step(`a tree of ${options.unchangedFiles} files`, async () =>
    buildManyFiles(treeOf(root), options.unchangedFiles),
  );
  await restTree(treeOf(root));
  return await measureUnchanged(handover, options.unchangedFiles);
}
