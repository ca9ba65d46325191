/** Who a store is, and whose a lineage: the checks that keep a wrong mount from being written to or pruned. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { openLineage, openStore } from "../../operator/mover/store/sentinel.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-sentinel-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const source = { role: "source", name: "source" } as const;
const owner = { namespace: "shop", policy: "nightly", policyUID: "policy-1" };

describe("a store", () => {
  test("is made of an empty directory, and known again", async () => {
    mkdirSync(join(root, "lost+found"));
    const first = await openStore(root, source);
    expect(first.created).toBe(true);
    expect(await openStore(root, { ...source, expectedUuid: first.uuid })).toEqual({
      uuid: first.uuid,
      created: false,
    });
    expect(await openStore(root, source)).toEqual({ uuid: first.uuid, created: false });
  });

  test("that several policies use for the first time at once has one identity", async () => {
    for (let round = 0; round < 20; round++) {
      const place = join(root, `round-${round}`);
      mkdirSync(place);
      const opened = await Promise.all(Array.from({ length: 8 }, () => openStore(place, source)));
      expect(new Set(opened.map(({ uuid }) => uuid)).size).toBe(1);
      expect(opened.filter(({ created }) => created)).toHaveLength(1);
      expect(readdirSync(place)).toEqual(["handover.json"]);
    }
  });

  test("that was emptied or not mounted is refused and stays empty", async () => {
    await expect(openStore(root, { ...source, expectedUuid: "u" })).rejects.toMatchObject({ code: "HO-P105" });
    await expect(openStore(root, { role: "sink", name: "vault", expectedUuid: "u" })).rejects.toMatchObject({
      code: "HO-T502",
    });
    expect(readdirSync(root)).toEqual([]);
  });

  test("of another identity is refused, and both identities are named", async () => {
    const { uuid } = await openStore(root, source);
    const refusal = openStore(root, { ...source, expectedUuid: "expected" });
    await expect(refusal).rejects.toMatchObject({ code: "HO-P105" });
    await expect(refusal).rejects.toThrow(new RegExp(`${uuid}.*expected`));
  });

  test("is not made of a directory with foreign files", async () => {
    writeFileSync(join(root, "holiday.jpg"), "");
    await expect(openStore(root, source)).rejects.toThrow(/holiday\.jpg/);
    expect(readdirSync(root)).toEqual(["holiday.jpg"]);
  });

  test.each(["", "{", '{"format":1}', '{"format":2,"uuid":"u"}', "[]"])(
    "with the sentinel %j is refused and left as it is",
    async (text) => {
      writeFileSync(join(root, "handover.json"), text);
      await expect(openStore(root, source)).rejects.toMatchObject({ code: "HO-P105" });
      expect(readFileSync(join(root, "handover.json"), "utf8")).toBe(text);
    },
  );

  test("is made again after a crash before the first sentinel", async () => {
    writeFileSync(join(root, ".handover.json.0123456789ab.tmp"), "{");
    expect((await openStore(root, source)).created).toBe(true);
  });
});

describe("a lineage", () => {
  test("belongs to one policy object", async () => {
    const layout = await openLineage(root, owner, "source");
    await openLineage(root, owner, "source");
    expect(readdirSync(layout.base).toSorted()).toEqual([
      "damaged",
      "handover",
      "lineage.json",
      "staging",
      "store",
      "trash",
      "verified",
    ]);
    const other = openLineage(root, { ...owner, policyUID: "policy-2" }, "source");
    await expect(other).rejects.toMatchObject({ code: "HO-P106" });
    await expect(other).rejects.toThrow(/policy-1/);
  });

  test("is taken over only by who names the former owner", async () => {
    await openLineage(root, owner, "sink");
    const next = { ...owner, policyUID: "policy-2" };
    await expect(openLineage(root, { ...next, adopt: "policy-3" }, "sink")).rejects.toMatchObject({ code: "HO-P106" });
    await openLineage(root, { ...next, adopt: "policy-1" }, "sink");
    await openLineage(root, next, "sink");
    await expect(openLineage(root, owner, "sink")).rejects.toMatchObject({ code: "HO-P106" });
  });

  test("that lost its owner's name is nobody's while it is empty, and refused when it is not", async () => {
    const layout = await openLineage(root, owner, "source");
    rmSync(layout.lineage);
    await openLineage(root, owner, "source");
    rmSync(layout.lineage);
    mkdirSync(join(layout.store, "000001-20261121T010203Z-full"));
    await expect(openLineage(root, owner, "source")).rejects.toMatchObject({ code: "HO-P106" });
    await openLineage(root, { ...owner, adopt: "unknown" }, "source");
  });
});
