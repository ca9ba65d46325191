/** A disk that loses a bit in a mirror: what is sealed has it not, and somebody is told. */
import { existsSync, linkSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { ResultOf } from "../../operator/contract/result.ts";
import { keepInventory, takeInventory } from "../../operator/mover/mirror/inventory.ts";
import { mirrorJobOf, readState, writeState } from "../../operator/mover/mirror/mirror-state.ts";
import { bringAnew } from "../../operator/mover/mirror/rot.ts";
import { stateFiles } from "../../operator/mover/mirror/state-list.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { mirrorStateDirectory } from "../../operator/mover/store/claim.ts";
import { make, restoredDifference, scriptDifference } from "../support/chain-bed.ts";
import { capture, createBed, sealTask, uploads, warmUp, type MoverBed } from "../support/mover-bed.ts";
import { differences, run } from "../support/odd-files.ts";
import { fill } from "../support/restore-bed.ts";

jest.setTimeout(240_000);

const { signal } = new AbortController();
let bed: MoverBed;
let root: string;
let mirror: string;
beforeEach(() => {
  bed = createBed();
  root = bed.volume(uploads.name);
  mirror = bed.layout.mirror(uploads.name);
  fill(root, { a: "one", "dir/b": "two", "dir/c": "three" });
});
afterEach(() => bed.dispose());

const files = (): ReturnType<typeof stateFiles> => stateFiles(mirrorStateDirectory(bed.layout), uploads.name);
/** As a disk does it: no record of the file tells. */
async function rot(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(mirror, name);
    writeFileSync(path, "?".repeat(statSync(path).size));
    run("touch", ["-r", join(root, name), path]);
  }
  // What changed in the second before the newest change, and before the mark, is compared by content anyway.
  const newest = Math.max(...names.map((name) => Math.floor(statSync(join(root, name)).ctimeMs / 1000))) + 3;
  while (Date.now() < newest * 1000) await sleep(50);
  writeFileSync(join(root, "later"), "");
  const owner = { stateDirectory: mirrorStateDirectory(bed.layout), volume: uploads };
  const state = await readState(owner);
  if (state === undefined) throw new Error("no state");
  await writeState(owner, { ...state, mark: `${newest}.0` });
  const fresh = join(bed.root, "fresh");
  await takeInventory({ root: mirror, target: fresh, signal });
  await keepInventory(fresh, files().inventory, signal);
}
const captured = async (seq: number): Promise<ResultOf<"archive"> | undefined> => {
  const of = { seq, runUID: `run-${seq}`, podUID: `pod-${seq}` };
  await warmUp(bed, of);
  return (await capture(bed, of)).archive;
};
const sealed = async (seq: number): Promise<string> => {
  const { id } = await seal(sealTask({ seq, runUID: `run-${seq}`, podUID: `pod-${seq}` }), bed.context("seal-1"));
  return join(bed.layout.handover, id);
};
const inArchive = (path: string, name: string): string =>
  run("tar", ["-xOf", join(path, "volumes/uploads.tar.zst"), `./${name}`]);

describe("a full generation", () => {
  test("has what the volume has, and its run says so", async () => {
    await make(bed, 1, "Full");
    await rot("dir/b");
    expect((await captured(2))?.warnings).toEqual([
      'volume uploads: 1 file in its mirror, "dir/b" for one, changed though nobody wrote to it, and was brought anew (HO-A408)',
    ]);
    expect(inArchive(await sealed(2), "dir/b")).toBe("two");
    expect(differences(root, mirror)).toBe("");
    // Told of once.
    expect((await captured(3))?.warnings).toEqual([]);
    await sealed(3);
  });

  test("also of a file with several names, beside others that have changed", async () => {
    linkSync(join(root, "dir/c"), join(root, "linked"));
    await make(bed, 1, "Full");
    await rot("dir/c", "a");
    writeFileSync(join(root, "a"), "ONE");
    writeFileSync(join(root, "new"), "new");
    const made = await make(bed, 2, "Full");
    expect([inArchive(made.path, "a"), inArchive(made.path, "dir/c")]).toEqual(["ONE", "three"]);
    expect(await restoredDifference(bed, made)).toBe("");
    expect(scriptDifference(bed, made)).toBe("");
  });

  test("an increment refers to what is sealed, and the next full one mends the mirror", async () => {
    const full = await make(bed, 1, "Full");
    await rot("dir/b");
    writeFileSync(join(root, "a"), "uno");
    const increment = await make(bed, 2, "Incremental");
    for (const made of [full, increment]) expect(await restoredDifference(bed, made)).toBe("");
    expect(inArchive((await make(bed, 3, "Full")).path, "dir/b")).toBe("two");
  });

  test.each([
    ["there is no list", () => rmSync(files().list)],
    ["the list is damaged", () => truncateSync(files().list, 20)],
  ])("is made as before when %s", async (_what, change) => {
    await make(bed, 1, "Full");
    change();
    expect((await captured(2))?.warnings).toEqual([]);
    await sealed(2);
  });
});

describe("a file that the volume no longer has as it was", () => {
  test("is not guessed at: the run ends, and the next one compares everything", async () => {
    await make(bed, 1, "Full");
    await rot("dir/b");
    const job = mirrorJobOf(uploads, bed.layout, bed.context("pod-1"));
    // The app has started again since the last pass.
    writeFileSync(join(root, "dir/b"), "TWO");
    await expect(bringAnew(job, ["dir/b"])).rejects.toMatchObject({ code: "HO-A408" });
    expect(readFileSync(join(mirror, "dir/b"), "utf8")).toBe("???");
    expect((await readState(job))?.mark).toBe("0");
    for (const known of [files().source, files().list, files().inventory]) expect(existsSync(known)).toBe(false);
    expect(inArchive((await make(bed, 2, "Incremental")).path, "dir/b")).toBe("TWO");
  });

  test("nor one that went away", async () => {
    await make(bed, 1, "Full");
    const job = mirrorJobOf(uploads, bed.layout, bed.context("pod-1"));
    rmSync(join(root, "a"));
    await expect(bringAnew(job, ["a"])).rejects.toMatchObject({ code: "HO-A408" });
  });
});
