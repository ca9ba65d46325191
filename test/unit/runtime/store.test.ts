import { expect, test } from "@jest/globals";
import { ObjectStore } from "../../../operator/runtime/store.ts";
import { Collection, type Item } from "../cluster/collection.ts";

test("the deletion of a stranger, or of an object never seen, is none", () => {
  const [collection, store] = [new Collection(), new ObjectStore<Item>()];
  const first = collection.put("a", 1);
  collection.remove("a");
  const second = collection.put("a", 2);
  expect(store.remove(first)).toEqual([]);
  store.put(second);
  expect(store.remove(first)).toEqual([]);
  expect(store.get("ns", "a")?.metadata.uid).toBe(second.metadata.uid);
  expect(store.remove(second).map(({ type }) => type)).toEqual(["deleted"]);
  expect(store.get("ns", "a")).toBeUndefined();
});

test("what is already known is no change", () => {
  const [collection, store] = [new Collection(), new ObjectStore<Item>()];
  const object = collection.put("a", 1);
  expect(store.put(object).map(({ type }) => type)).toEqual(["added"]);
  expect(store.put(object)).toEqual([]);
  expect(store.replace([object])).toEqual([]);
  expect(store.replace([collection.put("a", 2)])).toMatchObject([{ type: "modified", old: { spec: { value: 1 } } }]);
});

test("a version is another version or the same one, never a larger or a smaller number", () => {
  const store = new ObjectStore<Item>();
  const item = (resourceVersion: string): Item => {
    const object = new Collection().put("a", 1);
    return { ...object, metadata: { ...object.metadata, uid: "a-uid", resourceVersion } };
  };
  store.put(item("100"));
  // After a restore of etcd the numbers begin again lower; another storage need not have numbers at all.
  for (const resourceVersion of ["99", "1000", "v1", "0x1f", "v0"])
    expect(store.put(item(resourceVersion)).map(({ type }) => type)).toEqual(["modified"]);
  expect(store.put(item("v0"))).toEqual([]);
});
