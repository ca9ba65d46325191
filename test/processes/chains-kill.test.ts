/** A mover that is killed while it makes an increment leaves either none or a whole one, and the next is as it should be. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import type { MoverTask } from "../../operator/contract/task.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { digestOf, make, restoredDifference, type Made } from "../support/chain-bed.ts";
import { killAt } from "../support/kill-at.ts";
import {
  capture,
  common,
  createBed,
  sealTask,
  uploads,
  warmUp,
  type Captured,
  type MoverBed,
} from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";

jest.setTimeout(120_000);

let bed: MoverBed;
let volume = "";
beforeEach(() => {
  bed = createBed();
  volume = bed.volume("uploads");
  for (const name of ["tmp", "dev"]) mkdirSync(join(bed.root, name));
  for (let n = 0; n < 300; n += 1) writeFileSync(join(volume, `f${n}`), `${n}`);
});
afterEach(() => bed.dispose());

const of = (first: Made, podUID: string): Captured => ({
  seq: 2,
  runUID: "run-2",
  podUID,
  type: "Incremental",
  base: { id: first.id, manifestSHA256: digestOf(first.path) },
});

test.each([["mirror/.state/uploads.files-next.zst"], ["files.jsonl.zst"], ["volumes/uploads.tar.zst"]])(
  "in the archive, when there is %s",
  async (file) => {
    const first = await make(bed, 1, "Full");
    for (let n = 0; n < 300; n += 3) writeFileSync(join(volume, `f${n}`), "second");
    run("rm", [join(volume, "f1")]);
    const captured = of(first, "pod-2");
    await warmUp(bed, captured);
    const { base } = captured;
    const task: MoverTask = { ...common, step: "archive", seq: 2, volumes: [uploads], frozen: true, base };
    const at = file.startsWith("mirror/") ? join(bed.layout.base, file) : join(bed.staging(2, "pod-2"), file);
    // On a busy machine the last of its files may be all that there was left to write.
    const killed = await killAt(bed, task, "pod-2", at);
    expect(killed || existsSync(join(bed.staging(2, "pod-2"), "part-archive.json"))).toBe(true);
    expect(readdirSync(bed.layout.handover)).toEqual([first.id]);
    for (let n = 0; n < 300; n += 3) writeFileSync(join(volume, `f${n}`), "SECOND");
    // Another pod of the same Job, and then another run.
    const second = of(first, "pod-2b");
    await capture(bed, second);
    await seal(sealTask(second), bed.context("s"));
    const third = await make(bed, 3, "Incremental");
    expect(await restoredDifference(bed, third)).toBe("");
  },
);

test.each([["chain"], ["SHA256SUMS"], ["manifest.sha256"]])("in the seal, when there is %s", async (file) => {
  const first = await make(bed, 1, "Full");
  writeFileSync(join(volume, "f7"), "second");
  const captured = of(first, "pod-2");
  await warmUp(bed, captured);
  run("cp", ["--archive", volume, join(bed.root, "state")]);
  await capture(bed, captured);
  // After the last of its files there is little left to do: a mover that was faster than the kill has made a whole one.
  const killed = await killAt(bed, sealTask(captured), "pod-s", join(bed.staging(2, "pod-2"), file));
  expect(killed || readdirSync(bed.layout.handover).length === 2).toBe(true);
  const { id } = await seal(sealTask(captured), bed.context("s2"));
  const made: Made = { id, path: join(bed.layout.handover, id), state: join(bed.root, "state") };
  run("sha256sum", ["--check", "--quiet", "SHA256SUMS", "manifest.sha256"], { cwd: made.path });
  expect(await restoredDifference(bed, made)).toBe("");
  expect(readdirSync(bed.layout.staging)).toEqual([]);
});
