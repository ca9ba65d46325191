/** A prune acts on the plan that is on record and on no other; one that is more than half waits for its very acknowledgement. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { maxResultBytes } from "../../../operator/contract/result.ts";
import { encodeResult } from "../../../operator/mover/main.ts";
import { prune } from "../../../operator/mover/steps/prune.ts";
import type { Layout } from "../../../operator/mover/store/layout.ts";
import { writeMarker } from "../../../operator/mover/store/markers.ts";
import { digestOfPlan } from "../../../operator/mover/store/plans.ts";
import { addGeneration, createBench, idOf, type Bench, type GenerationSpec } from "../../support/generations.ts";
import { noon, pruneAcknowledged, pruneTask, pruneThrough } from "../../support/pruning.ts";

jest.setTimeout(240_000);

let bench: Bench;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => bench.remove());

const tiny = { a: "content" };
async function add(layout: Layout, spec: GenerationSpec): Promise<{ id: string; manifestSHA256: string }> {
  const made = addGeneration(layout.store, { files: tiny, ...spec });
  await writeMarker(layout, made, "Full");
  return made;
}
const addAll = async (...seqs: readonly number[]): Promise<void> => {
  for (const seq of seqs) await add(bench.sink(), { seq });
};
const seqs = (): readonly number[] => readdirSync(bench.sink().store).map((name) => Number(name.slice(0, 6)));

describe("two rounds", () => {
  test("the first tells what would go and why, and removes nothing", async () => {
    await addAll(1, 2, 3);
    const planned = await prune(pruneTask(), bench.context, noon);
    expect(planned).toMatchObject({
      removed: [],
      plan: { digest: digestOfPlan([idOf(1)]), removes: 1 },
      remove: [{ id: idOf(1), why: "beyond last 2" }],
      kept: [
        { why: "newest verified", ranges: "3", since: 1 },
        { why: "minVerified 1", ranges: "3", since: 1 },
        { why: "last 2", ranges: "2-3", since: 1 },
      ],
    });
    expect(planned.refused).toBeUndefined();
    expect(seqs()).toEqual([1, 2, 3]);
    expect(existsSync(bench.sink().catalogue)).toBe(false);
  });

  test("the second removes what the plan names", async () => {
    await addAll(1, 2, 3);
    const acted = await pruneThrough(pruneTask(), bench.context);
    expect(acted).toMatchObject({ removed: [{ id: idOf(1), why: "beyond last 2" }] });
    expect([acted.plan, acted.remove, seqs()]).toEqual([undefined, undefined, [2, 3]]);
  });

  test("with nothing to remove one is enough", async () => {
    await addAll(1, 2);
    const only = await prune(pruneTask(), bench.context, noon);
    expect([only.plan, only.removed, only.present]).toEqual([undefined, [], { since: 1, ranges: "1-2" }]);
    expect(existsSync(bench.sink().catalogue)).toBe(true);
  });

  test("what changed in between makes another plan, and that is told instead", async () => {
    await addAll(1, 2, 3, 4);
    const approved = (await prune(pruneTask({ keep: { last: 3, minVerified: 1 } }), bench.context, noon)).plan!.digest;
    const again = await prune(pruneTask({ approved }), bench.context, noon);
    expect(again).toMatchObject({ removed: [], plan: { digest: digestOfPlan([idOf(1), idOf(2)]), removes: 2 } });
    expect(seqs()).toEqual([1, 2, 3, 4]);
  });

  test("of one that died in the middle the rest is a plan of its own", async () => {
    await addAll(1, 2, 3, 4);
    const { plan } = await prune(pruneTask(), bench.context, noon);
    rmSync(join(bench.sink().store, idOf(1)), { recursive: true });
    const rest = await prune(pruneTask({ approved: plan!.digest }), bench.context, noon);
    expect([rest.removed, rest.remove]).toEqual([[], [{ id: idOf(2), why: "beyond last 2" }]]);
  });

  test("the digest is that of the sorted ids, one a line", () => {
    // printf 'a\nb' | sha256sum
    const digest = "7e18f737311b2dc3b2f269dd78396b0351f14fb66efa879f768cb23181883c78";
    expect([digestOfPlan(["b", "a"]), digestOfPlan(["a", "b"])]).toEqual([digest, digest]);
  });

  test("fits into a termination message with hundreds of generations", async () => {
    for (let seq = 1; seq <= 320; seq++)
      await add(bench.sink(), {
        seq,
        time: new Date(Date.UTC(2026, 0, 1) + seq * 40_000_000).toISOString(),
        type: seq % 3 === 0 ? "Full" : "Database",
      });
    const keep = { last: 7, hourly: 30, daily: 14, weekly: 8, monthly: 12, yearly: 3, minVerified: 2 };
    const holds = [3, 9, 50, 77].map((seq) => ({
      id: readdirSync(bench.sink().store)[seq - 1]!,
      until: "forever",
      reason: `reason ${seq} ${"x".repeat(150)}`,
    }));
    const result = await prune(pruneTask({ keep, holds }), bench.context, noon);
    const text = encodeResult(result);
    expect(text).toBe(JSON.stringify(result));
    expect(Buffer.byteLength(text)).toBeLessThan(maxResultBytes);
    expect(result.plan!.removes).toBeGreaterThan(150);
    expect(result.remove).toHaveLength(12);
    expect(result.kept.map(({ why }) => why)).toEqual(expect.arrayContaining(["daily 14", "monthly 12", "last 7"]));
  });
});

describe("more than half", () => {
  const shortOf = (digest: string | undefined): string => digest!.slice(0, 12);

  test("is refused with its digest, and goes once that is acknowledged", async () => {
    await addAll(1, 2, 3, 4, 5, 6);
    const refused = await prune(pruneTask(), bench.context, noon);
    const digest = digestOfPlan([1, 2, 3, 4].map((seq) => idOf(seq)));
    expect(refused).toMatchObject({ removed: [], plan: { digest, removes: 4 } });
    expect(refused.refused).toMatch(new RegExp(`^HO-K701: 4 of 6 .*; this is plan ${shortOf(digest)}$`));
    expect((await pruneThrough(pruneTask({ acknowledged: [shortOf(digest)] }), bench.context)).removed).toHaveLength(4);
    expect(seqs()).toEqual([5, 6]);
  });

  test("another digest acknowledges nothing", async () => {
    await addAll(1, 2, 3, 4, 5, 6);
    await prune(pruneTask(), bench.context, noon);
    const task = pruneTask({ acknowledged: ["0123456789ab", "f".repeat(12)] });
    expect((await prune(task, bench.context, noon)).refused).toContain("HO-K701");
  });

  test("is not approved by its digest alone", async () => {
    await addAll(1, 2, 3, 4, 5, 6);
    const { plan } = await prune(pruneTask(), bench.context, noon);
    const again = await prune(pruneTask({ approved: plan!.digest }), bench.context, noon);
    expect([again.refused?.slice(0, 7), seqs()]).toEqual(["HO-K701", [1, 2, 3, 4, 5, 6]]);
  });

  test("the acknowledgement is of those generations: the next night's one more does not void it", async () => {
    await addAll(1, 2, 3, 4, 5, 6);
    const { plan } = await prune(pruneTask(), bench.context, noon);
    await addAll(7);
    const task = pruneTask({ acknowledged: [shortOf(plan?.digest)] });
    expect((await pruneThrough(task, bench.context)).removed).toHaveLength(5);
    expect(seqs()).toEqual([6, 7]);
  });

  test("and another plan, made by another edit, is not acknowledged by it", async () => {
    await addAll(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    const { plan } = await prune(pruneTask({ keep: { last: 5, minVerified: 1 } }), bench.context, noon);
    const task = pruneTask({ keep: { last: 1, minVerified: 1 }, acknowledged: [shortOf(plan?.digest)] });
    const refused = await prune(pruneTask({ ...task, keep: { last: 5, minVerified: 1 } }), bench.context, noon);
    expect(refused.refused).toBeUndefined();
    for (const seq of [13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]) await addAll(seq);
    const other = await prune(task, bench.context, noon);
    expect(other.refused).toMatch(/this is plan [0-9a-f]{12}, what was acknowledged is another$/);
    expect(seqs()).toHaveLength(24);
  });

  test("it is spent with the first prune that is carried out", async () => {
    await addAll(1, 2, 3, 4, 5, 6);
    const { plan } = await prune(pruneTask(), bench.context, noon);
    const acknowledged = [shortOf(plan?.digest)];
    // The edit was taken back: nothing is to go, and nothing is waited for any more.
    await pruneThrough(pruneTask({ keep: { last: 9, minVerified: 1 } }), bench.context);
    expect(existsSync(bench.sink().plans)).toBe(false);
    expect((await prune(pruneTask({ acknowledged }), bench.context, noon)).refused).toContain("HO-K701");
    expect((await pruneAcknowledged(pruneTask(), bench.context)).removed).toHaveLength(4);
  });
});

describe("chains", () => {
  test("of a kept one stay; a copy counts only with all that it is based on", async () => {
    const one = await add(bench.sink(), { seq: 1 });
    const two = await add(bench.sink(), { seq: 2, type: "Incremental", chain: [one] });
    await add(bench.sink(), { seq: 3, type: "Incremental", chain: [one, two] });
    await add(bench.sink(), { seq: 4 });
    const task = pruneTask({ keep: { last: 2, minVerified: 1 } });
    const all = await prune(task, bench.context, noon);
    expect([all.plan, all.kept.find(({ why }) => why.startsWith("base"))?.ranges]).toEqual([undefined, "1-2"]);
    // Another manifest under the id of the base: what is based on it is worth nothing any more, and counts no more.
    rmSync(join(bench.sink().store, one.id), { recursive: true });
    await add(bench.sink(), { seq: 1, files: { a: "another" } });
    const { kept } = await prune(task, bench.context, noon);
    expect(kept.find(({ why }) => why === "last 2")?.ranges).toBe("1,4");
  });

  test("a chain that was due goes at once, without an acknowledgement", async () => {
    const keep = { last: 2, minVerified: 1 };
    const chain = [await add(bench.sink(), { seq: 1 })];
    for (const seq of [2, 3, 4, 5])
      chain.push(await add(bench.sink(), { seq, type: "Incremental", chain: [...chain] }));
    await pruneThrough(pruneTask({ keep }), bench.context);
    await add(bench.sink(), { seq: 6 });
    expect((await pruneThrough(pruneTask({ keep }), bench.context)).removed).toEqual([]);
    await add(bench.sink(), { seq: 7 });
    const last = await pruneThrough(pruneTask({ keep }), bench.context);
    expect([last.refused, last.removed.length, seqs()]).toEqual([undefined, 5, [6, 7]]);
  });
});

test("two clusters with a policy of one name never prune each other's", async () => {
  await addAll(1, 2, 3);
  await expect(prune(pruneTask({ policyUID: "of another cluster" }), bench.context, noon)).rejects.toMatchObject({
    code: "HO-P106",
  });
  expect(seqs()).toEqual([1, 2, 3]);
});
