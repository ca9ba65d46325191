/** Listing a location: pages that fit, what counts, and a place that is left as it was. */
import { readdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type ResultOf, maxResultBytes, parseResult } from "../../../operator/contract/result.ts";
import type { TaskOf } from "../../../operator/contract/task.ts";
import { encodeResult } from "../../../operator/mover/main.ts";
import { catalogue } from "../../../operator/mover/steps/catalogue.ts";
import { writeHeld } from "../../../operator/mover/store/held.ts";
import { writeMarker } from "../../../operator/mover/store/markers.ts";
import { type Bench, addGeneration, common, createBench, idOf } from "../../support/generations.ts";

let bench: Bench;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => bench.remove());

const files = { "volumes/uploads.tar.zst": "small" };
const task = (change: Partial<TaskOf<"catalogue">> = {}): TaskOf<"catalogue"> => ({
  ...common,
  step: "catalogue",
  location: { name: "vault", uuid: "vault-uuid" },
  verify: "Full",
  after: "",
  ...change,
});
async function allPages(first: TaskOf<"catalogue">): Promise<readonly ResultOf<"catalogue">[]> {
  const pages: ResultOf<"catalogue">[] = [];
  for (let after = ""; ; after = pages.at(-1)?.entries.at(-1)?.id ?? "") {
    const page = await catalogue({ ...first, after }, bench.context);
    pages.push(page);
    if (!page.more) return pages;
  }
}

test("every generation is on one page, in order, and each page is read whole", async () => {
  for (let seq = 1; seq <= 28; seq++) addGeneration(bench.sink().store, { seq, files, policyUID: "f".repeat(36) });
  const pages = await allPages(task());
  expect(pages.length).toBeGreaterThan(2);
  expect(pages.flatMap(({ entries }) => entries.map(({ id }) => id))).toEqual(
    Array.from({ length: 28 }, (_, at) => idOf(at + 1)),
  );
  for (const page of pages) {
    const text = encodeResult(page);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxResultBytes);
    // Nothing was cut off to make it fit, and the controller takes it.
    expect(parseResult(text)).toEqual(page);
  }
});

test("a copy counts when its check is done, and that of all that it is based on", async () => {
  const { store } = bench.sink();
  const full = addGeneration(store, { seq: 1, files });
  const chain = [{ id: full.id, manifestSHA256: full.manifestSHA256 }];
  const next = addGeneration(store, { seq: 2, type: "Incremental", chain, files });
  await writeMarker(bench.sink(), next, "Full");
  const verified = async (): Promise<readonly boolean[]> =>
    (await catalogue(task(), bench.context)).entries.map((entry) => entry.verified);
  expect(await verified()).toEqual([false, false]);
  await writeMarker(bench.sink(), full, "Full");
  expect(await verified()).toEqual([true, true]);
  const { entries } = await catalogue(task(), bench.context);
  expect(entries[1]).toMatchObject({
    type: "Incremental",
    parent: full.id,
    manifestSHA256: next.manifestSHA256,
    files: 1,
    storedBytes: 5,
  });
});

test("of the source also what waits in the handover point; whose lineage it is, where that is another", async () => {
  addGeneration(bench.source.store, { seq: 1, files, policyUID: "former" });
  addGeneration(bench.source.handover, { seq: 2, files });
  const { entries } = await catalogue(task({ location: { name: "source", uuid: "source-uuid" } }), bench.context);
  expect(entries.map(({ id, policyUID }) => [id, policyUID])).toEqual([
    [idOf(1), "former"],
    [idOf(2), undefined],
  ]);
});

test("a hold is told of, for the run that is made anew decides about it", async () => {
  const { store } = bench.sink();
  const { id } = addGeneration(store, { seq: 1, files });
  addGeneration(store, { seq: 2, files });
  const hold = { until: "forever", reason: "audit" };
  await writeHeld(bench.sink(), [{ id, ...hold }], new Map(), { since: 1, ranges: "" }, new Set([id]));
  const { entries } = await catalogue(task(), bench.context);
  expect(entries.map((entry) => entry.hold)).toEqual([hold, undefined]);
});

test("what of the app a generation has is told, unless its names are too long for a page", async () => {
  const volumes = (claim: number) =>
    Array.from({ length: 16 }, (_, at) => ({
      name: `volume-${at}`,
      claimName: `${at}`.padStart(claim, "c"),
      paths: ["."],
      exclude: [],
      files: 1,
      bytes: 1,
      archive: `volumes/volume-${at}.tar.zst`,
      skipped: 0,
    }));
  addGeneration(bench.sink().store, { seq: 1, files, volumes: volumes(20) });
  addGeneration(bench.sink().store, { seq: 2, files, volumes: volumes(253) });
  const pages = await allPages(task());
  expect(pages.flatMap(({ entries }) => entries.map(({ holds }) => holds?.volumes.length))).toEqual([16, undefined]);
});

test("what is no whole generation is counted and left alone, and nothing at the place is changed", async () => {
  const { store, base } = bench.sink();
  const { id } = addGeneration(store, { seq: 1, files });
  addGeneration(store, { seq: 2, files });
  writeFileSync(`${store}/${id}/manifest.json`, "{}");
  const before = readdirSync(base, { recursive: true, encoding: "utf8" }).toSorted();
  expect(await catalogue(task(), bench.context)).toMatchObject({
    entries: [{ id: idOf(2) }],
    total: 1,
    broken: 1,
    more: false,
  });
  expect(readdirSync(base, { recursive: true, encoding: "utf8" }).toSorted()).toEqual(before);
});

test.each([
  ["another store than the policy knows", { location: { name: "vault", uuid: "other" } }, "HO-T502"],
  ["a lineage of a former policy", { policyUID: "new" }, "HO-P106"],
  ["nothing of the policy there", { policy: "blog" }, "HO-T502"],
])("%s is refused", async (_, change, code) => {
  addGeneration(bench.sink().store, { seq: 1, files });
  await expect(catalogue(task(change), bench.context)).rejects.toMatchObject({ code });
});

test("a former policy's is listed once an administrator says that it is the same application, and stays the former one's", async () => {
  addGeneration(bench.sink().store, { seq: 1, files });
  const { entries } = await catalogue(task({ policyUID: "new", adopt: common.policyUID }), bench.context);
  expect(entries).toMatchObject([{ id: idOf(1), policyUID: common.policyUID }]);
  await expect(catalogue(task({ policyUID: "new" }), bench.context)).rejects.toMatchObject({ code: "HO-P106" });
});
