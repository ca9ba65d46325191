/** The seal makes a generation of what was captured and of nothing else; a second pod cannot spoil the first one's. */
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { readState, writeState } from "../../operator/mover/mirror/mirror-state.ts";
import { archive } from "../../operator/mover/steps/archive.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { claimMirrors, mirrorStateDirectory } from "../../operator/mover/store/claim.ts";
import { withFailingSync } from "../support/failing-sync.ts";
import {
  capture,
  common,
  createBed,
  preflightTask,
  sealTask,
  uploads,
  warmUp,
  type MoverBed,
} from "../support/mover-bed.ts";
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

describe("the seal", () => {
  const archiveOf = (): string => join(bed.staging(1, "pod-1"), "volumes/uploads.tar.zst");
  const captured = async (): Promise<void> => {
    for (let index = 0; index < 50; index += 1) put(`f${index}`, `${index}`.repeat(2_000));
    await preflight(preflightTask(), bed.context("p"));
    await warmUp(bed);
    await capture(bed);
  };
  const flip = (file: string, at: number): void => {
    const bytes = readFileSync(file);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  };

  test.each([
    ["a truncated archive", () => truncateSync(archiveOf(), statSync(archiveOf()).size - 10)],
    ["an archive with a flipped bit", () => flip(archiveOf(), Math.floor(statSync(archiveOf()).size / 2))],
    ["a list with a flipped bit", () => flip(join(bed.staging(1, "pod-1"), "files.jsonl.zst"), 40)],
    ["a missing archive", () => unlinkSync(archiveOf())],
    ["a file that nobody captured", () => writeFileSync(join(bed.staging(1, "pod-1"), "volumes/other"), "")],
    ["a container that did not finish", () => unlinkSync(join(bed.staging(1, "pod-1"), "part-archive.json"))],
    ["an archive that lacks a member, with digests to match", () => repack(["--exclude=./f7"])],
    [
      "an archive of other content, with digests to match",
      () => repack(["--transform=s,^./f7$,./f7x,;s,^./f8$,./f7,;s,f7x$,f8,"]),
    ],
  ])("refuses %s", async (_name, damage) => {
    await captured();
    damage();
    await expect(seal(sealTask(), bed.context("s"))).rejects.toMatchObject({ code: "HO-A404" });
    expect(readdirSync(bed.layout.handover)).toEqual([]);
  });

  /** Makes an archive that is whole in itself, and says in the part that it is what was written. */
  function repack(options: readonly string[]): void {
    run(
      "sh",
      [
        "-c",
        'out=$1; shift; tar -c --format=posix --numeric-owner "$@" . | zstd -qf -o "$out"',
        "sh",
        archiveOf(),
        ...options,
      ],
      { cwd: bed.layout.mirror("uploads") },
    );
    const part = join(bed.staging(1, "pod-1"), "part-archive.json");
    const content = JSON.parse(readFileSync(part, "utf8")) as {
      files: { path: string; size: number; sha256: string }[];
    };
    const [file] = content.files;
    if (file === undefined) throw new Error("no archive in the part");
    file.size = statSync(archiveOf()).size;
    file.sha256 = run("sha256sum", [archiveOf()]).slice(0, 64);
    writeFileSync(part, JSON.stringify(content));
  }

  test("accepts a repacked archive that is the same: the two refusals above are of the content", async () => {
    await captured();
    repack([]);
    await expect(seal(sealTask(), bed.context("s"))).resolves.toMatchObject({ ok: true, files: 50 });
  });

  test("refuses when something wrote into the mirror after the capture", async () => {
    await captured();
    appendFileSync(join(bed.layout.mirror("uploads"), "f3"), "x");
    await expect(seal(sealTask(), bed.context("s"))).rejects.toThrow(/differs from what was captured/);
  });

  test("what was refused for a mistake in the mirror is not in the next one, even if size and time are as they should be", async () => {
    await captured();
    const mirrored = join(bed.layout.mirror("uploads"), "f3");
    const times = join(bed.root, "times");
    run("touch", ["--reference", mirrored, times]);
    flip(mirrored, 0);
    run("touch", ["--reference", times, mirrored]);
    const job = { stateDirectory: mirrorStateDirectory(bed.layout), volume: { name: "uploads" } };
    const state = await readState(job);
    if (state === undefined) throw new Error("no state");
    // As if the files had not changed for a night.
    await writeState(job, { ...state, mark: String(Math.floor(Date.now() / 1000) + 10) });
    await expect(seal(sealTask(), bed.context("s"))).rejects.toThrow(/differs from what was captured/);
    await warmUp(bed, { seq: 2, podUID: "pod-2" });
    expect(readFileSync(mirrored, "utf8")).toBe(readFileSync(join(volume, "f3"), "utf8"));
  });

  test("makes no generation of what cannot be made durable", async () => {
    await captured();
    await withFailingSync(async () => {
      await expect(seal(sealTask(), bed.context("s"))).rejects.toMatchObject({ code: "HO-A404" });
    });
    expect(readdirSync(bed.layout.handover)).toEqual([]);
    await expect(seal(sealTask(), bed.context("s2"))).resolves.toMatchObject({ ok: true });
  });

  test("says the same again when it is asked again, even after the generation has moved on", async () => {
    await captured();
    const first = await seal(sealTask(), bed.context("s"));
    expect(await seal(sealTask(), bed.context("s2"))).toEqual({ ...first, peakMiB: expect.any(Number) });
    renameSync(join(bed.layout.handover, first.id), join(bed.layout.store, first.id));
    expect(await seal(sealTask(), bed.context("s3"))).toEqual({ ...first, peakMiB: expect.any(Number) });
    expect(readdirSync(bed.layout.handover)).toEqual([]);
  });

  test("goes on where a crash right before the rename has left off, and refuses a name that is taken", async () => {
    await captured();
    const staging = bed.staging(1, "pod-1");
    const part = readFileSync(join(staging, "part-archive.json"));
    mkdirSync(join(bed.layout.handover, sealTask().id));
    await expect(seal(sealTask(), bed.context("s"))).rejects.toMatchObject({ code: "HO-A404" });
    rmSync(join(bed.layout.handover, sealTask().id), { recursive: true });
    const { id } = await seal(sealTask(), bed.context("s"));
    // As a crash there leaves it: everything is written, and the parts are set aside.
    renameSync(join(bed.layout.handover, id), staging);
    mkdirSync(`${staging}.parts`);
    writeFileSync(join(`${staging}.parts`, "part-archive.json"), part);
    await expect(seal(sealTask(), bed.context("s2"))).resolves.toMatchObject({ ok: true, id });
    expect(readdirSync(bed.layout.staging)).toEqual([]);
    run("sha256sum", ["--check", "--quiet", "SHA256SUMS", "manifest.sha256"], { cwd: join(bed.layout.handover, id) });
  });

  test("goes on where it was killed within a small write", async () => {
    await captured();
    const left = [".manifest.json.0a1b2c3d4e5f.tmp", ".SHA256SUMS.0123456789ab.tmp", "volumes/.x.0123456789ab.tmp"];
    for (const name of left) writeFileSync(join(bed.staging(1, "pod-1"), name), "{");
    const { id } = await seal(sealTask(), bed.context("s2"));
    expect(
      readdirSync(join(bed.layout.handover, id), { recursive: true }).filter((name) => name.includes("tmp")),
    ).toEqual([]);
  });

  test("gives up when a newer run works in the lineage", async () => {
    await captured();
    mkdirSync(bed.staging(2, "pod-9"));
    await expect(seal(sealTask(), bed.context("s"))).rejects.toMatchObject({ code: "HO-P113" });
  });
});

