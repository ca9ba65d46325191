/** Prune: what is removed at a sink and at the source, and every doubt at which nothing is removed. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskOf } from "../../../operator/contract/task.ts";
import { maxResultBytes } from "../../../operator/contract/result.ts";
import type { Layout } from "../../../operator/mover/store/layout.ts";
import { readMarkers, writeMarker } from "../../../operator/mover/store/markers.ts";
import { setAside } from "../../../operator/mover/store/presence.ts";
import { addGeneration, createBench, idOf, type Bench } from "../../support/generations.ts";
import { pruneAcknowledged, pruneTask, pruneThrough as prune } from "../../support/pruning.ts";
import { run } from "../../support/odd-files.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(240_000);

let bench: Bench;
beforeEach(() => {
  bench = createBench(["vault", "attic"]);
});
afterEach(() => bench.remove());

const required = (name: string, verify: "Full" | "Sample" = "Full"): TaskOf<"prune">["requiredSinks"][number] => ({
  name,
  uuid: `${name}-uuid`,
  verify,
});
const atSink = pruneTask;
const atSource = (changes: Partial<TaskOf<"prune">> = {}): TaskOf<"prune"> =>
  atSink({
    location: { name: "source", uuid: "source-uuid" },
    requiredSinks: [required("vault"), required("attic")],
    ...changes,
  });

async function addVerified(layout: Layout, ...seqs: readonly number[]): Promise<void> {
  for (const seq of seqs) await writeMarker(layout, addGeneration(layout.store, { seq }), "Full");
}
const stored = (layout: Layout): readonly string[] => readdirSync(layout.store);

/** Sealed at the source and brought to sinks, there verified or not. */
async function hand(seq: number, sinks: Readonly<Record<string, boolean>>): Promise<void> {
  addGeneration(bench.source.handover, { seq });
  for (const [name, verified] of Object.entries(sinks)) {
    const copy = addGeneration(bench.sink(name).store, { seq });
    if (verified) await writeMarker(bench.sink(name), copy, "Full");
  }
}

const addGenerationDigest = (seq: number): { id: string; manifestSHA256: string } =>
  addGeneration(join(bench.root, "elsewhere"), { seq });

describe("at a sink", () => {
  test("the oldest beyond the rule goes, and its marker says so; the trash is empty", async () => {
    await addVerified(bench.sink(), 1, 2, 3);
    const result = await prune(atSink(), bench.context);
    expect(result).toMatchObject({
      removed: [{ id: idOf(1), why: "beyond last 2" }],
      location: { generations: 2, verified: 2, oldest: idOf(2), newest: idOf(3) },
    });
    expect(stored(bench.sink())).toEqual([idOf(2), idOf(3)]);
    const removed = [...(await readMarkers(bench.sink())).values()].filter(({ removedAt }) => removedAt !== undefined);
    expect(removed.map(({ id }) => id)).toEqual([idOf(1)]);
    expect(readdirSync(bench.sink().trash)).toEqual([]);
  });

  test("unverified copies neither go nor push verified ones out", async () => {
    await addVerified(bench.sink(), 1, 2);
    for (const seq of [3, 4, 5]) addGeneration(bench.sink().store, { seq });
    expect((await prune(atSink(), bench.context)).removed).toEqual([]);
    expect(stored(bench.sink())).toHaveLength(5);
  });

  test("the check that the policy asks of the sink makes a copy count, a lesser one does not", async () => {
    for (const seq of [1, 2, 3]) await writeMarker(bench.sink(), addGeneration(bench.sink().store, { seq }), "Sample");
    expect((await prune(atSink(), bench.context)).removed).toEqual([]);
    expect((await prune(atSink({ verify: "Sample" }), bench.context)).removed).toMatchObject([{ id: idOf(1) }]);
  });

  test("a marker for another manifest does not count as verified", async () => {
    await addVerified(bench.sink(), 1, 2);
    await writeMarker(
      bench.sink(),
      { id: addGeneration(bench.sink().store, { seq: 3 }).id, manifestSHA256: "0" },
      "Full",
    );
    expect((await prune(atSink(), bench.context)).removed).toEqual([]);
  });

  test("more than half goes only acknowledged", async () => {
    await addVerified(bench.sink(), 1, 2, 3, 4, 5, 6);
    const refused = await prune(atSink(), bench.context);
    expect(refused).toMatchObject({ removed: [], refused: expect.stringContaining("HO-K701: 4 of 6") });
    expect(stored(bench.sink())).toHaveLength(6);
    expect((await pruneAcknowledged(atSink(), bench.context)).removed).toHaveLength(4);
  });

  test("after nights without transport as many may go as have come", async () => {
    await addVerified(bench.sink(), 1, 2);
    await prune(atSink(), bench.context);
    await addVerified(bench.sink(), 3, 4, 5);
    expect((await prune(atSink(), bench.context)).removed).toHaveLength(3);
    expect(stored(bench.sink())).toEqual([idOf(4), idOf(5)]);
  });

  test("trash of an earlier crash is removed, strangers in it are not", async () => {
    await addVerified(bench.sink(), 5, 6);
    const day = join(bench.sink().trash, "2026-11-01");
    addGeneration(day, { seq: 1 });
    mkdirSync(join(bench.sink().trash, "mine"));
    writeFileSync(join(day, "note"), "");
    await prune(atSink(), bench.context);
    expect(readdirSync(day)).toEqual(["note"]);
    expect(existsSync(join(bench.sink().trash, "mine"))).toBe(true);
  });

  test("the result fits into a termination message however much is there", async () => {
    await addVerified(bench.sink(), ...Array.from({ length: 28 }, (_, index) => index + 1));
    const result = await prune(atSink({ keep: { last: 14, minVerified: 14 } }), bench.context);
    expect(JSON.stringify(result).length).toBeLessThan(maxResultBytes);
    expect(stored(bench.sink())).toHaveLength(14);
  });
});

