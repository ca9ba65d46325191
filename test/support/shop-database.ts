/** Databases of an app on a throw-away server: `shopName` with odd names in it, and a copy named `busy` that takes a while to dump. */
import type { PostgresServer } from "./postgres-server.ts";

/** Would be read as connection options, were it ever an argument. */
export const shopName = "a=b 'c\\";
const quoted = `"${shopName}"`;

export async function createShop(server: PostgresServer): Promise<void> {
  await server.sql(`CREATE DATABASE ${quoted}`);
  await server.sql(
    `CREATE TABLE orders (id int PRIMARY KEY, note text);
     INSERT INTO orders SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 20000) i;
     CREATE SCHEMA "Odd schema";
     CREATE TABLE "Odd schema"."it's ""odd""" (x int);
     INSERT INTO "Odd schema"."it's ""odd""" VALUES (1), (2);
     CREATE TABLE parted (k int) PARTITION BY LIST (k);
     CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
     INSERT INTO parted VALUES (1)`,
    shopName,
  );
  await server.sql(`CREATE DATABASE busy TEMPLATE ${quoted}`);
  await server.sql(
    "CREATE TABLE tiny (x int); INSERT INTO orders SELECT i, repeat(md5(i::text), 30) FROM generate_series(20001, 80000) i",
    "busy",
  );
  await server.sql("CREATE ROLE clerk LOGIN PASSWORD 'clerk'");
}