describe("a second pod of the same Job", () => {
  test("gives up while the first is alive, and the first seals", async () => {
    put("f", "x");
    await preflight(preflightTask(), bed.context("p"));
    await warmUp(bed);
    const first = await claimMirrors(bed.layout, { seq: 1, podUID: "pod-1" }, new AbortController().signal);
    const second = archive(
      { ...common, step: "archive", seq: 1, volumes: [uploads], frozen: true },
      bed.context("pod-1b"),
    );
    await expect(second).rejects.toMatchObject({ code: "HO-P113" });
    first.check();
    await first.done();
    await capture(bed);
    await seal(sealTask(), bed.context("s"));
  });

  test("leaves nothing that the seal would take for the first one's", async () => {
    put("f", "x");
    await preflight(preflightTask(), bed.context("p"));
    await warmUp(bed);
    await capture(bed);
    renameSync(bed.staging(1, "pod-1"), bed.staging(1, "pod-1b"));
    await expect(seal(sealTask({ podUID: "pod-1b" }), bed.context("s"))).rejects.toThrow("of another capture");
  });

  test("that takes over from a dead one keeps the dead one's work from being sealed", async () => {
    put("f", "x");
    await preflight(preflightTask(), bed.context("p"));
    await warmUp(bed);
    await capture(bed);
    await capture(bed, { podUID: "pod-1b" });
    await expect(seal(sealTask(), bed.context("s"))).rejects.toMatchObject({ code: "HO-P113" });
    await expect(seal(sealTask({ podUID: "pod-1b" }), bed.context("s"))).resolves.toMatchObject({ ok: true });
  });
});
