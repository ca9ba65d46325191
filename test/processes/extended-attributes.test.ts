/** ACLs and extended attributes are in the list of files, by a digest that anyone can make again, and a restore is held to it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { writeFilesList } from "../../operator/mover/mirror/files-list.ts";
import { stageVolume } from "../../operator/mover/restore/volume-staging.ts";
import { readGeneration, type GenerationEntry } from "../../operator/mover/store/listing.ts";
import { backUp, createBed, type MoverBed } from "../support/mover-bed.ts";
import { mounted, unmount } from "../support/mounts.ts";
import { allowNamedUser, run, writeOddFiles } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let bed: MoverBed;
let volume = "";
beforeEach(() => {
  bed = createBed();
  volume = bed.volume("uploads");
});
afterEach(() => bed.dispose());

/** Faster than the one of odd-files.ts. */
const setAttribute = (path: string, name: string, value: string): string =>
  run("setfattr", ["-n", name, ...(value === "" ? [] : ["-v", value]), "--", path]);
const listOf = (path: string): string => run("zstd", ["-dcq", path]);
const nameOf = (line: Readonly<Record<string, unknown>>): Buffer =>
  typeof line["p"] === "string" ? Buffer.from(line["p"]) : Buffer.from(String(line["b64"]), "base64");

