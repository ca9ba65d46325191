/** A database as apps have it: pgbench's tables, documents with a full-text index, and some blobs that no compressor makes smaller. */
import { must } from "../../test/cluster/bed/processes.ts";
import { startPostgres, type PostgresServer } from "../../test/support/postgres-server.ts";

export const databaseName = "shop";

export async function buildDatabase(megabytes: number): Promise<PostgresServer> {
  const server = await startPostgres();
  try {
    await server.sql(`CREATE DATABASE ${databaseName}`);
    // 15 MB for each of pgbench's scales.
    const scale = Math.max(1, Math.round((megabytes * 0.77) / 15));
    const env = { ...process.env, ...clientEnvironment(server) };
    await must(`${server.programs}/pgbench`, ["--initialize", "--quiet", `--scale=${scale}`], { env });
    const documents = Math.max(100, megabytes * 100);
    await server.sql(
      `CREATE TABLE documents (id int PRIMARY KEY, title text, body text, facts jsonb);
       INSERT INTO documents SELECT n, 'document ' || n,
         (SELECT string_agg((ARRAY['order','customer','payment','invoice','street','note','page','author'])[1 + (hashint8(n::bigint * 150 + w) & 7)] || ' ' || to_hex(hashint8(n::bigint * 151 + w) & 65535), ' ') FROM generate_series(1, 100) w),
         jsonb_build_object('n', n, 'tags', ARRAY[n % 7, n % 11]) FROM generate_series(1, ${documents}) n;
       CREATE INDEX ON documents USING gin (facts);
       CREATE TABLE blobs (id int PRIMARY KEY, content bytea);
       ALTER TABLE blobs ALTER content SET STORAGE external;
       INSERT INTO blobs SELECT n, decode((SELECT string_agg(md5(n::text || '-' || w), '') FROM generate_series(1, 6250) w), 'hex') FROM generate_series(1, ${Math.max(1, Math.round(megabytes * 0.75))}) n`,
      databaseName,
    );
    await server.sql("VACUUM ANALYZE", databaseName);
    await server.sql("CHECKPOINT");
    return server;
  } catch (error) {
    server.stop();
    throw error;
  }
}

/** For libpq. */
export const clientEnvironment = (server: PostgresServer): Readonly<Record<string, string>> => ({
  PGHOST: server.host,
  PGPORT: String(server.port),
  PGUSER: "postgres",
  PGPASSWORD: server.password,
  PGDATABASE: databaseName,
});
