/** Transport to a small file system that really fills up, and killed while it copies. Needs root for the mount. */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TaskOf } from "../../operator/contract/task.ts";
import { findRoom } from "../../operator/mover/retention/room.ts";
import { transport } from "../../operator/mover/steps/transport.ts";
import { verify } from "../../operator/mover/steps/verify.ts";
import { deliver } from "../../operator/mover/store/delivery.ts";
import { listGenerations } from "../../operator/mover/store/listing.ts";
import { writeMarker } from "../../operator/mover/store/markers.ts";
import { noon, pruneTask, pruneThrough } from "../support/pruning.ts";
import { addGeneration, common, createBench, idOf, type Bench } from "../support/generations.ts";
import { run } from "../support/odd-files.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(240_000);

const sink = { name: "vault", uuid: "vault-uuid" };
const task: TaskOf<"transport"> = { ...common, step: "transport", seq: 9, sink };
const full: TaskOf<"verify"> = { ...common, step: "verify", sink, mode: "Full" };
const mebibyte = 1024 * 1024;

let bench: Bench;
let mounted: string | undefined;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => {
  if (mounted !== undefined) run("umount", [mounted]);
  mounted = undefined;
  bench.remove();
});

/** Makes the sink as small as that. */
function shrinkSink(size: string): void {
  const root = bench.context.roots.sink("vault");
  run("mv", [root, `${root}.big`]);
  mkdirSync(root);
  run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", root]);
  mounted = root;
  run("cp", ["-a", `${root}.big/.`, root]);
}

test("no room: said with numbers before anything is copied, what is there stays, and the source keeps it", async () => {
  shrinkSink("60m");
  addGeneration(bench.source.handover, { seq: 1, files: { a: Buffer.alloc(20 * mebibyte) } });
  addGeneration(bench.source.handover, { seq: 2, files: { a: Buffer.alloc(40 * mebibyte) } });
  await expect(transport(task, bench.context)).rejects.toMatchObject({
    code: "HO-C902",
    message: expect.stringMatching(/needs 56\.\d MiB, .* are free/),
  });
  expect(readdirSync(bench.sink().store)).toEqual([idOf(1)]);
  expect(readdirSync(bench.sink().staging)).toEqual([]);
  expect((await verify(full, bench.context)).verified).toEqual([idOf(1)]);
  const location = { name: "source", uuid: "source-uuid" };
  const requiredSinks = [{ ...sink, verify: "Full" as const }];
  const keep = { last: 1, minVerified: 1 };
  const pruned = await pruneThrough(pruneTask({ location, keep, requiredSinks }), bench.context);
  expect(pruned).toMatchObject({ settled: [idOf(1)], pending: 1, removed: [] });
});

test("full up with trash: said with numbers, the grace is not shortened; once it is over, room is made before anything is written", async () => {
  shrinkSink("70m");
  for (const seq of [1, 2, 3]) {
    const made = addGeneration(bench.sink().store, { seq, files: { a: Buffer.alloc(20 * mebibyte) } });
    await writeMarker(bench.sink(), made, "Full");
  }
  const keep = { last: 2, minVerified: 1 };
  const pruned = await pruneThrough(pruneTask({ location: sink, keep, trashMillis: 60_000 }), bench.context);
  expect(pruned.warnings).toEqual([
    expect.stringMatching(
      /^(9\.\d|10\.0) MiB are free, less than the newest generation takes; 1 in the trash take 20\.0 MiB until 2027-01-01T12:01:00\.000Z$/,
    ),
  ]);
  expect(readdirSync(bench.sink().trash)).toEqual(["2027-01-01"]);
  addGeneration(bench.source.handover, { seq: 4, files: { a: Buffer.alloc(20 * mebibyte) } });
  await expect(transport(task, bench.context)).rejects.toMatchObject({
    code: "HO-C902",
    message: expect.stringMatching(/needs 36\.0 MiB, .* are free; 20\.0 MiB lie in the trash there$/),
  });
  const fill = join(bench.sink().base, "fill");
  expect(() => writeFileSync(fill, Buffer.alloc(20 * mebibyte))).toThrow("ENOSPC");
  const holds = [{ id: idOf(2), until: "forever", reason: "audit" }];
  const emptied = pruneTask({ location: sink, keep, trashMillis: 60_000, holds });
  expect((await pruneThrough(emptied, bench.context, noon + 60_000)).warnings).toBeUndefined();
  expect([readdirSync(bench.sink().trash), readdirSync(bench.sink().held)]).toEqual([[], [`${idOf(2)}.json`]]);
});