describe("what is present is told in few bytes", () => {
  test("after a removal whose report got lost, and with what was set aside", async () => {
    await addVerified(bench.sink(), 2, 3, 4, 5, 7, 8);
    addGeneration(bench.sink().store, { seq: 6 });
    await setAside(bench.sink(), idOf(6));
    const result = await prune(atSink({ keep: { last: 4, minVerified: 1 } }), bench.context);
    expect(result.present).toEqual({ since: 1, ranges: "4-8" });
    expect(await prune(atSink({ keep: { last: 4, minVerified: 1 } }), bench.context)).toMatchObject({
      removed: [],
      present: { since: 1, ranges: "4-8" },
    });
  });

  test("at the source with what waits; and not at all on unknown state", async () => {
    await hand(1, { vault: true, attic: true });
    await hand(2, { vault: true });
    await hand(3, { vault: true });
    expect((await prune(atSource(), bench.context)).present).toEqual({ since: 1, ranges: "1-3" });
    mkdirSync(join(bench.source.store, "old"));
    expect((await prune(atSource(), bench.context)).present).toBeUndefined();
  });
});

describe("any doubt freezes", () => {
  const doubts: Readonly<Record<string, (layout: Layout) => void>> = {
    "a broken generation": (layout) => rmSync(join(layout.store, idOf(2), "manifest.json")),
    "a changed manifest": (layout) => writeFileSync(join(layout.store, idOf(2), "manifest.json"), "{}"),
    "a stranger in the store": (layout) => mkdirSync(join(layout.store, "old")),
    "emptiness where something was": (layout) => {
      rmSync(layout.store, { recursive: true });
      mkdirSync(layout.store);
    },
    "a generation under another name": (layout) => renameSync(join(layout.store, idOf(1)), join(layout.store, idOf(9))),
  };
  test.each(Object.keys(doubts))("%s", async (name) => {
    await addVerified(bench.sink(), 1, 2, 3);
    doubts[name]?.(bench.sink());
    const before = stored(bench.sink());
    const result = await prune(atSink(), bench.context);
    expect(result).toMatchObject({ removed: [], refused: expect.stringMatching(/^HO-K702: /) });
    expect(stored(bench.sink())).toEqual(before);
  });

  test("generations of a former policy are left alone and do not count", async () => {
    for (const seq of [1, 2, 3]) {
      const { id, manifestSHA256 } = addGeneration(bench.sink().store, { seq, policyUID: "former" });
      await writeMarker(bench.sink(), { id, manifestSHA256 }, "Full");
    }
    await addVerified(bench.sink(), 4, 5, 6);
    expect((await prune(atSink(), bench.context)).removed.map(({ id }) => id)).toEqual([idOf(4)]);
    expect(stored(bench.sink())).toEqual([1, 2, 3, 5, 6].map((seq) => idOf(seq)));
  });

  test("an emptied share and another store are refused", async () => {
    await addVerified(bench.sink(), 1, 2, 3);
    const other = atSink({ location: { name: "vault", uuid: "another" } });
    await expect(prune(other, bench.context)).rejects.toMatchObject({ code: "HO-T502" });
    rmSync(bench.context.roots.sink("vault"), { recursive: true });
    mkdirSync(bench.context.roots.sink("vault"));
    await expect(prune(atSink(), bench.context)).rejects.toMatchObject({ code: "HO-T502" });
    const unknown = atSink({ location: { name: "vault" } });
    await expect(prune(unknown, bench.context)).rejects.toMatchObject({ code: "HO-T502" });
    expect(readdirSync(bench.context.roots.sink("vault"))).toEqual([]);
  });
});

