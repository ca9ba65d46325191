/** What is refused while the app still runs, and that a full disk costs the run and nothing else. */
import { mkdirSync, readdirSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { listGenerations } from "../../operator/mover/store/listing.ts";
import { backUp, capture, createBed, preflightTask, uploads, warmUp, type MoverBed } from "../support/mover-bed.ts";
import { mounted, unmount } from "../support/mounts.ts";
import { run } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let bed: MoverBed;
let volume = "";
beforeEach(() => {
  bed = createBed();
  volume = bed.volume("uploads");
});
afterEach(() => bed.dispose());

const put = (name: string, content: string): void => writeFileSync(join(volume, name), content);

describe("preflight", () => {
  test("refuses an emptied volume and a missing path, and lets an acknowledged one pass", async () => {
    put("f", "x");
    await backUp(bed);
    unlinkSync(join(volume, "f"));
    mkdirSync(join(volume, "lost+found"));
    const empty = preflight(preflightTask(), bed.context("p"));
    await expect(empty).rejects.toMatchObject({ code: "HO-P107" });
    await expect(empty).rejects.toThrow(/uploads/);
    await expect(preflight({ ...preflightTask(), acceptEmpty: ["uploads"] }, bed.context("p"))).resolves.toMatchObject({
      lastSeq: 1,
      pending: 1,
      files: 0,
    });
    const missing = preflight(preflightTask({ volumes: [{ ...uploads, paths: ["gone"] }] }), bed.context("p"));
    await expect(missing).rejects.toMatchObject({ code: "HO-P107" });
  });

  test("refuses a foreign store, and only warns of a foreign sink", async () => {
    put("f", "x");
    const task = { ...preflightTask(), sinks: [{ name: "vault", uuid: "other" }, { name: "nas" }] };
    mkdirSync(join(bed.root, "sinks", "vault"));
    mkdirSync(join(bed.root, "sinks", "nas"));
    const { warnings, locations } = await preflight(task, bed.context("p"));
    expect(warnings.join()).toMatch(/HO-T502 sink vault/);
    expect(locations.map(({ name }) => name)).toEqual(["source", "nas"]);
    expect(readdirSync(join(bed.root, "sinks", "vault"))).toEqual([]);
    await expect(
      preflight({ ...task, store: { name: "source", uuid: "other" } }, bed.context("p")),
    ).rejects.toMatchObject({ code: "HO-P105" });
  });
});

describe("a full store", () => {
  test("is refused by numbers before the app is stopped, and mid-way leaves the older generations whole", async () => {
    bed.dispose();
    const store = mounted("tmpfs", "size=12m,mode=755");
    bed = createBed({ store });
    volume = bed.volume("uploads");
    try {
      put("f", "x");
      const first = await backUp(bed);
      run("sh", ["-c", 'head -c 4000000 /dev/urandom > "$0"', join(volume, "noise")]);
      await warmUp(bed, { seq: 2, podUID: "pod-2" });
      // 4 MB are mirrored; their archive does not fit beside other people's data.
      run("sh", ["-c", 'head -c 6000000 /dev/zero > "$0"', join(store, "filler")]);
      await expect(capture(bed, { seq: 2, podUID: "pod-2" })).rejects.toMatchObject({ code: "HO-C901" });
      const { generations, broken } = await listGenerations(bed.layout.handover);
      expect([generations.map(({ path }) => path), broken]).toEqual([[first], []]);
      run("sha256sum", ["--check", "--quiet", "SHA256SUMS", "manifest.sha256"], { cwd: first });
      run("sh", ["-c", 'head -c 9000000 /dev/urandom > "$0"', join(volume, "more")]);
      const refusal = preflight(preflightTask(), bed.context("p"));
      await expect(refusal).rejects.toMatchObject({ code: "HO-C901" });
      await expect(refusal).rejects.toThrow(/free, about .*MiB are needed/);
      await expect(warmUp(bed, { seq: 3, podUID: "pod-3" })).rejects.toMatchObject({ code: "HO-C901" });
    } finally {
      unmount();
    }
  });

  test("that takes not even an empty file gets the room that its trash no longer needs, before a run is refused", async () => {
    bed.dispose();
    const store = mounted("tmpfs", "nr_inodes=200,mode=755");
    bed = createBed({ store });
    volume = bed.volume("uploads");
    try {
      put("f", "x");
      const removed = await backUp(bed);
      const id = basename(removed);
      const day = join(bed.layout.trash, "2026-11-20");
      mkdirSync(day);
      renameSync(removed, join(day, id));
      const note = { format: 1, id, removedAt: "2026-11-20T01:00:00.000Z", why: "beyond last 1" };
      writeFileSync(join(day, `${id}.json`), JSON.stringify(note));
      const fill = (): void => {
        for (let n = 0; ; n += 1) writeFileSync(join(store, `fill-${n}`), "");
      };
      expect(fill).toThrow("ENOSPC");
      const trash = { millis: 60_000, holds: [], known: { since: 1, ranges: "" } };
      const holds = [{ id, until: "forever", reason: "audit" }];
      const task = preflightTask();
      for (const given of [task, { ...task, trash: { ...trash, holds } }])
        await expect(preflight(given, bed.context("p"))).rejects.toMatchObject({ code: "HO-C901" });
      expect(readdirSync(day)).toEqual([id, `${id}.json`]);
      await expect(preflight({ ...task, trash }, bed.context("p"))).resolves.toMatchObject({ lastSeq: 1 });
      expect(readdirSync(bed.layout.trash)).toEqual([]);
    } finally {
      unmount();
    }
  });
});
