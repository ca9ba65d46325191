/** What counts as a generation, and that nothing is ever taken for one, or for none, by mistake. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { claimMirrors } from "../../operator/mover/store/claim.ts";
import { digestText } from "../../operator/mover/store/digest.ts";
import { renameNew, writeFileDurably } from "../../operator/mover/store/durable.ts";
import { layoutOf } from "../../operator/mover/store/layout.ts";
import { highestSeq, listGenerations } from "../../operator/mover/store/listing.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-listing-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const manifestOf = (id: string, seq: number): Record<string, unknown> => ({
  format: 1,
  id,
  seq,
  type: "Full",
  parent: "",
  consistency: "Quiesced",
  time: "2026-11-21T01:02:03Z",
  sealedAt: "2026-11-21T01:03:03Z",
  lineage: { namespace: "shop", policy: "nightly", policyUID: "policy-1" },
  run: { name: "nightly-1", uid: "run-1" },
  workloads: [],
  tools: {},
  databases: [],
  volumes: [],
  totals: { bytes: 0, storedBytes: 0, files: 0, tables: 0 },
  files: [],
});

function put(id: string, manifest: unknown, digest?: string): void {
  mkdirSync(join(root, id));
  const text = JSON.stringify(manifest);
  writeFileSync(join(root, id, "manifest.json"), text);
  writeFileSync(join(root, id, "manifest.sha256"), `${digest ?? digestText(text)}  manifest.json\n`);
}

const first = "000009-20261122T010203Z-full";
const second = "000010-20261121T010203Z-full";

describe("listing", () => {
  test("orders by number, whatever the clock said", async () => {
    put(second, manifestOf(second, 10));
    put(first, manifestOf(first, 9));
    const { generations, broken, foreign } = await listGenerations(root);
    expect(generations.map(({ id }) => id)).toEqual([first, second]);
    expect([broken, foreign]).toEqual([[], []]);
  });

  test("takes nothing half or foreign for a generation", async () => {
    put(first, manifestOf(first, 9), "0".repeat(64));
    put("000011-20261121T010203Z-full", { ...manifestOf("000011-20261121T010203Z-full", 11), files: undefined });
    put("000012-20261121T010203Z-full", manifestOf(second, 10));
    mkdirSync(join(root, "000013-20261121T010203Z-full"));
    writeFileSync(join(root, "000014-20261121T010203Z-full"), "");
    mkdirSync(join(root, "lost+found"));
    const { generations, broken, foreign } = await listGenerations(root);
    expect(generations).toEqual([]);
    expect(broken.map(({ name }) => name.slice(0, 6))).toEqual(["000009", "000011", "000012", "000013", "000014"]);
    expect(foreign).toEqual(["lost+found"]);
  });

  test("that fails is an error, never an empty list", async () => {
    await expect(listGenerations(join(root, "gone"))).rejects.toThrow(/ENOENT/);
  });

  test("finds the highest number wherever one was ever given", async () => {
    const layout = layoutOf(root, "shop", "nightly");
    expect(await highestSeq(layout)).toBe(0);
    const places = [
      join(layout.store, second),
      join(layout.staging, "000012-pod"),
      join(layout.damaged, "000011-20261121T010203Z-full-1"),
      join(layout.trash, "2026-11-21", "000013-20261121T010203Z-full"),
    ];
    for (const [index, place] of places.entries()) {
      mkdirSync(place, { recursive: true });
      expect(await highestSeq(layout)).toBe([10, 12, 12, 13][index]);
    }
    // A run that ended before it had a staging directory, or whose staging was swept, has left its number only here.
    const claim = await claimMirrors(layout, { seq: 14, podUID: "pod" }, new AbortController().signal);
    expect(await highestSeq(layout)).toBe(14);
    await claim.abandon();
    expect(await highestSeq(layout)).toBe(14);
  });
});

describe("durable writes", () => {
  test("never replace a directory", async () => {
    for (const name of ["a", "empty", "full"]) mkdirSync(join(root, name));
    writeFileSync(join(root, "full", "f"), "");
    await expect(renameNew(join(root, "a"), join(root, "empty"))).rejects.toMatchObject({ code: "HO-A404" });
    await expect(renameNew(join(root, "a"), join(root, "full"))).rejects.toMatchObject({ code: "HO-A404" });
    await renameNew(join(root, "a"), join(root, "b"));
  });

  test("leave nothing behind when they fail", async () => {
    mkdirSync(join(root, "taken", "x"), { recursive: true });
    await expect(writeFileDurably(join(root, "taken"), "text")).rejects.toThrow(/EISDIR|directory/);
    await expect(listGenerations(root)).resolves.toMatchObject({ foreign: ["taken"] });
  });
});
