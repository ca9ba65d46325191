/** Transport with the real rsync: whole or not at all, resumable, and never over what is there. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskOf } from "../../../operator/contract/task.ts";
import { transport } from "../../../operator/mover/steps/transport.ts";
import { verify } from "../../../operator/mover/steps/verify.ts";
import { withFailingSync } from "../../support/failing-sync.ts";
import { addGeneration, common, createBench, idOf, type Bench } from "../../support/generations.ts";
import { pruneAcknowledged, pruneTask, pruneThrough } from "../../support/pruning.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(240_000);

const sink = { name: "vault", uuid: "vault-uuid" };
const task: TaskOf<"transport"> = { ...common, step: "transport", seq: 9, sink };

let bench: Bench;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => bench.remove());

const atSink = (): readonly string[] => readdirSync(bench.sink().store);
const archive = "volumes/uploads.tar.zst";

test("brings everything that waits, oldest first, equal to the byte, and leaves no staging", async () => {
  for (const seq of [2, 1, 3]) addGeneration(bench.source.handover, { seq });
  const result = await transport(task, bench.context);
  expect(result.delivered).toEqual([idOf(1), idOf(2), idOf(3)]);
  for (const id of atSink())
    for (const path of [archive, "manifest.json", "manifest.sha256", "SHA256SUMS"])
      expect(
        readFileSync(join(bench.sink().store, id, path)).equals(readFileSync(join(bench.source.handover, id, path))),
      ).toBe(true);
  expect(readdirSync(bench.sink().staging)).toEqual([]);
  expect((await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context)).verified).toHaveLength(3);
  expect(await transport(task, bench.context)).toMatchObject({ delivered: [], bytes: 0 });
});

test("a new sink gets an identity and what the source still keeps; what was pruned at a sink does not come back", async () => {
  for (const seq of [1, 2, 3]) addGeneration(bench.source.store, { seq });
  expect((await transport(task, bench.context)).delivered).toHaveLength(3);
  rmSync(join(bench.sink().store, idOf(1)), { recursive: true });
  expect((await transport(task, bench.context)).delivered).toEqual([]);
});

describe("while a required sink is away", () => {
  const names = ["vault", "attic"] as const;
  const sinkOf = (name: string): typeof sink => ({ name, uuid: `${name}-uuid` });
  const pruneSink = async (name: string): Promise<unknown> =>
    await pruneThrough(pruneTask({ location: sinkOf(name) }), bench.context);
  const pruneSource = async (): ReturnType<typeof pruneThrough> =>
    await pruneThrough(
      pruneTask({
        location: sinkOf("source"),
        requiredSinks: names.map((name) => ({ ...sinkOf(name), verify: "Full" })),
      }),
      bench.context,
    );
  const bring = async (name: string): Promise<readonly string[]> => {
    const { delivered } = await transport({ ...task, sink: sinkOf(name) }, bench.context);
    await verify({ ...common, step: "verify", sink: sinkOf(name), mode: "Full" }, bench.context);
    return delivered;
  };
  const night = async (seq: number): Promise<readonly string[]> => {
    addGeneration(bench.source.handover, { seq });
    const delivered = await bring("vault");
    await pruneSource();
    await pruneSink("vault");
    return delivered;
  };
  beforeEach(() => {
    bench.remove();
    bench = createBench(names);
  });

  test("the others get each generation once; what they have pruned drains from the source when it is back", async () => {
    for (const seq of [1, 2, 3, 4, 5]) expect(await night(seq)).toEqual([idOf(seq)]);
    expect(atSink()).toEqual([idOf(4), idOf(5)]);
    expect(readdirSync(bench.source.handover)).toHaveLength(5);

    expect(await bring("attic")).toHaveLength(5);
    expect(await pruneSource()).toMatchObject({ pending: 0, settled: [1, 2, 3, 4, 5].map((seq) => idOf(seq)) });
    expect(readdirSync(bench.source.handover)).toEqual([]);
    // What has left the handover point is not remembered for ever.
    expect(await bring("vault")).toEqual([]);
    expect(readdirSync(bench.sink().verified)).toEqual([`${idOf(4)}.json`, `${idOf(5)}.json`]);
  });

  test("a copy that got lost, or never came, is brought although newer ones are there; it settles nothing before", async () => {
    for (const seq of [1, 2, 3]) addGeneration(bench.source.handover, { seq });
    await bring("vault");
    await bring("attic");
    rmSync(join(bench.sink().store, idOf(1)), { recursive: true });
    expect(await pruneSource()).toMatchObject({ pending: 1, settled: [idOf(2), idOf(3)] });
    expect(await bring("vault")).toEqual([idOf(1)]);
    expect(await pruneSource()).toMatchObject({ pending: 0, settled: [idOf(1)] });
  });

  test("a prune that dies between its word and its deed is repeated, and its word still holds", async () => {
    for (const seq of [1, 2, 3]) await night(seq);
    expect(atSink()).toEqual([idOf(2), idOf(3)]);
    addGeneration(bench.sink().store, { seq: 1 });
    await pruneSink("vault");
    expect(atSink()).toEqual([idOf(2), idOf(3)]);
    expect(await bring("vault")).toEqual([]);
  });
});

describe("what is at the sink already", () => {
  test("another generation under the same id is never overwritten; the others are still brought", async () => {
    addGeneration(bench.source.handover, { seq: 1 });
    addGeneration(bench.source.handover, { seq: 2 });
    // A check must not follow, which would take theirs for ours.
    addGeneration(bench.source.handover, { seq: 3 });
    rmSync(join(bench.source.handover, idOf(3), "manifest.json"));
    const theirs = addGeneration(bench.sink().store, { seq: 1, files: { a: "theirs" } });
    await expect(transport(task, bench.context)).rejects.toMatchObject({ code: "HO-V601" });
    expect(readFileSync(join(bench.sink().store, idOf(1), "manifest.sha256"), "utf8")).toContain(theirs.manifestSHA256);
    expect(atSink()).toEqual([idOf(1), idOf(2)]);
  });

  test("a copy with a damaged manifest is set aside and brought again", async () => {
    addGeneration(bench.source.handover, { seq: 1 });
    addGeneration(bench.sink().store, { seq: 1 });
    writeFileSync(join(bench.sink().store, idOf(1), "manifest.json"), "{}");
    expect((await transport(task, bench.context)).delivered).toEqual([idOf(1)]);
    expect(readdirSync(bench.sink().damaged)).toEqual([`${idOf(1)}-1`]);
  });

  test("a copy that verify set aside is brought again, even after it was settled, until it is pruned", async () => {
    for (const seq of [1, 2, 3]) addGeneration(bench.source.store, { seq });
    await transport(task, bench.context);
    writeFileSync(join(bench.sink().store, idOf(2), archive), Buffer.alloc(2_000_000));
    await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context);
    expect((await transport(task, bench.context)).delivered).toEqual([idOf(2)]);
    await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context);
    const keep = { last: 1, minVerified: 1 };
    await pruneAcknowledged(pruneTask({ location: sink, keep }), bench.context);
    expect((await transport(task, bench.context)).delivered).toEqual([]);
    expect(readdirSync(bench.sink().damaged)).toEqual([]);
  });
});

test("a copy that got lost leaves its marker: the one that is brought in its place counts when it was read, not before", async () => {
  addGeneration(bench.source.handover, { seq: 1 });
  await transport(task, bench.context);
  await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context);
  rmSync(join(bench.sink().store, idOf(1)), { recursive: true });
  expect((await transport(task, bench.context)).delivered).toEqual([idOf(1)]);
  expect(readdirSync(bench.sink().verified)).toEqual([]);
  const { verified, bytes } = await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context);
  expect(verified).toEqual([idOf(1)]);
  expect(bytes).toBeGreaterThan(0);
});

test("what a sink could not write to its disk is no leftover: the kernel may have dropped it, and says so only once", async () => {
  addGeneration(bench.source.handover, { seq: 1 });
  await withFailingSync(async () => {
    await expect(transport(task, bench.context)).rejects.toMatchObject({ code: "HO-T501", retry: true });
  });
  expect(readdirSync(join(bench.sink().staging, "000009-pod-uid"))).toEqual([]);
  expect((await transport(task, bench.context)).delivered).toEqual([idOf(1)]);
});

describe("interrupted", () => {
  test("leftovers of an earlier attempt are taken over, corrected and completed", async () => {
    addGeneration(bench.source.handover, { seq: 1 });
    const from = join(bench.source.handover, idOf(1));
    const left = join(bench.sink().staging, "000008-other-pod", idOf(1));
    mkdirSync(left, { recursive: true });
    cpSync(from, left, { recursive: true, preserveTimestamps: true });
    rmSync(join(left, "manifest.json"));
    // One file whole, one half, one that is no part of it.
    const whole = statSync(join(left, "databases/shop/dump/1.dat.gz"));
    writeFileSync(join(left, archive), readFileSync(join(from, archive)).subarray(0, 700_000));
    writeFileSync(join(left, "volumes/old"), "x");
    expect((await transport(task, bench.context)).delivered).toEqual([idOf(1)]);
    expect((await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context)).damaged).toEqual([]);
    expect(statSync(join(bench.sink().store, idOf(1), "databases/shop/dump/1.dat.gz")).ino).toBe(whole.ino);
    expect(readdirSync(bench.sink().staging)).toEqual([]);
  });

  test("aborted: nothing of it is in view, and the next attempt completes it", async () => {
    for (const seq of [1, 2])
      addGeneration(bench.source.handover, { seq, files: { big: Buffer.alloc(60_000_000, seq) } });
    const abort = new AbortController();
    const running = transport(task, { ...bench.context, abort: abort.signal });
    while (!existsSync(join(bench.sink().staging, "000009-pod-uid", idOf(1))))
      await new Promise((done) => setTimeout(done, 2));
    abort.abort(new Error("asked to end"));
    await expect(running).rejects.toThrow("asked to end");
    expect(atSink()).toEqual([]);
    expect((await transport(task, { ...bench.context, podUID: "next" })).delivered).toEqual([idOf(1), idOf(2)]);
    expect((await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context)).damaged).toEqual([]);
  });
});

describe("refused before anything is written", () => {
  test("a foreign, an emptied and an unmounted sink", async () => {
    addGeneration(bench.source.handover, { seq: 1 });
    await expect(transport({ ...task, sink: { name: "vault", uuid: "x" } }, bench.context)).rejects.toMatchObject({
      code: "HO-T502",
    });
    await expect(transport({ ...task, policyUID: "another" }, bench.context)).rejects.toMatchObject({
      code: "HO-P106",
    });
    rmSync(bench.context.roots.sink("vault"), { recursive: true });
    mkdirSync(bench.context.roots.sink("vault"));
    await expect(transport(task, bench.context)).rejects.toMatchObject({ code: "HO-T502" });
    expect(readdirSync(bench.context.roots.sink("vault"))).toEqual([]);
  });

  test("an emptied source is not taken for one that has nothing to bring", async () => {
    rmSync(bench.context.roots.store, { recursive: true });
    mkdirSync(bench.context.roots.store);
    await expect(transport(task, bench.context)).rejects.toMatchObject({ code: "HO-P105" });
  });

  test("a higher number in the lineage", async () => {
    mkdirSync(join(bench.source.staging, "000010-newer"));
    await expect(transport(task, bench.context)).rejects.toMatchObject({ code: "HO-P113" });
  });

  test("a generation that is broken at the source is named, after the others were brought", async () => {
    addGeneration(bench.source.handover, { seq: 1 });
    addGeneration(bench.source.handover, { seq: 2 });
    rmSync(join(bench.source.handover, idOf(1), "manifest.json"));
    await expect(transport(task, bench.context)).rejects.toMatchObject({
      code: "HO-T503",
      message: expect.stringContaining(idOf(1)),
      retry: false,
    });
    expect(atSink()).toEqual([idOf(2)]);
  });

  test("a file that does not have the size of the manifest never arrives", async () => {
    addGeneration(bench.source.handover, { seq: 1 });
    writeFileSync(join(bench.source.handover, idOf(1), archive), "short");
    await expect(transport(task, bench.context)).rejects.toMatchObject({ code: "HO-T503", retry: true });
    expect(atSink()).toEqual([]);
  });
  test("what is damaged at the source, and what is based on it, does not keep the others from the sink", async () => {
    const spoilt = addGeneration(bench.source.store, { seq: 1 });
    const based = [{ id: spoilt.id, manifestSHA256: spoilt.manifestSHA256 }];
    addGeneration(bench.source.store, { seq: 2, type: "Incremental", chain: based });
    addGeneration(bench.source.handover, { seq: 3 });
    writeFileSync(join(bench.source.store, spoilt.id, archive), "short");
    await expect(transport(task, bench.context)).rejects.toMatchObject({
      code: "HO-T503",
      message: expect.stringContaining(spoilt.id),
    });
    expect(atSink()).toEqual([idOf(3)]);
  });
});
