/** What is staged lies on the volume of a running app. If it is not what was compared when it is to be exchanged, nothing is. */
import { chownSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { cleanup } from "../../operator/mover/steps/cleanup.ts";
import { stage } from "../../operator/mover/steps/stage.ts";
import { swap } from "../../operator/mover/steps/swap.ts";
import { makeGeneration } from "../support/generation-bed.ts";
import { digestOf, stageTask } from "../support/chain-bed.ts";
import { createBed, common, uploads, type MoverBed } from "../support/mover-bed.ts";
import { fill, runUID, token } from "../support/restore-bed.ts";

jest.setTimeout(240_000);

let bed: MoverBed;
let volume = "";
beforeEach(() => {
  bed = createBed();
  volume = bed.volume(uploads.name);
  fill(volume, { a: "captured", "dir/b": "captured" });
});
afterEach(() => bed.dispose());

const parts = { ...common, run: "restore-1", runUID, databases: [], volumes: [uploads] };
async function staged(): Promise<string> {
  const { path } = await makeGeneration(bed, 1, "Full");
  fill(volume, { a: "present", "dir/b": "present" });
  await stage(
    { ...stageTask({ id: basename(path), path, state: "" }), manifestSHA256: digestOf(path) },
    bed.context("stage"),
  );
  return join(volume, `.handover-${token}`, "new");
}

test.each<[string, (fresh: string) => void]>([
  ["that deletes what is old", (fresh) => rmSync(join(fresh, "dir/b"))],
  ["that gives everything to one owner", (fresh) => chownSync(join(fresh, "a"), 1000, 1000)],
  ["that writes into it", (fresh) => writeFileSync(join(fresh, "a"), "CAPTURED")],
  [
    "that puts a link in its place",
    (fresh) => {
      rmSync(join(fresh, "a"));
      symlinkSync("dir/b", join(fresh, "a"));
    },
  ],
])("an app %s", async (_what, change) => {
  const fresh = await staged();
  change(fresh);
  await expect(swap({ ...parts, step: "swap" }, bed.context("swap"))).rejects.toMatchObject({
    code: "HO-R807",
    retry: false,
    message: `volume uploads: what is staged in .handover-${token} was changed since it was compared`,
  });
  expect([readFileSync(join(volume, "a"), "utf8"), readFileSync(join(volume, "dir/b"), "utf8")]).toEqual([
    "present",
    "present",
  ]);
  await cleanup({ ...parts, step: "cleanup", swapped: false }, bed.context("cleanup"));
  expect(readdirSync(volume)).toEqual(["a", "dir"]);
});

test("an app that looks at all of it does no harm", async () => {
  const fresh = await staged();
  for (const name of readdirSync(fresh, { recursive: true }) as string[])
    if (name !== "dir") readFileSync(join(fresh, name));
  await swap({ ...parts, step: "swap" }, bed.context("swap"));
  expect(readFileSync(join(volume, "a"), "utf8")).toBe("captured");
});
