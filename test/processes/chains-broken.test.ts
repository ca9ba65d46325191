/** What a chain is worth when one of its generations is gone, damaged, or lies: nothing, and everybody says so. */
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { TaskOf } from "../../operator/contract/task.ts";
import { archive } from "../../operator/mover/steps/archive.ts";
import { plan } from "../../operator/mover/steps/plan.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { stage } from "../../operator/mover/steps/stage.ts";
import { transport } from "../../operator/mover/steps/transport.ts";
import { verify } from "../../operator/mover/steps/verify.ts";
import { layoutOf } from "../../operator/mover/store/layout.ts";
import { digestOf, make, restoredDifference, stageTask, type Made } from "../support/chain-bed.ts";
import {
  capture,
  common,
  createBed,
  preflightTask,
  sealTask,
  uploads,
  warmUp,
  type Captured,
  type MoverBed,
} from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";

jest.setTimeout(120_000);

let bed: MoverBed;
let volume = "";
beforeEach(() => {
  bed = createBed();
  volume = bed.volume("uploads");
  for (const name of ["a", "b", "c"]) writeFileSync(join(volume, name), name.repeat(50_000));
});
afterEach(() => bed.dispose());

const edit = (name: string, content: string): void => writeFileSync(join(volume, name), content);
/** A full one and two increments. */
async function chain(): Promise<readonly [Made, Made, Made]> {
  const first = await make(bed, 1, "Full");
  edit("b", "second");
  const second = await make(bed, 2, "Incremental");
  edit("c", "third");
  return [first, second, await make(bed, 3, "Incremental")];
}
function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
const archiveOf = ({ path }: Made): string => join(path, "volumes/uploads.tar.zst");

describe("the preflight bases an increment on what is whole, or says why it cannot", () => {
  const asked = async (of: Captured): Promise<unknown> => (await preflight(preflightTask(of), bed.context("p"))).base;

  test("there is nothing yet", async () => {
    expect(await asked({ type: "Incremental" })).toEqual({ full: "there is no generation yet" });
    expect(await asked({ type: "Differential" })).toEqual({ full: "there is no full generation yet" });
    expect(await asked({ type: "Full" })).toBeUndefined();
  });

  test("newest or newest full, limits, other volumes, damage", async () => {
    const [first, second, third] = await chain();
    const ref = (made: Made): unknown => ({ id: made.id, manifestSHA256: digestOf(made.path) });
    expect(await asked({ type: "Incremental" })).toEqual(ref(third));
    expect(await asked({ type: "Differential" })).toEqual(ref(first));
    expect(await asked({ type: "Incremental", maxChain: 4 })).toEqual(ref(third));
    expect(await asked({ type: "Incremental", maxChain: 3 })).toEqual({
      full: "the chain has 3 generations, as many as it may have (maxChain 3)",
    });
    const changed = { ...uploads, exclude: ["cache"] };
    expect(await asked({ type: "Incremental", volumes: [changed] })).toEqual({
      full: `volume uploads of the policy is not as in generation ${third.id}`,
    });
    // A part of the chain has moved on, which is no damage.
    renameSync(first.path, join(bed.layout.store, first.id));
    expect(await asked({ type: "Incremental" })).toEqual(ref(third));
    writeFileSync(join(second.path, "volumes/uploads.tar.zst"), "short");
    expect(await asked({ type: "Incremental" })).toEqual({
      full: expect.stringMatching(/chain of generation 000003.* is not whole: generation 000002.*has 5 bytes/),
    });
    rmSync(second.path, { recursive: true });
    expect(await asked({ type: "Incremental" })).toEqual({
      full: expect.stringMatching(/generation 000002.*is not there/),
    });
    flip(join(third.path, "manifest.json"));
    expect(await asked({ type: "Incremental" })).toEqual({ full: expect.stringContaining("is damaged") });
  });

  test("a list that is damaged is not built upon", async () => {
    const [, , third] = await chain();
    flip(join(third.path, "files.jsonl.zst"));
    expect(await asked({ type: "Incremental" })).toEqual({
      full: expect.stringContaining("files.jsonl.zst is damaged"),
    });
  });
});

