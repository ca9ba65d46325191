/** Holds beside the generations: what the runs say is copied there, and stands when the runs are lost. */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeMarker } from "../../../operator/mover/store/markers.ts";
import { addGeneration, createBench, idOf, type Bench } from "../../support/generations.ts";
import { noon, pruneTask, pruneThrough, type PruneTask } from "../../support/pruning.ts";

jest.setTimeout(240_000);

let bench: Bench;
beforeEach(async () => {
  bench = createBench();
  for (const seq of [1, 2, 3, 4])
    await writeMarker(bench.sink(), addGeneration(bench.sink().store, { seq, files: { a: `${seq}` } }), "Full");
});
afterEach(() => bench.remove());

const all = { since: 1, ranges: "1-4" };
const hold = (seq: number, until = "forever"): PruneTask["holds"][number] => ({
  id: idOf(seq),
  until,
  reason: "audit",
});
const prune = async (changes: Partial<PruneTask>, now = noon): Promise<string> => {
  await pruneThrough(pruneTask({ trashMillis: 3_600_000, ...changes }), bench.context, now);
  return readdirSync(bench.sink().store)
    .map((name) => Number(name.slice(0, 6)))
    .join(" ");
};
const held = (): readonly string[] => (existsSync(bench.sink().held) ? readdirSync(bench.sink().held) : []);

test("a hold of a run keeps, and is written beside the generations", async () => {
  expect(await prune({ holds: [hold(1)], known: all })).toBe("1 3 4");
  expect(held()).toEqual([`${idOf(1)}.json`]);
  expect(JSON.parse(readFileSync(join(bench.sink().held, `${idOf(1)}.json`), "utf8"))).toEqual({
    format: 1,
    id: idOf(1),
    run: { until: "forever", reason: "audit" },
  });
});

test("when the run is lost the file holds; when it is there, its annotation decides", async () => {
  await prune({ holds: [hold(1)], known: all });
  expect(await prune({ known: { since: 1, ranges: "3-4" } })).toBe("1 3 4");
  expect(held()).toHaveLength(1);
  expect(await prune({ known: all })).toBe("3 4");
  expect(held()).toEqual([]);
});

test("a hold that ends is over, also in the file", async () => {
  const until = new Date(noon + 1_000).toISOString();
  await prune({ holds: [hold(1, until)], known: all });
  expect(await prune({ known: { since: 1, ranges: "" } }, noon + 999)).toBe("1 3 4");
  expect(await prune({ known: { since: 1, ranges: "" } }, noon + 1_000)).toBe("3 4");
});

test("of what is not here nothing is written, and the file goes with the last of the generation", async () => {
  await prune({ holds: [hold(1), hold(9)], known: all });
  expect(held()).toEqual([`${idOf(1)}.json`]);
  const until = new Date(noon).toISOString();
  await prune({ holds: [hold(1, until)], known: all }, noon + 1);
  expect(held()).toEqual([`${idOf(1)}.json`]);
  await prune({ holds: [hold(1, until)], known: all }, noon + 3_600_001);
  expect(held()).toEqual([]);
});

test("a file that cannot be understood holds", async () => {
  mkdirSync(bench.sink().held);
  writeFileSync(join(bench.sink().held, `${idOf(1)}.json`), "{");
  writeFileSync(join(bench.sink().held, `${idOf(2)}.json`), JSON.stringify({ format: 1, id: idOf(3) }));
  writeFileSync(join(bench.sink().held, "README"), "a stranger's");
  expect(await prune({})).toBe("1 2 3 4");
  expect(await prune({ known: all })).toBe("3 4");
});

test("held/ that is a link is refused", async () => {
  symlinkSync(bench.root, bench.sink().held);
  await expect(prune({})).rejects.toMatchObject({ code: "HO-P105" });
});

test("on unknown state a hold is not forgotten", async () => {
  await prune({ holds: [hold(1)], known: all });
  mkdirSync(join(bench.sink().store, "old"));
  await pruneThrough(pruneTask({ known: { since: 1, ranges: "" } }), bench.context);
  expect(held()).toEqual([`${idOf(1)}.json`]);
});