test("a store without room for a run: what has had its time in the trash goes, what is held or asked for stays", async () => {
  shrinkSink("70m");
  for (const seq of [1, 2, 3]) {
    const made = addGeneration(bench.sink().store, { seq, files: { a: Buffer.alloc(20 * mebibyte) } });
    await writeMarker(bench.sink(), made, "Full");
  }
  await pruneThrough(pruneTask({ location: sink, trashMillis: 60_000 }), bench.context);
  const place = { root: bench.context.roots.sink("vault"), layout: bench.sink(), owner: common };
  const need = { what: "the store", code: "HO-C901", bytes: 25 * mebibyte, inodes: 0 } as const;
  const grace = { millis: 60_000, holds: [], known: { since: 1, ranges: "1-3" } };
  const hold = { id: idOf(1), until: "forever", reason: "audit" };
  const refused = {
    code: "HO-C901",
    message: expect.stringContaining("; 1 in the trash take 20.0 MiB until 2027-01-01"),
  };
  const at = async (now: number, change: object = {}): Promise<void> =>
    await findRoom(place, need, { ...grace, ...change }, bench.context, now);
  await expect(at(noon + 59_999)).rejects.toMatchObject(refused);
  await expect(at(noon + 60_000, { holds: [hold] })).rejects.toMatchObject(refused);
  await expect(at(noon + 60_000, { undelete: "7, 1" })).rejects.toMatchObject(refused);
  await expect(findRoom(place, need, undefined, bench.context, noon + 60_000)).rejects.toMatchObject({
    message: expect.not.stringContaining("trash"),
  });
  // With room there is no reason to delete anything.
  await findRoom(place, { ...need, bytes: mebibyte }, grace, bench.context, noon + 60_000);
  expect(readdirSync(bench.sink().trash)).toEqual(["2027-01-01"]);
  // Neither does it where a prune would refuse.
  const stray = join(bench.sink().store, "stray");
  mkdirSync(stray);
  await expect(at(noon + 60_000)).rejects.toMatchObject(refused);
  rmSync(stray, { recursive: true });
  const time = new Date(noon + 3 * 3_600_000).toISOString();
  const ahead = addGeneration(bench.sink().store, { seq: 4, time, files: { a: "" } });
  await expect(at(noon + 60_000)).rejects.toMatchObject({
    message: expect.stringMatching(/; 1 in the trash take .*, and nothing goes: the clock is behind 000004-/),
  });
  rmSync(join(bench.sink().store, ahead.id), { recursive: true });
  await at(noon + 60_000);
  expect([readdirSync(bench.sink().trash), readdirSync(bench.sink().store)]).toEqual([[], [idOf(2), idOf(3)]]);
});

test("a sink that went away under a transport is not made anew in what lies there instead", async () => {
  addGeneration(bench.source.handover, { seq: 1, files: { a: "small" } });
  const [generation] = (await listGenerations(bench.source.handover)).generations;
  if (generation === undefined) throw new Error("no generation");
  const layout = bench.sink();
  const root = bench.context.roots.sink("vault");
  run("mv", [root, `${root}.away`]);
  mkdirSync(root);
  const target = { sink: "vault", layout, staging: join(layout.staging, "000009-pod"), signal: bench.context.abort };
  await expect(deliver(generation, target)).rejects.toMatchObject({ code: "ENOENT" });
  expect(readdirSync(root)).toEqual([]);
});

test("the sink fills up while we copy, here by its inodes: the space is given back", async () => {
  shrinkSink("200m,nr_inodes=60");
  const files = Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`databases/shop/dump/${index}.dat`, "x"]));
  addGeneration(bench.source.handover, { seq: 1, files });
  await expect(transport(task, bench.context)).rejects.toMatchObject({ code: "HO-C902" });
  expect(readdirSync(bench.sink().store)).toEqual([]);
  expect(readdirSync(bench.sink().staging)).toEqual([]);
});

test("killed without warning while it copies: nothing is in view, the next attempt brings it whole", async () => {
  addGeneration(bench.source.handover, { seq: 1, files: { a: "small", b: Buffer.alloc(120 * mebibyte, "b") } });
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      fileURLToPath(new URL("../support/transport-child.ts", import.meta.url)),
      JSON.stringify(task),
      bench.root,
    ],
    { detached: true, stdio: "ignore" },
  );
  const copied = join(bench.sink().staging, "000009-child", idOf(1), "a");
  while (!existsSync(copied)) {
    expect(child.exitCode).toBeNull();
    await new Promise((done) => setTimeout(done, 1));
  }
  // The whole group: a pod that is killed takes its rsync with it.
  process.kill(-(child.pid ?? 0), "SIGKILL");
  await new Promise((done) => child.once("exit", done));
  expect(readdirSync(bench.sink().store)).toEqual([]);
  expect((await transport(task, bench.context)).delivered).toEqual([idOf(1)]);
  expect(await verify(full, bench.context)).toMatchObject({ verified: [idOf(1)], damaged: [] });
  expect(readdirSync(bench.sink().staging)).toEqual([]);
});
