/** The reflector's copy of a collection, and the differences that lead from one state of it to the next. */
import type { KubeObject } from "../api/kinds.ts";

export type Change<T extends KubeObject> =
  | { readonly type: "added" | "deleted"; readonly object: T }
  | { readonly type: "modified"; readonly object: T; readonly old: T };

const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ""}/${object.metadata.name}`;

/** Who wrote which field when: often the larger half of an object, and nobody here reads it. */
const slim = <T extends KubeObject>(object: T): T => {
  if (!("managedFields" in object.metadata)) return object;
  const { managedFields: _, ...metadata } = object.metadata as T["metadata"] & { managedFields: unknown };
  return { ...object, metadata };
};

export class ObjectStore<T extends KubeObject> {
  #objects = new Map<string, T>();

  get(namespace: string, name: string): T | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** An object under a known name with another uid is another object: the first was deleted unseen. */
  put(given: T): readonly Change<T>[] {
    const object = slim(given);
    const key = keyOf(object);
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    return difference(old, object);
  }

  remove(given: T): readonly Change<T>[] {
    const key = keyOf(given);
    if (this.#objects.get(key)?.metadata.uid !== given.metadata.uid) return [];
    this.#objects.delete(key);
    return [{ type: "deleted", object: slim(given) }];
  }

  /** The whole new state at once; deletions come first, and the store is new before the first change is told. */
  replace(items: readonly T[]): readonly Change<T>[] {
    const previous = this.#objects;
    this.#objects = new Map(items.map((item) => [keyOf(item), slim(item)]));
    const changes: Change<T>[] = [];
    for (const [key, old] of previous) if (!this.#objects.has(key)) changes.push({ type: "deleted", object: old });
    for (const [key, object] of this.#objects) changes.push(...difference(previous.get(key), object));
    return changes;
  }
}

const difference = <T extends KubeObject>(old: T | undefined, object: T): readonly Change<T>[] => {
  if (old === undefined) return [{ type: "added", object }];
  if (old.metadata.uid !== object.metadata.uid) {
    return [
      { type: "deleted", object: old },
      { type: "added", object },
    ];
  }
  return old.metadata.resourceVersion === object.metadata.resourceVersion ? [] : [{ type: "modified", object, old }];
};
