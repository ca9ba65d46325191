/** The mirror equals the volume after the last pass, whatever the app did between the passes. */
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { release } from "../../operator/mover/steps/release.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { warm } from "../../operator/mover/steps/warm.ts";
import { checkClaimed, claimMirrors, mirrorStateDirectory } from "../../operator/mover/store/claim.ts";
import { withFailingSync } from "../support/failing-sync.ts";
import {
  backUp,
  capture,
  common,
  createBed,
  preflightTask,
  sealTask,
  uploads,
  warmUp,
  type MoverBed,
} from "../support/mover-bed.ts";
import { mounted, unmount } from "../support/mounts.ts";
import { allowNamedUser, differences, setAttribute } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let bed: MoverBed;
let volume = "";
beforeEach(() => {
  bed = createBed();
  volume = bed.volume("uploads");
});
afterEach(() => bed.dispose());

const put = (name: string, content: string): void => writeFileSync(join(volume, name), content);
const mirrored = (name: string): string => readFileSync(join(bed.layout.mirror("uploads"), name), "utf8");

test("a volume may have the name of whatever else lies beside its state", async () => {
  const of = { volumes: [{ ...uploads, name: "claim" }] };
  mkdirSync(bed.volume("claim"));
  await expect(backUp(bed, of)).resolves.toContain(bed.layout.handover);
});

describe("the passes into the mirror", () => {
  test.each(["file", "link"])("a %s where a directory was that is not empty", async (what) => {
    mkdirSync(join(volume, "was"));
    put("was/in", "x");
    await backUp(bed);
    rmSync(join(volume, "was"), { recursive: true });
    if (what === "file") put("was", "now");
    else symlinkSync("elsewhere", join(volume, "was"));
    const second = { seq: 2, runUID: "run-2", podUID: "pod-2" };
    await backUp(bed, second);
    expect(lstatSync(join(bed.layout.mirror("uploads"), "was")).isDirectory()).toBe(false);
  });
  test("find an edit that kept size and modification time", async () => {
    put("config", "before");
    utimesSync(join(volume, "config"), 1_000, 1_000);
    await preflight(preflightTask(), bed.context("p"));
    await warmUp(bed);
    put("config", "BEFORE");
    utimesSync(join(volume, "config"), 1_000, 1_000);
    await capture(bed);
    expect(mirrored("config")).toBe("BEFORE");
    // And one between two runs.
    await seal(sealTask(), bed.context("s"));
    put("config", "beFORE");
    utimesSync(join(volume, "config"), 1_000, 1_000);
    await warmUp(bed, { seq: 2, podUID: "pod-2" });
    expect(mirrored("config")).toBe("beFORE");
  });

  test("do not spoil one file by writing another that was once linked to it", async () => {
    put("a", "same content");
    linkSync(join(volume, "a"), join(volume, "b"));
    await preflight(preflightTask(), bed.context("p"));
    await warmUp(bed);
    put("new", "other content of another length");
    renameSync(join(volume, "new"), join(volume, "a"));
    await capture(bed);
    expect([mirrored("a"), mirrored("b")]).toEqual(["other content of another length", "same content"]);
    expect(differences(volume, bed.layout.mirror("uploads"))).toBe("");
  });

  test("bring ACLs and attributes that changed after the warm passes, of files and directories, old and new", async () => {
    mkdirSync(join(volume, "d"));
    put("old", "x");
    put("listed", "x");
    setAttribute(join(volume, "old"), "user.colour", "red");
    await preflight(preflightTask(), bed.context("p"));
    await warmUp(bed);
    put("new", "x");
    for (const name of ["old", "new", "d"]) setAttribute(join(volume, name), "user.colour", "blue");
    allowNamedUser(join(volume, "listed"));
    await capture(bed);
    expect(differences(volume, bed.layout.mirror("uploads"))).toBe("");
  });

  test("say what they have brought only when it is durable", async () => {
    put("config", "before");
    await preflight(preflightTask(), bed.context("p"));
    await warmUp(bed);
    const mark = join(mirrorStateDirectory(bed.layout), "uploads.mirror.json");
    const old = readFileSync(mark, "utf8");
    put("config", "BEFORE");
    await withFailingSync(async () => {
      await expect(warmUp(bed, { seq: 2, podUID: "pod-2" })).rejects.toMatchObject({ code: "HO-A403" });
    });
    expect(readFileSync(mark, "utf8")).toBe(old);
    // The page of the edit never reached the disk, its time did.
    const { atime, mtime } = statSync(join(volume, "config"));
    writeFileSync(join(bed.layout.mirror("uploads"), "config"), "\0".repeat(6));
    utimesSync(join(bed.layout.mirror("uploads"), "config"), atime, mtime);
    await warmUp(bed, { seq: 3, podUID: "pod-3" });
    expect(mirrored("config")).toBe("BEFORE");
  });

  test("remove what is gone, and follow what changed its kind", async () => {
    mkdirSync(join(volume, "d"));
    put("d/f", "x");
    put("g", "x");
    await preflight(preflightTask(), bed.context("p"));
    await warmUp(bed);
    rmSync(join(volume, "d"), { recursive: true });
    put("d", "a file now");
    unlinkSync(join(volume, "g"));
    mkdirSync(join(volume, "g"));
    await capture(bed);
    expect(differences(volume, bed.layout.mirror("uploads"))).toBe("");
  });

  test("do without extended attributes where the store has none, and say so", async () => {
    bed.dispose();
    bed = createBed({ store: mounted("ramfs", "mode=755") });
    volume = bed.volume("uploads");
    try {
      put("plain", "x");
      setAttribute(join(volume, "plain"), "user.colour", "blue");
      await preflight(preflightTask(), bed.context("p"));
      const { warnings } = await warmUp(bed);
      expect(warnings?.join()).toMatch(/uploads: the file system of the store cannot keep .*extended attributes/);
      await capture(bed);
      await seal(sealTask(), bed.context("s"));
    } finally {
      unmount();
    }
  });
});

