/** Nothing that a file system can hold is lost on the way from a volume through a generation to restore.sh. */
import { readdirSync, readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { manifestSchema } from "../../operator/domain/manifest.ts";
import { backUp, createBed, type MoverBed } from "../support/mover-bed.ts";
import { differences, run, writeOddFiles } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let bed: MoverBed;
let volume = "";
beforeEach(() => {
  bed = createBed();
  volume = bed.volume("uploads");
});
afterEach(() => bed.dispose());

const put = (name: string, content: string): void => writeFileSync(join(volume, name), content);
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
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(generation, "manifest.json"), "utf8")));
    const stored = [...manifest.files.map(({ path }) => path), "manifest.json", "manifest.sha256"];
    expect(run("find", [generation, "-type", "f", "-printf", "%P\n"]).trim().split("\n").toSorted()).toEqual(
      stored.toSorted(),
    );
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
