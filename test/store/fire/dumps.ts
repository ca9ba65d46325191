/**
 * The dump of a database by a run that has no other part: nobody else looks after what it leaves. The server is a real one and beyond the
 * faults, so what it holds is asked of it, by its own tool, and compared with what the generation alone gives back.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { DatabaseRef, MoverTask, TaskOf } from "../../../operator/contract/task.ts";
import { formatGenerationId } from "../../../operator/domain/generation.ts";
import { runStep } from "../../../operator/mover/main.ts";
import { run } from "../../support/odd-files.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import type { Scenario } from "./campaign.ts";
import { keep, tasks, type World } from "./world.ts";

const type = "Database";

/** What the controller asks for in a run of a database. */
const dumping = (database: DatabaseRef) => {
  const databases = [database];
  return {
    preflight: (seq: number): TaskOf<"preflight"> => ({
      ...tasks.preflight(seq),
      type,
      databases,
      volumes: [],
      sinks: [],
    }),
    dump: (seq: number): TaskOf<"dump"> => {
      const { version, namespace, policy, policyUID, run: name, runUID } = tasks.seal(seq);
      return { version, namespace, policy, policyUID, run: name, runUID, step: "dump", seq, databases };
    },
    seal: (seq: number): TaskOf<"seal"> => ({
      ...tasks.seal(seq),
      id: formatGenerationId(seq, tasks.seal(seq).time, type),
      type,
      stagingPodUID: podOf(seq),
      databases,
      volumes: [],
    }),
  };
};

/** In whose name the campaign plays the steps: the first one of a scenario, and those of the next run. */
const podOf = (seq: number): string => (seq === 2 ? "pod-first" : seq === 3 ? "pod-next" : "pod-before");

/** Little, of every kind that has a file of its own, and more than a write's worth of one table. */
async function fill(server: PostgresServer): Promise<void> {
  await server.sql("CREATE DATABASE shop");
  await server.sql(
    `CREATE TABLE orders (id serial PRIMARY KEY, note text);
     INSERT INTO orders (note) SELECT md5(i::text) || md5((-i)::text) FROM generate_series(1, 400) i;
     CREATE TABLE "odd ""table" (at timestamptz); CREATE VIEW few AS SELECT * FROM orders LIMIT 3;
     SELECT lo_from_bytea(4711, 'a large object')`,
    "shop",
  );
}

/** Number 1 is sealed, number 2 is about to be dumped. */
export async function makeDumps(world: World, server: PostgresServer): Promise<readonly Scenario[]> {
  const secret = join(world.base, "secrets/shop");
  for (const path of [join(world.source.base, "../.."), world.volume, secret]) mkdirSync(path, { recursive: true });
  writeFileSync(join(secret, "username"), "postgres");
  writeFileSync(join(secret, "password"), server.password);
  await fill(server);
  const { host, port } = server;
  const { preflight, dump, seal } = dumping({ name: "shop", host, port, database: "shop", release: "AfterSnapshot" });
  const perform = async (task: MoverTask): Promise<void> => void (await runStep(task, world.context(podOf(1))));
  for (const task of [preflight(1), dump(1), seal(1)]) await perform(task);
  return [
    {
      name: "dump",
      from: keep(world, "dumped"),
      task: dump(2),
      once: "dump",
      followedBy: [seal(2)],
      next: [preflight(3), dump(3), seal(3)],
      meanwhile: async () =>
        void (await server.sql(
          "INSERT INTO orders (note) VALUES ('later'); DELETE FROM orders WHERE id IN (SELECT min(id) FROM orders)",
          "shop",
        )),
      restored: (generation) => restoredFrom(generation, server),
    },
  ];
}

async function restoredFrom(generation: string, server: PostgresServer): Promise<readonly string[]> {
  await server.sql("DROP DATABASE IF EXISTS restored WITH (FORCE)");
  await server.sql("CREATE DATABASE restored TEMPLATE template0");
  const env = { ...process.env, PGPASSWORD: server.password };
  const url = (database: string): string => `postgresql://postgres@127.0.0.1:${server.port}/${database}`;
  const tool = join(server.programs, "pg_dump");
  // A dump in plain text has a word in it that nobody can guess, new each time.
  const contentOf = (database: string): string =>
    run(tool, [url(database)], { env }).replaceAll(/^\\.*restrict .*$/gm, "");
  try {
    run("sh", ["restore.sh", "--database", url("restored")], { cwd: generation, env });
  } catch (error) {
    return [`cannot be restored: ${String(error)}`];
  }
  const differs =
    contentOf("restored") === contentOf("shop") ? [] : ["what was restored is not what the database holds"];
  return [...differs, ...(await stillThere(server))];
}

/** A snapshot that is held on keeps the server from cleaning up. A server may take a moment to notice that a client has died. */
async function stillThere(server: PostgresServer): Promise<readonly string[]> {
  for (const until = Date.now() + 10_000; ; await sleep(20)) {
    const left = await server.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'handover-%'");
    if (left.length === 0) return [];
    if (Date.now() > until) return [`${left.length} sessions of the mover are still there`];
  }
}
