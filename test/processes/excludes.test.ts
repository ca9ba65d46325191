/** What a pass leaves out is what the rest of the mover takes for left out: a restore carries just that over from the state that it replaces. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { VolumeRef } from "../../operator/contract/task.ts";
import { selects } from "../../operator/mover/mirror/selected.ts";
import { warmMirror } from "../../operator/mover/mirror/pass.ts";
import { makeGeneration, restoreGeneration } from "../support/generation-bed.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { createBed } from "../support/mover-bed.ts";

let bed: MirrorBed;
beforeEach(() => {
  bed = createMirrorBed();
});
afterEach(() => bed.remove());

const files = [
  "data[1]",
  "data1",
  "data[1]x",
  "data1x",
  "a\\b",
  "ab",
  "a\\bc",
  "abc",
  "log[[:digit:]]",
  "log7",
  "cache/f",
  "sub/cache/f",
  "sub/data[1]",
  "sub/data1",
  "x?y",
  "xzy",
  " lead",
  "trail ",
  "- a",
  "! b",
  "sub/deep/f",
  "sub/deep2/f",
  "back\\slash/x[1]/f",
  "back\\slash/x1/f",
  "backslash/x1/f",
];

test.each([
  ["data[1]"],
  ["data[1]*"],
  ["**/data[1]"],
  ["a\\b"],
  ["a\\b*"],
  ["log[[:digit:]]"],
  ["cache"],
  ["**/cache"],
  ["cache/**"],
  ["x?y"],
  [" lead"],
  ["trail "],
  ["- a"],
  ["! b"],
  ["sub/*/f"],
  ["s*/deep"],
  ["**/deep*/f"],
  ["sub**f"],
  ["**/ lead"],
  ["**/! b"],
  ["back\\slash"],
])("%j is left out", async (pattern) => {
  const { brought, meant } = await selected({ exclude: [pattern] });
  expect(brought).toEqual(meant);
});

test.each([
  ["data[1]"],
  ["back\\slash"],
  ["back\\slash/x[1]"],
  ["x?y"],
  ["sub/deep"],
  ["sub/data[1]"],
  ["- a"],
  [" lead"],
])("%j is what there is", async (path) => {
  const { brought, meant } = await selected({ paths: [path] });
  expect(brought).toEqual(meant);
});

test("names like those of restores and of the file system are the app's, and come back", async () => {
  const app = createBed();
  try {
    const volume = app.volume("uploads");
    const names = [".handover-settings", ".handover-0000000g", ".handover-000000000", "lost+found"];
    const write = (text: string): void => {
      for (const name of names.slice(0, 3)) {
        mkdirSync(join(volume, name), { recursive: true });
        writeFileSync(join(volume, name, "f"), text);
      }
      writeFileSync(join(volume, "lost+found"), text);
    };
    write("captured");
    const { path } = await makeGeneration(app, 1, "Full");
    write("later");
    await restoreGeneration(app, path);
    const read = (name: string): string => readFileSync(join(volume, name), "utf8");
    expect([...names.slice(0, 3).map((name) => `${name}/f`), "lost+found"].map(read)).toEqual(
      names.map(() => "captured"),
    );
    expect(readdirSync(volume).toSorted()).toEqual(names.toSorted());
  } finally {
    app.dispose();
  }
});

/** What a pass brings, and what is said to be selected. */
async function selected(
  selection: Partial<VolumeRef>,
): Promise<{ readonly brought: readonly string[]; readonly meant: readonly string[] }> {
  const { source, mirror } = bed.job;
  for (const path of files) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    writeFileSync(join(source, path), path);
  }
  const volume = { ...bed.job.volume, ...selection };
  await warmMirror({ ...bed.job, volume });
  const isSelected = selects(volume);
  return { brought: files.filter((path) => existsSync(join(mirror, path))), meant: files.filter(isSelected) };
}
