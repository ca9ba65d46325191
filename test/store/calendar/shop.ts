/** An app that lives: two volumes, a ConfigMap and a database on a real server, with what people do to them by day. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { inMemory } from "../../support/memory.ts";
import { createBed, writeSecret, type MoverBed } from "../../support/mover-bed.ts";
import { mutate, randomOf, type Random } from "../../support/mutations.ts";
import { startPostgres, type PostgresServer } from "../../support/postgres-server.ts";
import { fill } from "../../support/restore-bed.ts";
import { readFacts, withoutSockets, type TreeFacts } from "../../support/tree-facts.ts";

/** What a generation has to bring back. */
export interface State {
  /** By name of the volume. */
  readonly volumes: Readonly<Record<string, TreeFacts["entries"]>>;
  readonly orders?: string;
}

export const volumeNames = ["uploads", "conf"] as const;

export class Shop {
  readonly bed: MoverBed;
  readonly server: PostgresServer;
  readonly #live: Client;
  readonly #random: Random;
  #orders = 0;

  private constructor(bed: MoverBed, server: PostgresServer, live: Client, seed: number) {
    this.bed = bed;
    this.server = server;
    this.#live = live;
    this.#random = randomOf(seed);
  }
  static async open(seed: number): Promise<Shop> {
    const server = await startPostgres(inMemory);
    await server.sql("CREATE DATABASE shop");
    await server.sql("CREATE TABLE orders (id int PRIMARY KEY, note text)", "shop");
    const bed = createBed({ volumes: volumeNames, parent: inMemory });
    for (const sink of ["vault", "archive"]) mkdirSync(join(bed.root, "sinks", sink));
    writeSecret(bed, "shop", { username: "postgres", password: server.password });
    const shop = new Shop(bed, server, await server.connect("shop"), seed);
    fill(bed.volume("conf"), { "app.ini": "colour = green\n", "sites/one.conf": "one" });
    shop.setSetting("first");
    for (let count = 0; count < 40; count += 1) shop.changeFiles();
    await shop.takeOrders();
    return shop;
  }
  async close(): Promise<void> {
    await this.#live.end();
    this.server.stop();
    this.bed.dispose();
  }

  /** @returns what was done, for the message of a test that fails */
  changeFiles(): string {
    return mutate(this.bed.volume("uploads"), this.#random);
  }
  editConfiguration(text: string): void {
    writeFileSync(join(this.bed.volume("conf"), "app.ini"), `colour = ${text}\n`);
  }
  setSetting(value: string): void {
    fill(join(this.bed.root, "config/configmap/settings"), { colour: value });
  }
  async takeOrders(): Promise<void> {
    const from = this.#orders + 1;
    this.#orders += 10;
    await this.#live.query(
      `INSERT INTO orders SELECT n, md5(n::text) FROM generate_series(${from}, ${this.#orders}) n`,
    );
    await this.#live.query(`DELETE FROM orders WHERE id = ${from}`);
  }

  filesOf(volume: string): TreeFacts["entries"] {
    return withoutSockets(readFacts(this.bed.volume(volume))).entries;
  }
  async orders(): Promise<string> {
    return await ordersOf(this.#live);
  }
  /** A new empty directory that is gone with the shop. */
  newDirectory(name: string): string {
    return mkdtempSync(join(this.bed.root, `${name}-`));
  }
}

/** Every row, in short. */
export async function ordersOf(client: Client): Promise<string> {
  const { rows } = await client.query(
    "SELECT count(*) || ' ' || md5(string_agg(id || note, ',' ORDER BY id)) AS told FROM orders",
  );
  return String(rows[0]?.told);
}

export const removeTree = (path: string): void => rmSync(path, { recursive: true, force: true });