describe("at the source", () => {
  test("a marker that a removal has left behind goes with the next prune", async () => {
    await addVerified(bench.source, 1, 2);
    await writeMarker(bench.source, { id: idOf(9), manifestSHA256: "0" }, "Full");
    await prune(atSource({ requiredSinks: [] }), bench.context);
    expect([...(await readMarkers(bench.source)).keys()]).toEqual([idOf(1), idOf(2)]);
  });

  test("settles only what every required sink has verified, oldest first", async () => {
    await hand(1, { vault: true, attic: true });
    await hand(2, { vault: true, attic: false });
    await hand(3, { vault: true });
    await hand(4, { vault: true, attic: true });
    const result = await prune(atSource(), bench.context);
    expect(result).toMatchObject({ settled: [idOf(1), idOf(4)], pending: 2, removed: [] });
    expect(stored(bench.source)).toEqual([idOf(1), idOf(4)]);
    expect(readdirSync(bench.source.handover)).toEqual([idOf(2), idOf(3)]);
    expect(readdirSync(bench.source.verified)).toEqual([`${idOf(1)}.json`, `${idOf(4)}.json`]);
  });

  test("a sink that has another manifest under the id has not verified it", async () => {
    await hand(1, { vault: true });
    addGeneration(bench.sink("attic").store, { seq: 1, files: { a: "another" } });
    await writeMarker(bench.sink("attic"), addGenerationDigest(1), "Full");
    expect(await prune(atSource(), bench.context)).toMatchObject({ settled: [], pending: 1 });
  });

  test("a sample at a required sink settles only what the policy wants sampled", async () => {
    await hand(1, { vault: true });
    await writeMarker(bench.sink("attic"), addGeneration(bench.sink("attic").store, { seq: 1 }), "Sample");
    expect(await prune(atSource(), bench.context)).toMatchObject({ settled: [], pending: 1 });
    const asked = atSource({ requiredSinks: [required("vault"), required("attic", "Sample")] });
    expect(await prune(asked, bench.context)).toMatchObject({ settled: [idOf(1)], pending: 0 });
  });

  test("what a required sink lacks is never removed, however old", async () => {
    await hand(1, { vault: true });
    for (const seq of [2, 3, 4, 5]) await hand(seq, { vault: true, attic: true });
    const result = await pruneAcknowledged(atSource({ keep: { last: 1, minVerified: 1 } }), bench.context);
    expect(result.removed.map(({ id }) => id)).toEqual([idOf(2), idOf(3), idOf(4)]);
    expect(result.kept).toContainEqual({ ranges: "1", since: 1, why: "a required sink has not verified it" });
    expect(readdirSync(bench.source.handover)).toEqual([idOf(1)]);
    expect(stored(bench.source)).toEqual([idOf(5)]);
  });

  test("a required sink that was never used keeps everything waiting; a foreign one fails the step", async () => {
    await hand(1, { vault: true, attic: true });
    rmSync(bench.context.roots.sink("attic"), { recursive: true });
    mkdirSync(bench.context.roots.sink("attic"));
    const unused = atSource({ requiredSinks: [required("vault"), { name: "attic", verify: "Full" }] });
    expect(await prune(unused, bench.context)).toMatchObject({ settled: [], pending: 1 });
    await expect(prune(atSource(), bench.context)).rejects.toMatchObject({ code: "HO-T502" });
    expect(readdirSync(bench.source.handover)).toEqual([idOf(1)]);
  });
});

test("a manifest that is larger than any of ours is none, and freezes", async () => {
  await addVerified(bench.sink(), 1, 2, 3);
  truncateSync(join(bench.sink().store, idOf(1), "manifest.json"), 2 ** 40);
  expect((await prune(atSink(), bench.context)).refused).toContain("HO-K702");
  expect(stored(bench.sink())).toHaveLength(3);
});

test("a store that cannot be listed freezes", async () => {
  await addVerified(bench.sink(), 1, 2, 3);
  const manifest = join(bench.sink().store, idOf(1), "manifest.json");
  // A regular file whose first byte the kernel cannot read.
  run("mount", ["--bind", "/proc/self/mem", manifest]);
  try {
    await expect(prune(atSink(), bench.context)).rejects.toMatchObject({ code: "HO-K702", retry: true });
  } finally {
    run("umount", [manifest]);
  }
  expect(stored(bench.sink())).toHaveLength(3);
});
