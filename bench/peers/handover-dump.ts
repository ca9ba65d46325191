/** Handover's data path for a database: the dump step, which digests what it has written, and then the disk. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { secretRoot, storeRoot } from "../../operator/contract/mounts.ts";
import type { PostgresServer } from "../../test/support/postgres-server.ts";
import { databaseName } from "../dataset/database.ts";
import { sumOf } from "../measure.ts";
import type { Dumper } from "../scenarios/database.ts";
import { emptyDirectory, measureDurably } from "./disk.ts";
import { common, createRoot, runStep, type MoverOptions } from "./mover.ts";

export function createDump(options: MoverOptions & { readonly server: PostgresServer }): Dumper {
  const { root, server } = options;
  createRoot(root, []);
  const database = { name: "shop", host: server.host, port: server.port, database: databaseName } as const;
  const secret = join(root, secretRoot(database.name));
  let seq = 0;
  return {
    name: "handover",
    version: "the dump step, two tables at a time",
    dump: async () => {
      emptyDirectory(secret);
      writeFileSync(join(secret, "username"), "postgres");
      writeFileSync(join(secret, "password"), server.password);
      for (const directory of [storeRoot, "/signal"]) emptyDirectory(join(root, directory));
      seq += 1;
      const of = {
        ...common,
        run: `dump-${seq}`,
        runUID: `dump-${seq}`,
        databases: [{ ...database, release: "AfterSnapshot" as const }],
      };
      await runStep<"preflight">(
        options,
        { ...of, step: "preflight", type: "Database", volumes: [], store: { name: "source" }, sinks: [] },
        `preflight-${seq}`,
      );
      const { cost, result } = await runStep<"dump">(options, { ...of, step: "dump", seq }, `dump-${seq}`);
      const durable = await measureDurably({ argv: ["true"] }, root);
      rmSync(join(root, storeRoot), { recursive: true });
      return { ...sumOf([cost, durable]), storedBytes: result.storedBytes };
    },
  };
}
