/** The file half of a backup with the real tools: nothing that a file system can hold is lost, and nothing wrong is ever sealed. */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { manifestSchema } from "../../operator/domain/manifest.ts";
import { archive } from "../../operator/mover/steps/archive.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { warm } from "../../operator/mover/steps/warm.ts";
import { claimMirrors } from "../../operator/mover/store/claim.ts";
import { listGenerations } from "../../operator/mover/store/listing.ts";
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
import { differences, run, writeOddFiles } from "../support/odd-files.ts";

jest.setTimeout(60_000);

let bed: MoverBed;
let volume = "";
beforeEach(() => {
  bed = createBed();
  volume = bed.volume("uploads");
});
afterEach(() => bed.dispose());

const put = (name: string, content: string): void => writeFileSync(join(volume, name), content);
const mirrored = (name: string): string => readFileSync(join(bed.layout.mirror("uploads"), name), "utf8");
const listed = (generation: string): readonly Record<string, unknown>[] =>
  run("zstd", ["-dcq", join(generation, "files.jsonl.zst")])
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("a whole backup", () => {
  test("brings back everything that a file system can hold, by restore.sh alone", async () => {
    const odd = writeOddFiles(volume);
    const generation = await backUp(bed);
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(generation, "manifest.json"), "utf8")));
    expect(manifest.volumes[0]).toMatchObject({ skipped: odd.sockets, archive: "volumes/uploads.tar.zst" });
    // The root is listed too.
    expect(listed(generation)).toHaveLength(odd.members + 1);
    const out = join(bed.root, "out");
    run("sh", ["restore.sh", "--to", out], { cwd: generation });
    unlinkSync(join(volume, "socket"));
    utimesSync(volume, statSync(join(out, "uploads")).atime, statSync(join(out, "uploads")).mtime);
    run("touch", [`--reference=${join(out, "uploads")}`, volume]);
    expect(differences(volume, join(out, "uploads"))).toBe("");
    expect(differences(join(out, "uploads"), volume)).toBe("");
    expect(statSync(join(out, "uploads", "sparse")).blocks * 512).toBeLessThan(1024 * 1024);
    // Independent of the digests that we took ourselves.
    const sums = listed(generation).filter(
      (line) => line["t"] === "f" && typeof line["p"] === "string" && !/[\n\\]/.test(line["p"]),
    );
    expect(sums.length).toBeGreaterThan(15);
    const small = sums.filter((line) => String(line["p"]).length < 1000);
    run(
      "sh",
      [
        "-c",
        'printf %s "$0" | sha256sum --check --quiet',
        small.map((line) => `${String(line["h"])}  ./${String(line["p"])}\n`).join(""),
      ],
      { cwd: join(out, "uploads") },
    );
  });

  test("keeps what it stores from other users, and says in sha256sum's words what it stored", async () => {
    put("f", "x");
    const generation = await backUp(bed);
    expect(run("find", [generation, "-perm", "/077"])).toBe("");
    run("sha256sum", ["--check", "--quiet", "SHA256SUMS", "manifest.sha256"], { cwd: generation });
    expect(readdirSync(bed.layout.staging)).toEqual([]);
  });

  test("survives in a list names that are no text, and hard links once in the sum", async () => {
    writeOddFiles(volume);
    const generation = await backUp(bed);
    const lines = listed(generation);
    expect(lines.find((line) => line["b64"] !== undefined)?.["b64"]).toBe(
      Buffer.from([0x62, 0x61, 0x64, 0xff, 0xfe, 0x80]).toString("base64"),
    );
    const links = lines.filter((line) => line["n"] === 3);
    expect(new Set(links.map((line) => line["i"])).size).toBe(1);
    expect(links).toHaveLength(3);
    expect(lines.find((line) => line["p"] === "secret")).toMatchObject({ m: "4640", u: 4321, g: 1234 });
    expect(lines.find((line) => line["p"] === "ns")?.["mt"]).toMatch(/123456789$/);
  });
});

describe("the passes into the mirror", () => {
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
    const colour = (name: string, value: string): void => {
      run("python3", [
        "-c",
        "import os,sys; os.setxattr(sys.argv[1],'user.colour',sys.argv[2].encode())",
        join(volume, name),
        value,
      ]);
    };
    mkdirSync(join(volume, "d"));
    put("old", "x");
    put("listed", "x");
    colour("old", "red");
    await preflight(preflightTask(), bed.context("p"));
    await warmUp(bed);
    put("new", "x");
    for (const name of ["old", "new", "d"]) colour(name, "blue");
    const entries =
      "02000000" +
      "01000600ffffffff" +
      "02000400e1100000" +
      "04000400ffffffff" +
      "10000400ffffffff" +
      "20000000ffffffff";
    run("python3", [
      "-c",
      "import os,sys; os.setxattr(sys.argv[1],'system.posix_acl_access',bytes.fromhex(sys.argv[2]))",
      join(volume, "listed"),
      entries,
    ]);
    await capture(bed);
    expect(differences(volume, bed.layout.mirror("uploads"))).toBe("");
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
      run("python3", ["-c", "import os,sys; os.setxattr(sys.argv[1],'user.colour',b'blue')", join(volume, "plain")]);
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
});

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

describe("an unwarmed mirror", () => {
  test("is never packed", async () => {
    put("f", "x");
    await preflight(preflightTask(), bed.context("p"));
    await expect(capture(bed)).rejects.toMatchObject({ code: "HO-A403" });
    await expect(
      warm(
        { ...common, step: "warm", seq: 1, volumes: [uploads] },
        { ...bed.context("w"), abort: AbortSignal.abort(new Error("asked to end")) },
      ),
    ).rejects.toThrow(/abort/);
  });
});

let mountPoint: string | undefined;
/** Needs root. */
function mounted(type: string, options: string): string {
  mountPoint = run("mktemp", ["-d"]).trim();
  run("mount", ["-t", type, "-o", options, "handover-test", mountPoint]);
  return mountPoint;
}
function unmount(): void {
  if (mountPoint === undefined) return;
  run("umount", [mountPoint]);
  rmSync(mountPoint, { recursive: true });
  mountPoint = undefined;
}