describe("an unwarmed mirror", () => {
  test("is never packed", async () => {
    put("f", "x");
    await preflight(preflightTask(), bed.context("p"));
    await expect(capture(bed)).rejects.toMatchObject({ code: "HO-A403" });
    // Whoever waits for the release learns of it.
    const waiting = release(
      { ...common, step: "release", parts: ["archive"] },
      bed.context("pod-1", AbortSignal.timeout(5_000)),
    );
    await expect(waiting).rejects.toMatchObject({ code: "HO-A403" });
    await expect(
      warm(
        { ...common, step: "warm", seq: 1, volumes: [uploads] },
        { ...bed.context("w"), abort: AbortSignal.abort(new Error("asked to end")) },
      ),
    ).rejects.toThrow(/asked to end/);
  });
});

describe("the number of a run", () => {
  const next = async (): Promise<number> => (await preflight(preflightTask(), bed.context("p"))).lastSeq + 1;
  const claimOf = (claim: object): void =>
    writeFileSync(join(mirrorStateDirectory(bed.layout), "claim.json"), `${JSON.stringify(claim)}\n`);
  const wedging = { seq: 2, podUID: "610ef9e3", nonce: "n" };

  test("never goes back, wherever the runs before were cancelled", async () => {
    put("f", "x");
    expect(await next()).toBe(1);
    await warmUp(bed);
    // Cancelled in Capture: its staging is left. The second is cancelled in Quiesce and has none.
    mkdirSync(bed.staging(1, "pod-1"), { recursive: true });
    expect(await next()).toBe(2);
    await warmUp(bed, { seq: 2, podUID: "pod-2" });
    expect(await next()).toBe(3);
    // The third is killed while it warms, the fourth fails.
    await expect(
      warm(
        { ...common, step: "warm", seq: 3, volumes: [uploads] },
        { ...bed.context("pod-3"), abort: AbortSignal.abort(new Error("asked to end")) },
      ),
    ).rejects.toThrow(/asked to end/);
    expect(await next()).toBe(4);
    await withFailingSync(async () => {
      await expect(warmUp(bed, { seq: 4, podUID: "pod-4" })).rejects.toMatchObject({ code: "HO-A403" });
    });
    const of = { seq: await next(), podUID: "pod-5" };
    await warmUp(bed, of);
    await capture(bed, of);
    await expect(seal(sealTask(of), bed.context("s"))).resolves.toMatchObject({ ok: true });
    // Late pods of the older runs change nothing, though nobody holds the mirrors.
    const none = new AbortController().signal;
    for (const seq of [1, 2, 3]) {
      await expect(warmUp(bed, { seq, podUID: "late" })).rejects.toMatchObject({ code: "HO-P113" });
      await expect(claimMirrors(bed.layout, { seq, podUID: "late" }, none)).rejects.toMatchObject({ code: "HO-P113" });
    }
  });

  test.each([true, false])("heals a store whose last claim has a higher one (done: %s)", async (done) => {
    put("f", "x");
    await next();
    await warmUp(bed);
    claimOf({ ...wedging, done });
    const of = { seq: await next(), podUID: "pod-3" };
    expect(of.seq).toBe(3);
    await warmUp(bed, of);
    await capture(bed, of);
    await expect(seal(sealTask(of), bed.context("s"))).resolves.toMatchObject({ ok: true });
  });

  test("two that come at the very same moment: one gets them, whoever died in that moment before", async () => {
    mkdirSync(`${join(mirrorStateDirectory(bed.layout), "claim.json")}.lock`, { recursive: true });
    const none = new AbortController().signal;
    const claims = await Promise.allSettled(
      ["pod-a", "pod-b", "pod-c"].map(async (podUID) => await claimMirrors(bed.layout, { seq: 7, podUID }, none)),
    );
    const won = claims.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const lost = claims.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(won).toHaveLength(1);
    expect(lost).toMatchObject([{ code: "HO-P113" }, { code: "HO-P113" }]);
    for (const claim of won) claim.check();
    for (const claim of won) await claim.done();
  });

  /** Removes drafts of a claim as they come. @returns how many it is still going to remove */
  function clearDrafts(many: number): () => number {
    const directory = mirrorStateDirectory(bed.layout);
    mkdirSync(directory, { recursive: true });
    const clear = (): void => {
      for (const name of readdirSync(directory).filter((one) => one.startsWith(".claim.json."))) {
        rmSync(join(directory, name), { force: true });
        many -= 1;
      }
      if (many > 0) setImmediate(clear);
    };
    clear();
    return () => many;
  }
  const claims = () => claimMirrors(bed.layout, { seq: 7, podUID: "pod-a" }, new AbortController().signal);

  test("is had by one whose draft another one has cleared away, since it looks again", async () => {
    const left = clearDrafts(1);
    const claim = await claims();
    expect(left()).toBe(0);
    claim.check();
    await claim.done();
  });

  test("is not tried for without end where no draft ever stays", async () => {
    clearDrafts(20);
    await expect(claims()).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("is kept by a claim that was given up, which nobody waits for and nobody seals", async () => {
    await next();
    const signal = new AbortController().signal;
    const first = await claimMirrors(bed.layout, { seq: 7, podUID: "pod-7" }, signal);
    await first.abandon();
    expect(await next()).toBe(8);
    expect(() => checkClaimed(bed.layout, { seq: 7, podUID: "pod-7" })).toThrow("in use by pod pod-7");
    await expect(claimMirrors(bed.layout, { seq: 6, podUID: "late" }, signal)).rejects.toMatchObject({
      code: "HO-P113",
    });
    // A wait would notice the signal.
    const again = await claimMirrors(
      bed.layout,
      { seq: 7, podUID: "pod-7b" },
      AbortSignal.abort(new Error("has waited")),
    );
    await again.done();
    await again.abandon();
    checkClaimed(bed.layout, { seq: 7, podUID: "pod-7b" });
  });
});