describe("archive and seal take the base that they were given, or none", () => {
  const base = (made: Made): Captured["base"] => ({ id: made.id, manifestSHA256: digestOf(made.path) });

  test("a base that is lost before the archive, or before the seal, ends the run", async () => {
    const first = await make(bed, 1, "Full");
    edit("b", "second");
    const of: Captured = { seq: 2, runUID: "run-2", podUID: "pod-2", type: "Incremental", base: base(first) };
    await warmUp(bed, of);
    await expect(capture(bed, { ...of, base: { id: first.id, manifestSHA256: "0".repeat(64) } })).rejects.toMatchObject(
      {
        code: "HO-A405",
      },
    );
    await capture(bed, { ...of, podUID: "pod-2b" });
    const task = sealTask({ ...of, podUID: "pod-2b" });
    renameSync(archiveOf(first), `${first.path}.aside`);
    await expect(seal(task, bed.context("s"))).rejects.toMatchObject({ code: "HO-A405" });
    renameSync(`${first.path}.aside`, archiveOf(first));
    await expect(seal({ ...task, type: "Full", base: undefined }, bed.context("s"))).rejects.toMatchObject({
      code: "HO-A404",
    });
    await expect(seal(task, bed.context("s"))).resolves.toMatchObject({ ok: true });
  });

  test("a list that does not tell of the mirror is not sealed", async () => {
    const first = await make(bed, 1, "Full");
    edit("b", "second");
    const of: Captured = { seq: 2, runUID: "run-2", podUID: "pod-2", type: "Incremental", base: base(first) };
    await warmUp(bed, of);
    await capture(bed, of);
    // What was not stored by this generation is not in its archive, so only the list tells.
    run("touch", [join(bed.layout.mirror("uploads"), "a")]);
    await expect(seal(sealTask(of), bed.context("s"))).rejects.toThrow(/volume uploads: listed is .*the mirror has/);
  });

  test("a capture that was killed anywhere leaves nothing that the next one believes", async () => {
    await make(bed, 1, "Full");
    edit("b", "second");
    const first = { seq: 2, runUID: "run-2", podUID: "pod-2" };
    await warmUp(bed, first);
    const abort = new AbortController();
    bed.newPod();
    const task: TaskOf<"archive"> = { ...common, step: "archive", seq: 2, volumes: [uploads], frozen: true };
    const context = bed.context("pod-2", abort.signal);
    const stopped = archive(task, {
      ...context,
      log: { ...context.log, info: (message) => message === "source released" && abort.abort(new Error("killed")) },
    });
    await expect(stopped).rejects.toThrow("killed");
    edit("b", "third!");
    const made = await make(bed, 3, "Incremental");
    expect(await restoredDifference(bed, made)).toBe("");
  });
});

describe("at a sink", () => {
  const sink = (): ReturnType<typeof layoutOf> => layoutOf(join(bed.root, "sinks/vault"), "shop", "nightly");
  const carry = async (): Promise<readonly string[]> => {
    const task: TaskOf<"transport"> = { ...common, step: "transport", seq: 9, sink: { name: "vault" } };
    return (await transport(task, bed.context("t"))).delivered;
  };
  const check = async (): Promise<unknown> => {
    const { verified, damaged } = await verify(
      { ...common, step: "verify", sink: { name: "vault" }, mode: "Full" },
      bed.context("v"),
    );
    return { verified, damaged };
  };
  beforeEach(() => {
    mkdirSync(join(bed.root, "sinks/vault"), { recursive: true });
  });

  test("a damaged base takes with it what is based on it, until it is brought again", async () => {
    const [first, second, third] = await chain();
    expect(await carry()).toEqual([first.id, second.id, third.id]);
    expect(await check()).toEqual({ verified: [third.id, second.id, first.id], damaged: [] });
    for (const { path, id } of [first, second, third]) renameSync(path, join(bed.layout.store, id));
    // As if it had gone bad before it was ever looked at.
    flip(join(sink().store, second.id, "volumes/uploads.tar.zst"));
    rmSync(join(sink().verified, `${second.id}.json`));
    expect(await check()).toEqual({ verified: [first.id], damaged: [second.id] });
    const restore: TaskOf<"plan"> = {
      ...common,
      step: "plan",
      from: { generation: third.id },
      included: false,
      databases: [],
      volumes: [uploads],
      locations: [{ name: "vault" }],
      passedOver: [],
    };
    await expect(plan(restore, bed.context("r"))).rejects.toThrow(
      `generation ${second.id}, which ${third.id} is based on, is not there`,
    );
    // The other location is whole.
    expect(
      await plan({ ...restore, locations: [{ name: "vault" }, { name: "source" }] }, bed.context("r")),
    ).toMatchObject({
      id: third.id,
      location: "source",
    });
    expect(await carry()).toEqual([second.id]);
    expect(await check()).toEqual({ verified: [third.id, second.id, first.id], damaged: [] });
  });

  test("a location that cannot be read is trouble with a code, which is tried again", async () => {
    const [first, second] = await chain();
    await carry();
    // As an error of the disk, on the way to what is to be restored.
    mkdirSync(join(sink().verified, `${first.id}.json`));
    await expect(stage(stageTask(second, "vault"), bed.context("r"))).rejects.toMatchObject({
      code: "HO-R803",
      retry: true,
      message: expect.stringMatching(/^reading the generation failed: .*EISDIR/),
    });
    expect(readdirSync(volume)).toEqual(["a", "b", "c"]);
  });

  test("a base that is simply gone comes back too", async () => {
    const [first, second, third] = await chain();
    await carry();
    rmSync(join(sink().store, first.id), { recursive: true });
    expect(await check()).toEqual({ verified: [], damaged: [] });
    for (const { path, id } of [first, second, third]) renameSync(path, join(bed.layout.store, id));
    expect(await carry()).toEqual([first.id]);
    expect(await check()).toMatchObject({ verified: [third.id, second.id, first.id] });
  });
});

