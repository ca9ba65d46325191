/** The trash: how long it keeps, whatever the clock does, and the way back out of it. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Layout } from "../../../operator/mover/store/layout.ts";
import { readMarkers, writeMarker } from "../../../operator/mover/store/markers.ts";
import { transport } from "../../../operator/mover/steps/transport.ts";
import { verify } from "../../../operator/mover/steps/verify.ts";
import {
  addGeneration,
  common,
  createBench,
  idOf,
  type Bench,
  type GenerationSpec,
} from "../../support/generations.ts";
import { noon, pruneThrough, pruneTask, type PruneTask } from "../../support/pruning.ts";

jest.setTimeout(240_000);

let bench: Bench;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => bench.remove());

const hour = 3_600_000;
const day = 24 * hour;
const sink = { name: "vault", uuid: "vault-uuid" };
const source = { name: "source", uuid: "source-uuid" };
const task = (changes: Partial<PruneTask> = {}): PruneTask => pruneTask({ trashMillis: day, ...changes });
async function add(layout: Layout, spec: GenerationSpec): Promise<{ id: string; manifestSHA256: string }> {
  const made = addGeneration(layout.store, { files: { a: "content" }, ...spec });
  await writeMarker(layout, made, "Full");
  return made;
}
const addAll = async (layout: Layout, ...seqs: readonly number[]): Promise<void> => {
  for (const seq of seqs) await add(layout, { seq });
};
const stored = (layout: Layout = bench.sink()): readonly number[] =>
  readdirSync(layout.store).map((name) => Number(name.slice(0, 6)));
const inTrash = (layout: Layout = bench.sink()): readonly string[] =>
  readdirSync(layout.trash).flatMap((date) => readdirSync(join(layout.trash, date)).map((name) => `${date}/${name}`));
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

describe("what is removed", () => {
  test("lies in the trash with when and why, for its time of grace", async () => {
    await addAll(bench.sink(), 1, 2, 3);
    const result = await pruneThrough(task(), bench.context);
    const date = dayOf(noon);
    expect(inTrash()).toEqual([`${date}/${idOf(1)}`, `${date}/${idOf(1)}.json`]);
    const note = JSON.parse(readFileSync(join(bench.sink().trash, date, `${idOf(1)}.json`), "utf8"));
    expect(note).toEqual({ format: 1, id: idOf(1), removedAt: new Date(noon).toISOString(), why: "beyond last 2" });
    expect(result.trash).toEqual({ generations: 1, bytes: 7, until: new Date(noon + day).toISOString() });

    await pruneThrough(task(), bench.context, noon + day - 1);
    expect(inTrash()).toHaveLength(2);
    expect((await pruneThrough(task(), bench.context, noon + day)).trash).toBeUndefined();
    expect(readdirSync(bench.sink().trash)).toEqual([]);
  });

  test("goes at once without a time of grace", async () => {
    await addAll(bench.sink(), 1, 2, 3);
    expect((await pruneThrough(task({ trashMillis: 0 }), bench.context)).trash).toBeUndefined();
    expect(readdirSync(bench.sink().trash)).toEqual([]);
  });

  test("stays longer when the clock was set back, after the removal or before it", async () => {
    await addAll(bench.sink(), 1, 2, 3);
    await pruneThrough(task(), bench.context);
    await pruneThrough(task(), bench.context, noon - 30 * day);
    expect(inTrash()).toHaveLength(2);
    // A removal by a clock that is behind by half an hour, which no manifest betrays, is not older than what went before it.
    await add(bench.sink(), { seq: 4, time: new Date(noon - 2 * hour).toISOString() });
    await pruneThrough(task(), bench.context, noon - hour);
    const notes = inTrash().filter((name) => name.endsWith(".json"));
    const times = notes.map((name) => JSON.parse(readFileSync(join(bench.sink().trash, name), "utf8")).removedAt);
    expect(times).toEqual([new Date(noon).toISOString(), new Date(noon).toISOString()]);
  });

  test("on a clock that is behind its newest generation nothing goes, out of the trash neither", async () => {
    await addAll(bench.sink(), 1, 2, 3);
    await pruneThrough(task(), bench.context);
    await add(bench.sink(), { seq: 4, time: new Date(noon + 40 * day).toISOString() });
    const result = await pruneThrough(task(), bench.context, noon + 2 * day);
    expect(result.refused).toContain("HO-K702: the clock is behind 000004");
    expect([stored(), inTrash().length]).toEqual([[2, 3, 4], 2]);
  });

  test("stays as long as it is held, with what it is based on", async () => {
    const full = await add(bench.sink(), { seq: 1 });
    await add(bench.sink(), { seq: 2, type: "Incremental", chain: [full] });
    await addAll(bench.sink(), 3, 4);
    const id = idOf(2, "Incremental");
    await pruneThrough(task({ acknowledged: [] }), bench.context);
    expect(stored()).toEqual([3, 4]);
    const holds = [{ id, until: "forever", reason: "audit" }];
    await pruneThrough(task({ holds }), bench.context, noon + 2 * day);
    expect(inTrash().filter((name) => !name.endsWith(".json"))).toHaveLength(2);
    await pruneThrough(task({ known: { since: 1, ranges: "1-4" } }), bench.context, noon + 2 * day);
    expect(inTrash()).toEqual([]);
  });

  test("without a note had begun to be deleted; half of it is never taken back", async () => {
    await addAll(bench.sink(), 1, 2, 3);
    await pruneThrough(task(), bench.context);
    const date = join(bench.sink().trash, dayOf(noon));
    renameSync(join(date, idOf(1)), join(date, `.gone-${idOf(1)}`));
    writeFileSync(join(date, "note"), "a stranger's");
    expect((await pruneThrough(task({ undelete: "1" }), bench.context)).tookBack).toBeUndefined();
    expect(readdirSync(date)).toEqual(["note"]);
  });

  test.each<[string, (note: string) => void]>([
    ["cannot be read", (note) => writeFileSync(note, "{")],
    ["is missing", (note) => rmSync(note)],
  ])("a note that %s begins the grace with the end of its day", async (_what, spoil) => {
    await addAll(bench.sink(), 1, 2, 3);
    await pruneThrough(task(), bench.context);
    spoil(join(bench.sink().trash, dayOf(noon), `${idOf(1)}.json`));
    await pruneThrough(task(), bench.context, noon + day + 11 * hour);
    expect(inTrash()).toContain(`${dayOf(noon)}/${idOf(1)}`);
    await pruneThrough(task(), bench.context, noon + day + 12 * hour);
    expect(inTrash()).toEqual([]);
  });

  test("another copy that goes on the same day lies beside it, each for its own time", async () => {
    await addAll(bench.sink(), 1, 2, 3);
    await pruneThrough(task(), bench.context);
    for (const [index, content] of ["brought again, and longer", "and once more"].entries()) {
      await add(bench.sink(), { seq: 1, files: { a: content } });
      const { trash } = await pruneThrough(task(), bench.context, noon + (index + 1) * hour);
      expect(trash).toMatchObject({ generations: index + 2, until: new Date(noon + day).toISOString() });
    }
    expect((await pruneThrough(task(), bench.context, noon + day)).trash).toMatchObject({ generations: 2 });
    expect((await pruneThrough(task(), bench.context, noon + day + hour)).trash).toMatchObject({ bytes: 13 });
    expect((await pruneThrough(task(), bench.context, noon + day + 2 * hour)).trash).toBeUndefined();
  });

  test("in a directory whose name is no date is not ours", async () => {
    await addAll(bench.sink(), 1, 2);
    for (const name of ["2026-99-99", "2026-02-30"])
      addGeneration(join(bench.sink().trash, name), { seq: 7, files: { a: "content" } });
    const result = await pruneThrough(task({ trashMillis: 0, undelete: "7" }), bench.context, noon + 9 * day);
    expect([result.refused, result.trash, result.tookBack]).toEqual([undefined, undefined, undefined]);
    expect(readdirSync(bench.sink().trash).toSorted()).toEqual(["2026-02-30", "2026-99-99"]);
  });
});

describe("taking back", () => {
  test.each(["1,2", " 000001 , 000002-20261102T010000Z-full ", "1, 2,,"])(
    "%j brings both, and holds them for a week",
    async (undelete) => {
      await addAll(bench.sink(), 1, 2, 3, 4);
      await pruneThrough(task(), bench.context);
      expect(stored()).toEqual([3, 4]);
      // The grace is over, but what is taken back is taken before the trash is emptied.
      const back = await pruneThrough(task({ undelete }), bench.context, noon + 2 * day);
      expect([back.tookBack, back.removed, stored()]).toEqual([[idOf(1), idOf(2)], [], [1, 2, 3, 4]]);
      expect([back.warnings, inTrash()]).toEqual([undefined, []]);
      await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context);
      const still = await pruneThrough(task({ undelete }), bench.context, noon + 9 * day - 1);
      expect([still.tookBack, still.removed]).toEqual([undefined, []]);
      expect(still.kept.find(({ why }) => why.includes("taken back"))?.ranges).toBe("1-2");
      const after = await pruneThrough(task({ undelete }), bench.context, noon + 9 * day);
      expect(after.removed.map(({ id }) => id)).toEqual([idOf(1), idOf(2)]);
    },
  );

  test("the same words do it once: what went again stays gone, other words bring it again", async () => {
    await addAll(bench.sink(), 1, 2, 3);
    await pruneThrough(task(), bench.context);
    await pruneThrough(task({ undelete: "1" }), bench.context);
    await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context);
    await pruneThrough(task({ undelete: "1" }), bench.context, noon + 8 * day);
    expect(stored()).toEqual([2, 3]);
    await pruneThrough(task({ undelete: "1" }), bench.context, noon + 8 * day + hour);
    expect(stored()).toEqual([2, 3]);
    await pruneThrough(task({ undelete: "000001" }), bench.context, noon + 8 * day + hour);
    expect(stored()).toEqual([1, 2, 3]);
  });

  test("at a sink it counts once it was read again, at the source as before", async () => {
    await addAll(bench.sink(), 1, 2, 3);
    await pruneThrough(task(), bench.context);
    await pruneThrough(task({ undelete: "1" }), bench.context);
    expect((await readMarkers(bench.sink())).has(idOf(1))).toBe(false);
    expect((await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context)).verified).toContain(
      idOf(1),
    );
    await addAll(bench.source, 1, 2, 3);
    const before = (await readMarkers(bench.source)).get(idOf(1));
    await pruneThrough(task({ location: source }), bench.context);
    expect((await readMarkers(bench.source)).has(idOf(1))).toBe(false);
    await pruneThrough(task({ location: source, undelete: "1" }), bench.context);
    expect((await readMarkers(bench.source)).get(idOf(1))).toEqual(before);
  });

  test("brings what it is based on, too", async () => {
    const full = await add(bench.sink(), { seq: 1 });
    await add(bench.sink(), { seq: 2, type: "Incremental", chain: [full] });
    await addAll(bench.sink(), 3, 4);
    await pruneThrough(task(), bench.context);
    expect(stored()).toEqual([3, 4]);
    expect((await pruneThrough(task({ undelete: "2" }), bench.context)).tookBack).toEqual([
      idOf(1),
      idOf(2, "Incremental"),
    ]);
  });

  test("but not what has lost what it is based on", async () => {
    const full = await add(bench.sink(), { seq: 1 });
    await add(bench.sink(), { seq: 2, type: "Incremental", chain: [full] });
    await addAll(bench.sink(), 3, 4);
    await pruneThrough(task(), bench.context);
    rmSync(join(bench.sink().trash, dayOf(noon), idOf(1)), { recursive: true });
    const result = await pruneThrough(task({ undelete: "2" }), bench.context);
    expect([result.tookBack, result.warnings]).toEqual([
      undefined,
      [`undelete: ${idOf(2, "Incremental")} cannot be taken back: ${idOf(1)}, which it is based on, is gone`],
    ]);
  });

  test("says what it cannot: nonsense, a damaged one, another policy's; what is not here is no trouble", async () => {
    await addAll(bench.sink(), 1, 3, 4);
    await add(bench.sink(), { seq: 2, files: { a: "to be cut" } });
    await pruneThrough(task(), bench.context);
    const date = join(bench.sink().trash, dayOf(noon));
    writeFileSync(join(date, idOf(2), "a"), "cut");
    rmSync(join(date, idOf(1), "manifest.json"));
    const result = await pruneThrough(task({ undelete: "1,2,the last one,99,../../x" }), bench.context);
    expect(result.tookBack).toBeUndefined();
    expect(result.warnings).toEqual([
      'undelete: "the last one" is neither a number nor an id',
      'undelete: "../../x" is neither a number nor an id',
      `undelete: ${idOf(1)} cannot be taken back: no manifest`,
      `undelete: ${idOf(2)} cannot be taken back: a has 3 bytes, the manifest says 9`,
    ]);
    expect(stored()).toEqual([3, 4]);
  });

  test("never over what lies there by now", async () => {
    await addAll(bench.sink(), 1, 2, 3);
    await pruneThrough(task(), bench.context);
    await add(bench.sink(), { seq: 1, files: { a: "another" } });
    expect(
      (await pruneThrough(task({ undelete: "1", keep: { last: 9, minVerified: 1 } }), bench.context)).tookBack,
    ).toBeUndefined();
    expect(readFileSync(join(bench.sink().store, idOf(1), "a"), "utf8")).toBe("another");
  });
});

test("a transport neither brings back what is in the trash nor gives its number away", async () => {
  for (const seq of [1, 2, 3]) {
    addGeneration(bench.source.handover, { seq, files: { a: `${seq}` } });
    await transport({ ...common, step: "transport", seq: 9, sink }, bench.context);
    await verify({ ...common, step: "verify", sink, mode: "Full" }, bench.context);
  }
  await pruneThrough(task(), bench.context);
  expect(inTrash()).toContain(`${dayOf(noon)}/${idOf(1)}`);
  const again = await transport({ ...common, step: "transport", seq: 9, sink }, bench.context);
  expect([again.delivered, stored()]).toEqual([[], [2, 3]]);
  // Taken back, it is not brought a second time.
  await pruneThrough(task({ undelete: "1" }), bench.context);
  expect((await transport({ ...common, step: "transport", seq: 9, sink }, bench.context)).delivered).toEqual([]);
  expect(existsSync(join(bench.sink().store, idOf(1)))).toBe(true);
  rmSync(join(bench.sink().store, idOf(1)), { recursive: true });
  await expect(transport({ ...common, step: "transport", seq: 2, sink }, bench.context)).rejects.toMatchObject({
    code: "HO-P113",
  });
});
