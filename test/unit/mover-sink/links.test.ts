/** Links and other things that a person, or an app with a hold on the volume, may put where directories of a store should be. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { transport } from "../../../operator/mover/steps/transport.ts";
import { claimMirrors } from "../../../operator/mover/store/claim.ts";
import { listGenerations } from "../../../operator/mover/store/listing.ts";
import { writeMarker } from "../../../operator/mover/store/markers.ts";
import { addGeneration, common, createBench, idOf, type Bench } from "../../support/generations.ts";
import { pruneTask, pruneThrough } from "../../support/pruning.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(240_000);

const vault = { name: "vault", uuid: "vault-uuid" };
let bench: Bench;
beforeEach(async () => {
  bench = createBench();
  for (const seq of [1, 2, 3]) {
    addGeneration(bench.source.store, { seq });
    await writeMarker(bench.sink(), addGeneration(bench.sink().store, { seq }), "Full");
  }
});
afterEach(() => bench.remove());

const pruneSink = () => pruneThrough(pruneTask({ location: vault }), bench.context);
const ids = [1, 2, 3].map((seq) => idOf(seq));

test("a day in the trash that is a link to the generations: they stay, and so does the link", async () => {
  symlinkSync("../store", join(bench.sink().trash, "2026-01-01"));
  expect((await pruneSink()).removed.map(({ id }) => id)).toEqual([idOf(1)]);
  expect(readdirSync(bench.sink().store)).toEqual([idOf(2), idOf(3)]);
  expect(readdirSync(bench.sink().trash)).toEqual(["2026-01-01"]);
});

test.each(["store", "trash", "staging", "damaged", "verified"] as const)(
  "%s that is a link is refused",
  async (name) => {
    const elsewhere = join(bench.root, "elsewhere");
    renameSync(bench.sink()[name], elsewhere);
    symlinkSync(elsewhere, bench.sink()[name]);
    await expect(pruneSink()).rejects.toMatchObject({ code: "HO-P105", message: expect.stringContaining("is a link") });
  },
);

test("leftovers of a transport are not taken over through a link", async () => {
  rmSync(join(bench.source.store, idOf(3)), { recursive: true });
  addGeneration(bench.source.handover, { seq: 4 });
  mkdirSync(bench.sink().staging, { recursive: true });
  // To what belongs to others.
  const elsewhere = join(bench.root, "elsewhere");
  addGeneration(elsewhere, { seq: 4 });
  symlinkSync(elsewhere, join(bench.sink().staging, "000003-pod"));
  await transport({ ...common, step: "transport", seq: 9, sink: vault }, bench.context);
  expect(readdirSync(elsewhere)).toEqual([idOf(4)]);
});

test("a generation that is a link, and one whose manifest is a pipe, are none", async () => {
  const { store } = bench.source;
  symlinkSync(idOf(1), join(store, idOf(8)));
  mkdirSync(join(store, idOf(9)));
  execFileSync("mkfifo", [join(store, idOf(9), "manifest.json")]);
  expect(await listGenerations(store)).toMatchObject({
    generations: ids.map((id) => ({ id })),
    broken: [
      { name: idOf(8), why: "it is not a directory" },
      { name: idOf(9), why: "manifest.json is not a regular file" },
    ],
  });
});

test("mirrors that are a link are refused: what is not in the volume would be removed there", async () => {
  symlinkSync("store", join(bench.source.base, "mirror"));
  const claim = claimMirrors(bench.source, { seq: 9, podUID: "pod" }, bench.context.abort);
  await expect(claim).rejects.toMatchObject({ code: "HO-P105" });
});