describe("a restore", () => {
  test("finds a flipped bit in an old archive before it builds anything", async () => {
    const [first, , third] = await chain();
    flip(archiveOf(first));
    await expect(stage(stageTask(third), bed.context("r"))).rejects.toMatchObject({
      code: "HO-R809",
      message: expect.stringContaining(first.id),
    });
    expect(readdirSync(volume)).toEqual(["a", "b", "c"]);
  });

  test("by restore.sh finds a damaged, a foreign and a missing base, and a file that nobody made", async () => {
    const [first, second, third] = await chain();
    const script = (): string => run("sh", ["-c", "sh restore.sh --check 2>&1 || true"], { cwd: third.path });
    const unknown = run("sh", ["-c", "sh restore.sh --foo 2>&1 || echo $?"], { cwd: third.path });
    expect(unknown).toMatch(/^restore\.sh: unknown option: --foo\nUsage: [^]*\n2\n$/);
    expect(script()).toMatch(/done/);
    const added = join(second.path, "volumes/uploads.deleted.tar.zst");
    writeFileSync(added, "x");
    expect(script()).toMatch(`volumes/uploads.deleted.tar.zst is not of ${second.id}; nothing was restored`);
    rmSync(added);
    flip(archiveOf(first));
    expect(script()).toMatch(`${first.id} is damaged; nothing was restored`);
    rmSync(first.path, { recursive: true });
    expect(script()).toMatch(`generation ${first.id} is needed too`);
    cpSync(second.path, first.path, { recursive: true });
    expect(script()).toMatch("is not the generation that this one is based on");
  });

  test("never follows a link that an older member has made", async () => {
    const outside = join(bed.root, "outside");
    mkdirSync(join(outside, "deep"), { recursive: true });
    writeFileSync(join(outside, "victim"), "kept");
    symlinkSync(outside, join(volume, "link"));
    await make(bed, 1, "Full");
    edit("b", "second");
    const second = await make(bed, 2, "Incremental");
    // An archive and a list of names that lead through the link, with digests to match.
    const evil = join(bed.root, "evil");
    mkdirSync(join(evil, "link/deep"), { recursive: true });
    writeFileSync(join(evil, "link/victim"), "overwritten");
    run("sh", ["-c", 'tar -c . | zstd -qf -o "$0"', archiveOf(second)], { cwd: evil });
    await expect(stage(forged(second), bed.context("r"))).rejects.toMatchObject({ code: "HO-R803" });
    writeFileSync(join(second.path, "volumes/uploads.deleted"), "./link/victim\0");
    await expect(stage(forged(second), bed.context("r"))).rejects.toMatchObject({ code: "HO-R803" });
    writeFileSync(join(second.path, "volumes/uploads.deleted"), "./a/../../../../outside/victim\0");
    await expect(stage(forged(second), bed.context("r"))).rejects.toMatchObject({ code: "HO-R803" });
    expect(readFileSync(join(outside, "victim"), "utf8")).toBe("kept");
    expect(readdirSync(outside)).toEqual(["deep", "victim"]);
  });

  /** Makes the generation whole in itself again after its files were changed. */
  function forged(made: Made): TaskOf<"stage"> {
    const path = join(made.path, "manifest.json");
    const manifest = JSON.parse(readFileSync(path, "utf8")) as {
      files: { path: string; size: number; sha256: string }[];
    };
    for (const file of manifest.files) {
      const bytes = readFileSync(join(made.path, file.path));
      const sha256 = run("sha256sum", [join(made.path, file.path)]).slice(0, 64);
      if (file.sha256 !== sha256) run("sed", ["-i", `s/^${file.sha256}/${sha256}/`, join(made.path, "SHA256SUMS")]);
      Object.assign(file, { size: bytes.length, sha256 });
    }
    const sums = manifest.files.find((file) => file.path === "SHA256SUMS");
    if (sums !== undefined) sums.sha256 = run("sha256sum", [join(made.path, "SHA256SUMS")]).slice(0, 64);
    writeFileSync(path, JSON.stringify(manifest));
    writeFileSync(join(made.path, "manifest.sha256"), `${digestOf(made.path)}  manifest.json\n`);
    return stageTask(made);
  }
});
