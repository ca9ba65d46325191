/** A huge file with a few pages in it, by all real steps: it takes the room of its pages everywhere, and comes back as it was. */
import { statSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { cleanup } from "../../operator/mover/steps/cleanup.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { stage } from "../../operator/mover/steps/stage.ts";
import { swap } from "../../operator/mover/steps/swap.ts";
import { readGeneration } from "../../operator/mover/store/listing.ts";
import { capture, common, createBed, preflightTask, sealTask, uploads, warmUp } from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";
import { rsyncDifferences } from "../support/tree-facts.ts";

jest.setTimeout(600_000);

/** More than 32 bits count; as long as anybody likes, 20 GB take minutes: HANDOVER_SPARSE_BYTES=20000000000 */
const size = Number(process.env["HANDOVER_SPARSE_BYTES"] ?? 4_400_000_000);
const bed = createBed();
const volume = bed.volume("uploads");
const sh = (text: string): string => run("sh", ["-ec", text], { cwd: volume });
/** A page of random bytes at such a part of the file. */
const page = (part: number): string =>
  `dd if=/dev/urandom of=big bs=4096 count=1 conv=notrunc status=none seek=${Math.floor((size / 4096) * part)}`;
const megabyte = 1_000_000;

beforeAll(() => {
  sh(`truncate -s ${size} big; ${page(0.01)}; ${page(0.9)}`);
});
afterAll(() => bed.dispose());

async function backUp(seq: number, type: "Full" | "Incremental"): Promise<string> {
  const asked = { seq, runUID: `run-${seq}`, podUID: `pod-${seq}`, type };
  const { base } = await preflight(preflightTask(asked), bed.context("preflight"));
  if (base !== undefined && "full" in base) throw new Error(base.full);
  const of = base === undefined ? asked : { ...asked, base };
  await warmUp(bed, of);
  await capture(bed, of);
  const { id } = await seal(sealTask(of), bed.context(`seal-${seq}`));
  return join(bed.layout.handover, id);
}

async function restore(path: string): Promise<void> {
  const generation = await readGeneration(path, basename(path));
  if (typeof generation === "string") throw new Error(generation);
  const { id, manifestSHA256 } = generation;
  const parts = { ...common, runUID: "5ca1ab1e-0000-4000-8000-000000000001", databases: [], volumes: [uploads] };
  const context = bed.context("restore");
  await stage({ ...parts, step: "stage", id, manifestSHA256, location: { name: "source" } }, context);
  await swap({ ...parts, step: "swap" }, context);
  await cleanup({ ...parts, step: "cleanup", swapped: true }, context);
}

test("it comes back from a backup that is based on another", async () => {
  const full = await backUp(1, "Full");
  sh(`${page(0.5)}; ${page(1)}`);
  const before = join(bed.root, "before");
  run("cp", ["-a", volume, before]);
  const increment = await backUp(2, "Incremental");
  for (const place of [full, increment, bed.layout.mirror("uploads")])
    expect(Number(run("du", ["-s", "-B1", place]).split("\t")[0])).toBeLessThan(megabyte);
  await restore(increment);
  expect(rsyncDifferences(before, volume)).toBe("");
  expect(statSync(join(volume, "big")).blocks * 512).toBeLessThan(megabyte);
});
