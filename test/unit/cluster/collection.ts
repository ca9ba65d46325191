/** One collection as an API server keeps it: objects, a resourceVersion, and a history that can be compacted. */
import type { KubeObject } from "../../../operator/api/kinds.ts";

export type Item = KubeObject<{ readonly value: number }>;
export interface Entry {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: Item;
}

export class Collection {
  readonly #items = new Map<string, Item>();
  readonly #history: Entry[] = [];
  readonly #listeners = new Set<() => void>();
  #version = 100;
  #compacted = 100;
  #uids = 0;

  get version(): number {
    return this.#version;
  }

  items(): readonly Item[] {
    return [...this.#items.values()];
  }

  /** Creates or changes. */
  put(name: string, value: number): Item {
    const old = this.#items.get(name);
    const uid = old?.metadata.uid ?? `uid-${++this.#uids}`;
    return this.#record(old === undefined ? "ADDED" : "MODIFIED", name, uid, value);
  }

  remove(name: string): void {
    const old = this.#items.get(name);
    if (old !== undefined) this.#record("DELETED", name, old.metadata.uid, old.spec.value);
  }

  recreate(name: string, value: number): void {
    this.remove(name);
    this.put(name, value);
  }

  /** Forgets the history up to now: watches from older versions expire. */
  compact(): void {
    this.#compacted = this.#version;
  }

  since(version: number): readonly Entry[] | "expired" {
    return version < this.#compacted ? "expired" : this.#history.filter((entry) => entry.version > version);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #record(type: Entry["type"], name: string, uid: string, value: number): Item {
    const version = ++this.#version;
    const metadata = { namespace: "ns", name, uid, resourceVersion: String(version) };
    const object: Item = {
      metadata: { ...metadata, managedFields: [{ manager: "test" }] } as Item["metadata"],
      spec: { value },
    };
    if (type === "DELETED") this.#items.delete(name);
    else this.#items.set(name, object);
    this.#history.push({ version, type, object });
    for (const listener of this.#listeners) listener();
    return object;
  }
}

/** What a change handler can know: replaying the changes must give the collection, and each must fit the one before. */
export class Replay {
  readonly objects = new Map<string, Item>();
  readonly faults: string[] = [];
  readonly log: string[] = [];

  readonly onChange = (change: { readonly type: "added" | "modified" | "deleted"; readonly object: Item }): void => {
    const { name, uid, resourceVersion } = change.object.metadata;
    const known = this.objects.get(name);
    this.log.push(`${change.type} ${name} ${change.object.spec.value}`);
    if (change.type === "added" && known !== undefined) this.faults.push(`added twice: ${name}`);
    if (change.type !== "added" && known?.metadata.uid !== uid)
      this.faults.push(`${change.type} of a stranger: ${name}`);
    if (change.type === "modified" && known?.metadata.resourceVersion === resourceVersion)
      this.faults.push(`told twice: ${name}`);
    if (change.type === "deleted") this.objects.delete(name);
    else this.objects.set(name, change.object);
  };

  /** Names, uids and values, sorted: comparable with a collection's items. */
  static picture(items: Iterable<Item>): readonly string[] {
    return [...items]
      .map(({ metadata, spec }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion} ${spec.value}`)
      .toSorted();
  }
}
