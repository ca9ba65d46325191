/** A database, dumped by everyone in turn. */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { say, step } from "../../test/cluster/bed/progress.ts";
import type { PostgresServer } from "../../test/support/postgres-server.ts";
import { forgetCaches, type Cost } from "../measure.ts";
import { clientEnvironment, databaseName } from "../dataset/database.ts";
import { emptyDirectory, measureDurably } from "../peers/disk.ts";
import { createDump } from "../peers/handover-dump.ts";
import type { MoverOptions } from "../peers/mover.ts";
import { createPgBackRest } from "../peers/pgbackrest.ts";

export interface Dump extends Cost {
  readonly storedBytes: number;
}

export interface Dumper {
  readonly name: string;
  readonly version: string;
  readonly dump: () => Promise<Dump>;
}

export interface DatabaseOptions extends MoverOptions {
  readonly server: PostgresServer;
  readonly directory: string;
  readonly rounds: number;
  readonly peers: readonly string[];
}

export async function measureDatabase(
  options: DatabaseOptions,
): Promise<{ readonly dumpers: readonly Dumper[]; readonly costs: ReadonlyMap<string, readonly Dump[]> }> {
  const dumpers = [
    createScriptDump(options),
    createDump(options),
    ...(options.peers.includes("pgbackrest") ? [await createPgBackRest(options)] : []),
  ];
  const costs = new Map<string, Dump[]>(dumpers.map(({ name }) => [name, []]));
  for (let round = 1; round <= options.rounds; round += 1)
    for (const [index] of dumpers.entries()) {
      const { name, dump } = dumpers[(index + round) % dumpers.length]!;
      const cost = await step(`round ${round}, database, ${name}`, async () => {
        await forgetCaches();
        return await dump();
      });
      costs.get(name)?.push(cost);
      say(`      ${cost.seconds.toFixed(2)} s, ${cost.cpuSeconds.toFixed(1)} s of processor without the server's`);
    }
  return { dumpers, costs };
}

/** As in the handbook, but for the exit code of pg_dump, which there is lost. */
function createScriptDump({ server, directory }: DatabaseOptions): Dumper {
  const target = join(directory, "script-dump");
  const file = join(target, "shop.sql.gz");
  return {
    name: "script",
    version: "pg_dump | gzip",
    dump: async () => {
      emptyDirectory(target);
      const script = `"$0"/pg_dump ${databaseName} | gzip > "$1"`;
      const argv = ["sh", "-c", script, server.programs, file] as const;
      const cost = await measureDurably({ argv, env: clientEnvironment(server) }, target);
      const storedBytes = statSync(file).size;
      if (storedBytes < 1000) throw new Error("pg_dump wrote nothing");
      rmSync(target, { recursive: true });
      return { ...cost, storedBytes };
    },
  };
}
