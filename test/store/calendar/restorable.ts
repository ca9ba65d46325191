/**
 * Whether what lies in view can be restored: what it is based on is there, its files are what they were when it was made, as sha256sum
 * sees it, and what the real steps of a restore bring back is what the app was at that moment.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { DatabaseRef, VolumeRef } from "../../../operator/contract/task.ts";
import { MoverError } from "../../../operator/mover/errors.ts";
import { stagedDatabase, workDirectory } from "../../../operator/mover/restore/names.ts";
import { cleanup } from "../../../operator/mover/steps/cleanup.ts";
import { stage } from "../../../operator/mover/steps/stage.ts";
import { layoutOf } from "../../../operator/mover/store/layout.ts";
import { listGenerations, type GenerationEntry } from "../../../operator/mover/store/listing.ts";
import { run } from "../../support/odd-files.ts";
import { readFacts, withoutSockets } from "../../support/tree-facts.ts";
import { ordersOf, removeTree, type Shop, type State } from "./shop.ts";

export type Place = "source" | "vault" | "archive";

export interface Lineage {
  readonly namespace: string;
  readonly policy: string;
  readonly policyUID: string;
}

const runUID = "5ca1ab1e-0000-4000-8000-000000000001";

/** All that the generation has. */
function partsOf(
  { volumes, orders }: State,
  { server: { host, port } }: Shop,
): { readonly databases: DatabaseRef[]; readonly volumes: VolumeRef[] } {
  return {
    databases: orders === undefined ? [] : [{ name: "shop", host, port, database: "shop", release: "AfterSnapshot" }],
    volumes: Object.keys(volumes).map((name) => ({ name, claimName: `shop-${name}`, paths: ["."], exclude: [] })),
  };
}

export class Eyes {
  readonly #shop: Shop;
  readonly #lineage: Lineage;
  /** Paths that sha256sum has found to be as they were made. */
  readonly #read = new Set<string>();
  restores = 0;

  constructor(shop: Shop, lineage: Lineage) {
    this.#shop = shop;
    this.#lineage = lineage;
  }

  /** What lies in view at a place, by id. */
  async view(place: Place): Promise<ReadonlyMap<string, GenerationEntry>> {
    const { root } = this.#shop.bed;
    const { namespace, policy } = this.#lineage;
    const layout = layoutOf(place === "source" ? join(root, "store") : join(root, "sinks", place), namespace, policy);
    // A place that nothing was brought to yet.
    if (!existsSync(layout.base)) return new Map();
    const listings = [
      await listGenerations(layout.store),
      ...(place === "source" ? [await listGenerations(layout.handover)] : []),
    ];
    const strange = listings.flatMap(({ broken, foreign }) => [...broken.map(({ name }) => name), ...foreign]);
    if (strange.length > 0) throw new Error(`at ${place} lies what is no generation: ${strange.join(", ")}`);
    return new Map(listings.flatMap(({ generations }) => generations).map((one) => [one.id, one]));
  }

  /** @returns ids of what lacks something that it is based on, or is not as it was made */
  broken(view: ReadonlyMap<string, GenerationEntry>): readonly string[] {
    return [...view.values()]
      .filter(
        (one) =>
          !one.manifest.chain.every(({ id, manifestSHA256 }) => view.get(id)?.manifestSHA256 === manifestSHA256) ||
          ![one, ...one.manifest.chain.map(({ id }) => view.get(id))].every(
            (part) => part !== undefined && this.#isWhole(part),
          ),
      )
      .map(({ id }) => id);
  }
  #isWhole({ path }: GenerationEntry): boolean {
    if (this.#read.has(path)) return true;
    const args = ["--strict", "--quiet", "-c", "manifest.sha256", "SHA256SUMS"];
    const told = run("sha256sum", args, { cwd: path, okCodes: [0, 1] });
    if (told === "") this.#read.add(path);
    return told === "";
  }
  /** From now on it is read anew: something has happened to it. */
  forget(path: string): void {
    this.#read.delete(path);
  }

  /** @returns what a restore from there brings back that was not so; undefined when nothing */
  async restore({ id, manifestSHA256 }: GenerationEntry, place: Place, state: State): Promise<string | undefined> {
    this.restores += 1;
    const shop = this.#shop;
    const beside = shop.newDirectory("restored");
    const volume = (name: string): string => join(beside, name);
    for (const name of Object.keys(state.volumes)) mkdirSync(volume(name));
    const { roots, ...rest } = shop.bed.context("restore-pod");
    const context = { ...rest, roots: { ...roots, volume } };
    const common = { version: 1, ...this.#lineage, run: "look", runUID, ...partsOf(state, shop) } as const;
    try {
      await stage({ ...common, step: "stage", id, location: { name: place }, manifestSHA256 }, context);
      return await this.#differenceTo(state, (name) => join(volume(name), workDirectory(runUID), "new"));
    } catch (error) {
      if (error instanceof MoverError) return `${error.code} ${error.message}`;
      throw error;
    } finally {
      await cleanup({ ...common, step: "cleanup", swapped: false }, context);
      removeTree(beside);
    }
  }
  async #differenceTo(state: State, restored: (volume: string) => string): Promise<string | undefined> {
    const changed = Object.keys(state.volumes).filter((name) => !this.#isSame(state, name, restored(name)));
    if (changed.length > 0) return `volumes ${changed.join(", ")} are not what they were`;
    if (state.orders === undefined) return undefined;
    const client = await this.#shop.server.connect(stagedDatabase("shop", runUID));
    try {
      const found = await ordersOf(client);
      return found === state.orders ? undefined : `the orders are ${found}, they were ${state.orders}`;
    } finally {
      await client.end();
    }
  }
  #isSame(state: State, volume: string, at: string): boolean {
    return isDeepStrictEqual(withoutSockets(readFacts(at)).entries, state.volumes[volume]);
  }

  /** The same of its volumes, by its own restore.sh and no program of ours. */
  byScript({ path }: GenerationEntry, state: State): string | undefined {
    const out = this.#shop.newDirectory("script");
    run("sh", ["restore.sh", "--to", out], { cwd: path, env: { PATH: "/usr/bin:/bin" } });
    const changed = Object.keys(state.volumes).filter((name) => !this.#isSame(state, name, join(out, name)));
    removeTree(out);
    return changed.length === 0 ? undefined : `volumes ${changed.join(", ")} are not what they were`;
  }
}
