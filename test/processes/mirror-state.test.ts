/** What is known of a mirror spares reading it, and is believed only while it is certain. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { listMirrors, type ListedMirror } from "../../operator/mover/mirror/listing.ts";
import { beginWriting, settleState, stateFiles } from "../../operator/mover/mirror/state-list.ts";
import { withFailingSync } from "../support/failing-sync.ts";
import { run } from "../support/odd-files.ts";

jest.setTimeout(240_000);

const { signal } = new AbortController();
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-state-"));
  mkdirSync(join(root, "mirror"));
  mkdirSync(join(root, "state"));
  mkdirSync(join(root, "scratch"));
  for (const name of ["a", "b"]) writeFileSync(join(root, "mirror", name), name);
});
afterEach(() => rmSync(root, { recursive: true }));

const files = (): ReturnType<typeof stateFiles> => stateFiles(join(root, "state"), "uploads");
/** Lists the mirror; @returns the first digits of each digest, by the name. */
async function list(
  reuse = true,
): Promise<{ readonly mirror: ListedMirror; readonly digests: Record<string, string> }> {
  const [mirror] = await listMirrors([{ volume: "uploads", mirror: join(root, "mirror") }], {
    stateDirectory: join(root, "state"),
    scratch: join(root, "scratch"),
    reuse,
    signal,
    onProgress: () => undefined,
  });
  if (mirror === undefined) throw new Error("nothing was listed");
  const lines: string[] = [];
  for await (const batch of mirror.lines(signal)) lines.push(...batch);
  const found = lines.map((line) => JSON.parse(line.slice(line.indexOf("{"))) as { p: string; h?: string });
  return {
    mirror,
    digests: Object.fromEntries(found.flatMap(({ p, h }) => (h === undefined ? [] : [[p, h.slice(0, 4)]]))),
  };
}
const settle = async (): Promise<void> => {
  await beginWriting(files());
  // What is marked would be taken for damage.
  rmSync(files().list, { force: true });
  await settleState([(await list(false)).mirror], signal);
};
/** Puts into the list what no file has: where it is believed, the file was not read. */
function mark(): void {
  const text = run("zstd", ["-dcq", files().list]).replaceAll(/"h":"[0-9a-f]{4}/g, '"h":"0000');
  writeFileSync(join(root, "text"), text);
  run("zstd", ["-qf", join(root, "text"), "-o", files().list]);
}
const [a, b] = ["ca97", "3e23"];

test("a file that has not changed is not read, one that has is, whatever it kept", async () => {
  await settle();
  mark();
  expect((await list()).digests).toEqual({ a: "0000", b: "0000" });
  // Nothing but the change time tells.
  const path = join(root, "mirror/b");
  utimesSync(path, 1000, 1000);
  await settle();
  mark();
  writeFileSync(path, "B");
  utimesSync(path, 1000, 1000);
  writeFileSync(join(root, "mirror/0"), "new");
  rmSync(join(root, "mirror/a"));
  expect((await list()).digests).toEqual({ "0": "1150", b: "df7e" });
});

test("a full generation reads everything", async () => {
  await settle();
  mark();
  await expect(list(false)).rejects.toMatchObject({
    code: "HO-A408",
    rotten: [{ volume: "uploads", paths: ["a", "b"] }],
  });
  rmSync(files().list);
  expect((await list(false)).digests).toEqual({ a, b });
});

test("what a capture that died has left goes with the next listing, whatever that is for", async () => {
  await settle();
  for (const left of [files().next, files().names, files().gone]) writeFileSync(left, "left");
  await list();
  for (const left of [files().next, files().names, files().gone]) expect(existsSync(left)).toBe(false);
});

test.each([
  ["is gone", () => rmSync(files().list)],
  ["is torn", () => truncateSync(files().list, 60)],
  ["is of something else", () => writeFileSync(files().list, "no list")],
])("when the list %s, everything is read", async (_name, damage) => {
  await settle();
  mark();
  damage();
  expect((await list()).digests).toEqual({ a, b });
});

test("what was written since is believed by the same boot, and after a restart nothing is", async () => {
  await settle();
  mark();
  await beginWriting(files());
  const boot = readFileSync(files().note, "utf8");
  expect((await list()).digests).toEqual({ a: "0000", b: "0000" });
  writeFileSync(files().note, "00000000-0000-4000-8000-000000000000\n");
  expect((await list()).digests).toEqual({ a, b });
  await beginWriting(files());
  expect(readFileSync(files().note, "utf8")).toBe(boot);
  expect((await list()).digests).toEqual({ a, b });
});

test("a list is not believed before all of it was synced", async () => {
  await settle();
  mark();
  await beginWriting(files());
  writeFileSync(join(root, "mirror/a"), "other");
  const { mirror } = await list();
  await withFailingSync(async () => {
    await expect(settleState([mirror], signal)).rejects.toThrow(/sync failed/);
  });
  // The older one still is: of this boot nothing was lost.
  expect(run("zstd", ["-dcq", files().list])).toContain('"h":"0000');
  expect(readFileSync(files().note, "utf8")).not.toBe("");
});

test("with a clock that is behind the newest change, nothing is believed", async () => {
  await beginWriting(files());
  const { mirror } = await list(false);
  await settleState([{ ...mirror, newest: mirror.newest + 3_600_000_000_000n }], signal);
  expect(() => readFileSync(files().list)).toThrow("ENOENT");
  expect((await list()).digests).toEqual({ a, b });
});
