/** Volumes of class Config: captured beside the running app when something in them has changed, and restored like any other. */
import {
  chmodSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { ResultOf } from "../../operator/contract/result.ts";
import type { TaskOf, VolumeRef } from "../../operator/contract/task.ts";
import { type Manifest, manifestSchema } from "../../operator/domain/manifest.ts";
import { keepInventory, takeInventory } from "../../operator/mover/mirror/inventory.ts";
import { readState, writeState } from "../../operator/mover/mirror/mirror-state.ts";
import { stateFiles } from "../../operator/mover/mirror/state-list.ts";
import { mirrorStateDirectory } from "../../operator/mover/store/claim.ts";
import { plan } from "../../operator/mover/steps/plan.ts";
import { make, restoredDifference, scriptDifference } from "../support/chain-bed.ts";
import { createConfigBed, type Asked, type ConfigBed } from "../support/config-bed.ts";
import { common, uploads, type MoverBed } from "../support/mover-bed.ts";
import { differences, run } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let bed: MoverBed;
let root: string;
let preflighting: ConfigBed["preflighting"];
let collecting: ConfigBed["collecting"];
let sealing: ConfigBed["sealing"];
let made: ConfigBed["makeConfig"];
beforeEach(async () => {
  ({ bed, root, preflighting, collecting, sealing, makeConfig: made } = await createConfigBed());
});
afterEach(() => bed.dispose());

async function makeConfig(seq: number, asked?: Asked): Promise<string> {
  const path = await made(seq, asked);
  if (path === undefined) throw new Error("nothing has changed");
  return path;
}
const manifestOf = (path: string): Manifest =>
  manifestSchema.parse(JSON.parse(readFileSync(join(path, "manifest.json"), "utf8")));
const planOf = (change: Partial<TaskOf<"plan">>): Promise<ResultOf<"plan">> =>
  plan(
    {
      ...common,
      step: "plan",
      from: { latest: true },
      databases: [],
      volumes: [uploads],
      included: false,
      locations: [{ name: "source" }],
      passedOver: [],
      ...change,
    },
    bed.context("plan-1"),
  );
/** An edit that leaves size and modification time as they are. */
function overwrite(path: string, content: string): void {
  expect(content.length).toBe(statSync(path).size);
  const time = join(bed.root, "time");
  run("touch", ["-r", path, time]);
  writeFileSync(path, content);
  run("touch", ["-r", time, path]);
}

describe("a generation with a volume of class Config", () => {
  test("holds it beside the keys, says so, and is of a running app", async () => {
    expect(await collecting(1)).toMatchObject({ files: 1, objects: 1, volumeFiles: 6, warnings: [] });
    const path = join(bed.layout.handover, (await sealing(1)).id);
    expect(manifestOf(path)).toMatchObject({
      type: "Config",
      parent: "",
      chain: [],
      consistency: "Running",
      volumes: [{ name: "uploads", claimName: "shop-uploads", files: 6, archive: "volumes/uploads.tar.zst" }],
      configs: [{ kind: "ConfigMap", name: "settings", keys: ["key"] }],
      totals: { files: 7 },
    });
    expect(run("sha256sum", ["-c", "--quiet", "manifest.sha256", "SHA256SUMS"], { cwd: path })).toBe("");
    const guide = readFileSync(join(path, "RESTORE.md"), "utf8");
    for (const text of ["RestoreRequest", "restore.sh --to", "create configmap"]) expect(guide).toContain(text);
    expect(readdirSync(bed.layout.staging)).toEqual([]);
  });

  test("needs no keys", async () => {
    const path = await makeConfig(1, { configs: [] });
    expect(manifestOf(path).configs).toBeUndefined();
    expect(readFileSync(join(path, "RESTORE.md"), "utf8")).not.toContain("configmap");
    expect((await collecting(2, { configs: [] })).unchanged).toBe(basename(path));
  });

  test("is not made when nothing has changed, and no number is used up by looks", async () => {
    const id = basename(await makeConfig(1));
    for (const look of [1, 2, 3]) {
      const { lastSeq } = await preflighting();
      expect([look, lastSeq]).toEqual([look, 1]);
      expect((await collecting(lastSeq + 1)).unchanged).toBe(id);
    }
    expect(readdirSync(bed.layout.staging)).toEqual([]);
    expect(readdirSync(bed.layout.handover)).toEqual([id]);
  });

  test("after its node was started again, one look reads the whole volume, and not every one", async () => {
    await makeConfig(1);
    const state = mirrorStateDirectory(bed.layout);
    writeFileSync(join(state, "uploads.unsettled"), "another boot\n");
    await collecting(2);
    expect(readdirSync(state)).toContain("uploads.files.zst");
    expect(readdirSync(state)).not.toContain("uploads.unsettled");
  });

  test.each<[string, () => void]>([
    ["a file has other content", () => writeFileSync(join(root, "app.ini"), "colour = light blue\n")],
    ["an edit left size and time as they were", () => overwrite(join(root, "sites/two.conf"), "owt")],
    ["a mode is another", () => chmodSync(join(root, "app.ini"), 0o640)],
    ["the mode of the root is another", () => chmodSync(root, 0o750)],
    ["a time is another", () => utimesSync(join(root, "app.ini"), 1, 1)],
    ["an attribute has come", () => void run("setfattr", ["-n", "user.note", "-v", "x", join(root, "app.ini")])],
    ["a file is gone", () => unlinkSync(join(root, "sites/two.conf"))],
    ["an empty directory has come", () => mkdirSync(join(root, "new"))],
    ["a name is another", () => renameSync(join(root, "sites/two.conf"), join(root, "sites/three.conf"))],
    [
      "two names are two files by now",
      () => {
        const { atime, mtime } = statSync(join(root, "sites"));
        const [one, linked] = [join(root, "sites/one.conf"), join(root, "sites/linked.conf")];
        unlinkSync(linked);
        run("cp", ["--preserve=all", one, linked]);
        utimesSync(join(root, "sites"), atime, mtime);
      },
    ],
    [
      "a link leads elsewhere",
      () => {
        unlinkSync(join(root, "link"));
        symlinkSync("app.in2", join(root, "link"));
        lutimesSync(join(root, "link"), 1, 1);
      },
    ],
    ["a key is another", () => writeFileSync(join(bed.root, "config/configmap/settings/key"), "eulav")],
  ])("is made when %s", async (_what, change) => {
    const first = await makeConfig(1);
    change();
    const second = await makeConfig(2);
    expect((await collecting(3)).unchanged).toBe(basename(second));
    expect(readdirSync(bed.layout.handover)).toEqual([basename(first), basename(second)]);
  });

  test.each<[string, readonly VolumeRef[]]>([
    ["leaves out what is not there", [{ ...uploads, exclude: ["none/**"] }]],
    ["leaves out more", [{ ...uploads, exclude: ["cache/**"] }]],
    ["names parts of it", [{ ...uploads, paths: ["sites"] }]],
    ["names another claim", [{ ...uploads, claimName: "other" }]],
    ["names it no more", []],
  ])("is made when the policy %s", async (_what, volumes) => {
    await makeConfig(1);
    expect(await made(2, { volumes })).toBeDefined();
  });

  test("is made when the newest one is damaged", async () => {
    const archive = join(await makeConfig(1), "volumes/uploads.tar.zst");
    const content = readFileSync(archive);
    content[content.length - 1] = (content.at(-1) ?? 0) ^ 1;
    chmodSync(archive, 0o600);
    writeFileSync(archive, content);
    expect(await made(2)).toBeDefined();
  });

  test("is not made for what is left out, nor for a file that has come and gone", async () => {
    const volumes = [{ ...uploads, exclude: ["cache/**"] }];
    const first = await makeConfig(1, { volumes });
    writeFileSync(join(root, "cache/y"), "y");
    writeFileSync(join(root, "sites/.two.conf.swp"), "");
    unlinkSync(join(root, "sites/.two.conf.swp"));
    expect((await collecting(2, { volumes })).unchanged).toBe(basename(first));
  });
});

describe("restored", () => {
  test("it is as it was, by Handover and by plain tools", async () => {
    const state = join(bed.root, "state");
    run("cp", ["--archive", root, state]);
    const path = await makeConfig(1);
    rmSync(join(root, "sites"), { recursive: true });
    overwrite(join(root, "app.ini"), "colour = amber\n");
    const planned = await planOf({ from: { generation: "000001" } });
    expect(planned).toMatchObject({ id: basename(path), volumes: ["uploads"], databases: [] });
    expect(planned.warnings).toContain("the generation was captured while the app ran");
    expect(planned.warnings).toContainEqual(expect.stringContaining("ConfigMaps and keys of Secrets stay as they are"));
    const generation = { id: basename(path), path, state };
    expect(await restoredDifference(bed, generation)).toBe("");
    expect(scriptDifference(bed, generation)).toBe("");
    expect(differences(state, root)).not.toBe("");
  });

  test("the newest state of a part that is asked for may be in it; of one that it does not have, it is not", async () => {
    await makeConfig(1, { configs: [] });
    expect(await planOf({ included: true })).toMatchObject({ id: expect.stringMatching(/-config$/) });
    const data = { ...uploads, name: "data", claimName: "data" };
    await expect(planOf({ from: { generation: "000001" }, volumes: [data], included: true })).rejects.toMatchObject({
      code: "HO-R805",
    });
  });
});

describe("what nothing tells of", () => {
  const hours = 3_600_000;
  /** Nothing that is kept differs, as if the clock had been set back before; @param ago when all was last compared */
  const edited = async (ago: number): Promise<void> => {
    overwrite(join(root, "sites/two.conf"), "owt");
    const stateDirectory = mirrorStateDirectory(bed.layout);
    const fresh = join(bed.root, "fresh");
    const { signal } = new AbortController();
    await takeInventory({ root, target: fresh, signal });
    await keepInventory(fresh, stateFiles(stateDirectory, uploads.name).source, signal);
    const owner = { stateDirectory, volume: uploads };
    const state = await readState(owner);
    if (state === undefined) throw new Error("no state");
    // What changed in the second before the newest change is compared by content anyway.
    const newest = Math.floor(statSync(join(root, "sites/two.conf")).ctimeMs / 1000) + 3;
    while (Date.now() < newest * 1000) await sleep(50);
    await writeState(owner, { ...state, mark: `${newest}.0`, newest: `${newest}.0`, comparedAt: Date.now() - ago });
  };

  test.each([
    ["a day ago", 25 * hours],
    ["by a clock that was ahead", -hours],
    ["never", Date.now()],
  ])("is found by a look that compares everything, which was last done %s", async (_when, ago) => {
    await makeConfig(1);
    await edited(ago);
    const path = await makeConfig(2);
    expect(run("tar", ["-xOf", join(path, "volumes/uploads.tar.zst"), "./sites/two.conf"])).toBe("owt");
  });

  test("costs not every look", async () => {
    await makeConfig(1);
    await edited(23 * hours);
    expect(await made(2)).toBeUndefined();
  });
});

test("looks and generations of it leave the states of the whole app as they would be without", async () => {
  const full = await make(bed, 1, "Full");
  writeFileSync(join(root, "app.ini"), "colour = red\n");
  await makeConfig(2);
  overwrite(join(root, "sites/two.conf"), "owt");
  const third = await make(bed, 3, "Incremental");
  expect(manifestOf(third.path)).toMatchObject({ type: "Incremental", parent: full.id });
  chmodSync(join(root, "sites/two.conf"), 0o600);
  await makeConfig(4);
  expect((await collecting(5)).unchanged).toMatch(/^000004-/);
  rmSync(join(root, "cache"), { recursive: true });
  const fifth = await make(bed, 5, "Incremental");
  expect(manifestOf(fifth.path)).toMatchObject({ type: "Incremental", parent: third.id });
  for (const state of [full, third, fifth]) expect(await restoredDifference(bed, state)).toBe("");
});

test("a volume that has become empty is refused, whichever type its newest generation has", async () => {
  await makeConfig(1);
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
  await expect(preflighting()).rejects.toMatchObject({ code: "HO-P107" });
});