async function list(attributes?: boolean): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const target = join(bed.root, "list.zst");
  rmSync(target, { force: true });
  await writeFilesList({
    volumes: [{ name: "uploads", mirror: volume }],
    target,
    ...(attributes === undefined ? {} : { attributes }),
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  return listOf(target)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The command of docs/reference/store.md. */
function byHand(name: string): string {
  const found =
    /^getfattr .*$/m.exec(readFileSync(new URL("../../docs/reference/store.md", import.meta.url), "utf8"))?.[0] ?? "";
  return run("sh", ["-c", found.replace("FILE", '"$0"'), name], { cwd: volume }).trim();
}

describe("the digest of attributes in the list", () => {
  test("is what the documented command says, whatever the names are", async () => {
    const odd = writeOddFiles(volume);
    const names = [
      "new\nline",
      "back\\slash",
      "-rf",
      "back\\012slash",
      "a\rb",
      " space ",
      "listed",
      "tab\tbed",
      "$(reboot)",
    ];
    for (const name of names) {
      writeFileSync(join(volume, name), name);
      setAttribute(join(volume, name), "user.name", name);
    }
    setAttribute(join(volume, "-rf"), "user.empty", "");
    setAttribute(join(volume, "-rf"), "user.odd\n=\\name", "1\n2");
    // cap_net_raw, permitted and effective.
    setAttribute(join(volume, "-rf"), "security.capability", "0x0100000200200000000000000000000000000000");
    setAttribute(volume, "trusted.root", "yes");
    mkdirSync(join(volume, "a-default"));
    run("setfacl", ["-m", "d:u:17:rwx", join(volume, "a-default")]);
    const lines = await list();
    expect(lines.length).toBeGreaterThan(odd.members);
    const withDigest = lines.filter((line) => line["x"] !== undefined).map((line) => nameOf(line).toString());
    expect(withDigest.toSorted()).toEqual([...names, ".", "a-default", "attributed"].toSorted());
    for (const line of lines.filter(({ x }) => x !== undefined)) {
      expect([nameOf(line).toString(), line["x"]]).toEqual([
        nameOf(line).toString(),
        byHand(`./${nameOf(line).toString()}`),
      ]);
    }
    expect((await list(false)).filter((line) => line["x"] !== undefined)).toEqual([]);
  });

  test("tells apart what differs in the value, in the name, in the ACL alone", async () => {
    const digest = async (change: () => void): Promise<unknown> => {
      writeFileSync(join(volume, "f"), "");
      change();
      const [, line] = await list();
      run("rm", [join(volume, "f")]);
      return line?.["x"];
    };
    const f = join(volume, "f");
    const digests = [
      await digest(() => undefined),
      await digest(() => setAttribute(f, "user.a", "1")),
      await digest(() => setAttribute(f, "user.a", "2")),
      await digest(() => setAttribute(f, "user.b", "1")),
      await digest(() => setAttribute(f, "trusted.a", "1")),
      await digest(() => run("setfacl", ["-m", "u:4321:r", f])),
    ];
    expect(digests[0]).toBeUndefined();
    expect(new Set(digests).size).toBe(digests.length);
  });

  test("is there for every entry of many", async () => {
    // More than are asked for at once, in directories whose order is not that of their names.
    for (let n = 0; n < 5000; n += 1) {
      if (n % 100 === 0) mkdirSync(join(volume, `d${(n * 7919) % 5000}`));
      writeFileSync(join(volume, `d${((n - (n % 100)) * 7919) % 5000}`, `f${n}`), "");
    }
    run("sh", ["-c", 'find . -name "f*7" -exec setfattr -n user.seven -v 7 {} +'], { cwd: volume });
    const lines = await list();
    expect(lines).toHaveLength(5051);
    for (const line of lines)
      expect([line["p"], line["x"] !== undefined]).toEqual([line["p"], /f\d*7$/.test(String(line["p"]))]);
  });
});

describe("a restore", () => {
  const sealed = async (): Promise<GenerationEntry> => {
    const path = await backUp(bed);
    const generation = await readGeneration(path, path.split("/").at(-1) ?? "");
    if (typeof generation === "string") throw new Error(generation);
    return generation;
  };
  const restage = async (generation: GenerationEntry, root = volume): Promise<unknown> => {
    const [part] = generation.manifest.volumes;
    if (part === undefined) throw new Error("no volume");
    const { id, path, manifest } = generation;
    const source = { id, path, part, format: manifest.format };
    return await stageVolume(source, [], root, "5ca1ab1e-0000-4000-8000-000000000001", bed.context("stage-1"));
  };
  const rewrite = (generation: GenerationEntry, change: string): void => {
    const file = join(generation.path, "files.jsonl.zst");
    run("sh", ["-c", `zstd -dcq "$0" | sed -E '${change}' | zstd -q -o "$0.new" && mv "$0.new" "$0"`, file]);
  };

  test("is refused when the attributes that came out of the archive are not those that were captured", async () => {
    writeOddFiles(volume);
    const generation = await sealed();
    await expect(restage(generation)).resolves.toMatchObject({ files: expect.any(Number) });
    rewrite(generation, '/"p":"attributed"/s/"x":"./"x":"-/');
    await expect(restage(generation)).rejects.toMatchObject({ code: "HO-R803" });
  });

  test("of a generation of format 1 is compared without them", async () => {
    writeOddFiles(volume);
    const generation = await sealed();
    rewrite(generation, 's/,"x":"[0-9a-f]{32}"//');
    await expect(restage(generation)).rejects.toMatchObject({ code: "HO-R803" });
    await expect(restage({ ...generation, manifest: { ...generation.manifest, format: 1 } })).resolves.toBeDefined();
  });

  describe("to a file system that keeps no attributes", () => {
    afterEach(() => unmount());

    test.each([
      ["an attribute", (file: string) => setAttribute(file, "user.mark", "1")],
      ["an ACL", allowNamedUser],
    ])("is refused for %s before anything is replaced, and says what to do", async (_what, mark) => {
      writeFileSync(join(volume, "a"), "plain");
      writeFileSync(join(volume, "b"), "marked");
      mark(join(volume, "b"));
      const generation = await sealed();
      const root = mounted("ramfs", "mode=755");
      writeFileSync(join(root, "present"), "stays");
      await expect(restage(generation, root)).rejects.toMatchObject({
        code: "HO-R803",
        retry: false,
        message: expect.stringMatching(
          /^volume uploads: "b" has extended attributes or ACLs, which the file system of claim shop-uploads \(ramfs\) did not keep\. Use a claim/,
        ),
      });
      expect(readFileSync(join(root, "present"), "utf8")).toBe("stays");
      // The way out that it names.
      run("sh", ["restore.sh", "--to", join(root, "out")], { cwd: generation.path });
      expect(readFileSync(join(root, "out/uploads/b"), "utf8")).toBe("marked");
    });
  });
});
