/**
 * After a step back to this release: what a newer one has sealed lies beside our own. It is whole, though nobody here can tell; so it is
 * left where it is, nothing is removed beside it, and whoever looks is told why. The runs go on.
 */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { TaskOf } from "../../operator/contract/task.ts";
import { parseGenerationId } from "../../operator/domain/generation.ts";
import { plan } from "../../operator/mover/steps/plan.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { transport } from "../../operator/mover/steps/transport.ts";
import { verify } from "../../operator/mover/steps/verify.ts";
import { digestText } from "../../operator/mover/store/digest.ts";
import { layoutOf } from "../../operator/mover/store/layout.ts";
import { make, type Made } from "../support/chain-bed.ts";
import { common, createBed, preflightTask, uploads, type MoverBed } from "../support/mover-bed.ts";
import { pruneTask, pruneThrough } from "../support/pruning.ts";

jest.setTimeout(120_000);

let bed: MoverBed;
let first: Made;
const vault = (): ReturnType<typeof layoutOf> =>
  layoutOf(join(bed.root, "sinks/vault"), common.namespace, common.policy);
const sink = { name: "vault" };
const bring = async (seq: number): Promise<readonly string[]> =>
  (await transport({ ...common, step: "transport", seq, sink }, bed.context("t"))).delivered;

/** The same generation as the next release may write it, under the next number when one is given. */
function asNewer(path: string, seq?: number): string {
  const old = basename(path);
  const id = seq === undefined ? old : `${String(seq).padStart(6, "0")}${old.slice(6)}`;
  const manifest: Readonly<Record<string, unknown>> = JSON.parse(readFileSync(join(path, "manifest.json"), "utf8"));
  const text = `${JSON.stringify({ ...manifest, format: 3, id, seq: parseGenerationId(id)?.seq, volumes: { new: true } })}\n`;
  writeFileSync(join(path, "manifest.json"), text);
  writeFileSync(join(path, "manifest.sha256"), `${digestText(text)}  manifest.json\n`);
  renameSync(path, join(dirname(path), id));
  return id;
}
const why = "its manifest has format 3, this release knows 2: upgrade Handover";

beforeEach(async () => {
  bed = createBed();
  mkdirSync(join(bed.root, "sinks/vault"));
  writeFileSync(join(bed.volume("uploads"), "a"), "a");
  first = await make(bed, 1, "Full");
  await bring(1);
  await verify({ ...common, step: "verify", sink, mode: "Full" }, bed.context("v"));
});
afterEach(() => bed.dispose());

test("at a sink it is neither set aside nor counted, nothing is removed beside it, and the others are brought and checked", async () => {
  const second = await make(bed, 2, "Full");
  await bring(2);
  const newer = asNewer(join(vault().store, second.id), 3);
  const third = await make(bed, 4, "Full");
  expect(await bring(4)).toContain(third.id);
  const { verified, damaged } = await verify({ ...common, step: "verify", sink, mode: "Full" }, bed.context("v"));
  expect([verified.includes(third.id), damaged]).toEqual([true, []]);
  expect(readdirSync(vault().damaged)).toEqual([]);
  expect(readdirSync(vault().store)).toContain(newer);
  const location = { name: "vault" };
  const pruned = await pruneThrough(
    { ...pruneTask({ location, keep: { last: 1, minVerified: 1 } }), ...common },
    bed.context("p"),
  );
  expect(pruned).toMatchObject({ removed: [], refused: `HO-K702: ${newer} cannot be read: ${why}` });
});

test("under a number of ours it is not overwritten", async () => {
  const newer = asNewer(join(vault().store, first.id));
  await expect(bring(2)).rejects.toMatchObject({ code: "HO-V601", message: expect.stringContaining(why) });
  expect(readdirSync(vault().store)).toEqual([newer]);
});

test("at the source the preflight says so, and makes a full generation with a number above it; it keeps none from the sink", async () => {
  const second = await make(bed, 2, "Full");
  const newer = asNewer(second.path, 5);
  const found = await preflight(preflightTask({ type: "Incremental" }), bed.context("p"));
  expect(found).toMatchObject({ lastSeq: 5, base: { full: `generation ${newer} cannot be built upon: ${why}` } });
  expect(found.warnings).toEqual([`generation ${newer} at source cannot be read: ${why}`]);
  const third = await make(bed, 6, "Full");
  expect(await bring(6)).toEqual([third.id]);
  const location = { name: "source" };
  expect(await pruneThrough({ ...pruneTask({ location }), ...common }, bed.context("p"))).toMatchObject({
    removed: [],
    refused: `HO-K702: ${newer} cannot be read: ${why}`,
  });
});

test("a restore of the latest takes an older one, and says so; one that names it is told why not", async () => {
  const second = await make(bed, 2, "Full");
  const newer = asNewer(second.path);
  const from = (asked: TaskOf<"plan">["from"]): TaskOf<"plan"> => ({
    ...common,
    step: "plan",
    from: asked,
    databases: [],
    volumes: [uploads],
    included: false,
    locations: [{ name: "source" }],
    passedOver: [],
  });
  const { id, warnings } = await plan(from({ latest: true }), bed.context("r"));
  expect([id, warnings]).toEqual([first.id, [`generation ${newer} is newer, but cannot be read at source: ${why}`]]);
  await expect(plan(from({ generation: "000002" }), bed.context("r"))).rejects.toMatchObject({
    code: "HO-R801",
    message: `generation ${newer} cannot be read at source: ${why}`,
  });
});
