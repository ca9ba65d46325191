/** A pass that looks only at what has changed since the mirror was equal to the volume leaves it equal, and knows when it may not do so. */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { keepInventory, takeInventory } from "../../operator/mover/mirror/inventory.ts";
import { readState, writeState } from "../../operator/mover/mirror/mirror-state.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { stateFiles } from "../../operator/mover/mirror/state-list.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { mutate, randomOf } from "../support/mutations.ts";
import { differences, run, writeOddFiles } from "../support/odd-files.ts";

jest.setTimeout(300_000);

let bed: MirrorBed;
let root = "";
let job: MirrorJob;
beforeEach(() => {
  bed = createMirrorBed();
  ({ job, root } = bed);
  mkdirSync(join(job.source, "dir/deep"), { recursive: true });
  for (const name of ["a", "b", "dir/c", "dir/deep/d"]) writeFileSync(join(job.source, name), name);
});
afterEach(() => bed.remove());

const inSource = (path: string): string => join(job.source, path);
const inMirror = (path: string): string => join(job.mirror, path);
/** Nobody has named this in the mirror: only a pass that compares all of it finds it. */
const stray = "dir/stray";
const passes = async (): Promise<void> => {
  await warmMirror(job);
  const { settle } = await coldMirror(job, true);
  await settle(job.signal);
};

describe("what changed since the mirror was equal is brought over, and nothing else is looked at", () => {
  test.each<[string, () => void]>([
    ["a new file", () => writeFileSync(inSource("dir/new"), "new")],
    ["a file that is gone", () => rmSync(inSource("dir/c"))],
    ["a directory that is gone with all in it", () => rmSync(inSource("dir/deep"), { recursive: true })],
    ["a directory of another name", () => renameSync(inSource("dir/deep"), inSource("other"))],
    [
      "a directory where a file was",
      () => {
        rmSync(inSource("a"));
        mkdirSync(inSource("a"));
        writeFileSync(inSource("a/within"), "x");
      },
    ],
    [
      "a file where a directory was",
      () => {
        rmSync(inSource("dir/deep"), { recursive: true });
        writeFileSync(inSource("dir/deep"), "x");
      },
    ],
    [
      "one of two names that has got a file of its own",
      () => {
        rmSync(inSource("linked-2"));
        writeFileSync(inSource("linked-2"), "its own");
      },
    ],
    ["a third name", () => linkSync(inSource("linked-1"), inSource("linked-3"))],
    ["one name less", () => rmSync(inSource("linked-1"))],
    ["the same file under another name", () => renameSync(inSource("linked-1"), inSource("dir/linked"))],
  ])("%s", async (_what, change) => {
    writeFileSync(inSource("linked-1"), "linked");
    linkSync(inSource("linked-1"), inSource("linked-2"));
    await warmMirror(job);
    await passes();
    writeFileSync(inMirror(stray), "");
    change();
    await warmMirror(job);
    expect(existsSync(inMirror(stray))).toBe(true);
    await coldMirror(job, true);
    rmSync(inMirror(stray));
    // The directory has got a time of its own by that.
    expect(differences(job.source, job.mirror)).toMatch(/^(\.d\.\.t\.{6} dir\/\n)?$/);
  });

  test("where a link has become a directory, nothing is touched that the link led to", async () => {
    const outside = join(root, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "file"), "not ours");
    mkdirSync(join(outside, "directory"));
    symlinkSync(outside, inSource("name"));
    await passes();
    rmSync(inSource("name"));
    mkdirSync(inSource("name/file"), { recursive: true });
    writeFileSync(inSource("name/directory"), "x");
    await passes();
    rmSync(inSource("name"), { recursive: true });
    symlinkSync(outside, inSource("name"));
    await passes();
    expect(differences(job.source, job.mirror)).toBe("");
    expect(readFileSync(join(outside, "file"), "utf8")).toBe("not ours");
    expect(readdirSync(outside)).toEqual(["directory", "file"]);
  });

  test("a directory of another name, with a name of a file that has others elsewhere", async () => {
    mkdirSync(inSource("sub"));
    linkSync(inSource("a"), inSource("sub/a"));
    // So much older than the newest that they are not compared for being recent.
    const { ctimeMs } = statSync(inSource("a"));
    do {
      writeFileSync(inSource("b"), "newer");
      await sleep(50);
    } while (statSync(inSource("b")).ctimeMs < ctimeMs + 3_200);
    await passes();
    renameSync(inSource("sub"), inSource("other"));
    await passes();
    expect(differences(job.source, job.mirror)).toBe("");
  });

  test("whatever a name may hold, and whatever kinds there are", async () => {
    await passes();
    writeFileSync(inMirror(stray), "");
    mkdirSync(inSource("odd"));
    writeOddFiles(inSource("odd"));
    await passes();
    expect(existsSync(inMirror(stray))).toBe(true);
    rmSync(inMirror(stray));
    expect(differences(inSource("odd"), inMirror("odd"))).toBe("");
    rmSync(inSource("odd"), { recursive: true });
    await passes();
    expect(readdirSync(job.mirror)).toEqual(["a", "b", "dir"]);
  });

  test("an edit that the inventory cannot tell, because it has the same times", async () => {
    await passes();
    writeFileSync(inSource("a"), "A");
    // As if the first content had been copied within the same tick of the clock.
    const fresh = join(job.scratch, "fresh");
    await takeInventory({ root: job.source, target: fresh, signal: job.signal });
    await keepInventory(fresh, stateFiles(job.stateDirectory, "uploads").source, job.signal);
    await warmMirror(job);
    expect(readFileSync(inMirror("a"), "utf8")).toBe("A");
  });

  test("a name below what is a link in the mirror leads nowhere", async () => {
    await passes();
    renameSync(inMirror("dir"), join(root, "outside"));
    symlinkSync(join(root, "outside"), inMirror("dir"));
    rmSync(inSource("dir/c"));
    await warmMirror(job);
    expect(readdirSync(join(root, "outside"))).toEqual(["c", "deep"]);
    expect(readdirSync(inMirror("dir"))).toEqual(["deep"]);
  });

  test("it counts what the mirror holds", async () => {
    await passes();
    writeFileSync(inSource("a"), "x".repeat(1000));
    rmSync(inSource("dir/deep"), { recursive: true });
    await passes();
    expect(await readState(job)).toMatchObject({ files: 3, bytes: 1000 + "b".length + "dir/c".length });
  });
});

test("a pass that compares everything misses no edit under a clock that was set back", async () => {
  await passes();
  const [time, edited] = [join(root, "time"), inSource("dir/c")];
  run("touch", ["-r", edited, time]);
  writeFileSync(edited, "dir/C");
  run("touch", ["-r", time, edited]);
  const state = await readState(job);
  if (state === undefined) throw new Error("no state");
  await writeState(job, { ...state, mark: String(Math.floor(Date.now() / 1000) + 100) });
  await warmMirror(job, true);
  expect(readFileSync(inMirror("dir/c"), "utf8")).toBe("dir/C");
});

describe("everything is compared", () => {
  /** What a warm pass leaves of the stray file, and of what differs. */
  const afterPass = async (): Promise<unknown> => {
    await warmMirror(job);
    return { stray: existsSync(inMirror(stray)), differs: differences(job.source, job.mirror) };
  };
  const all = { stray: false, differs: "" };
  beforeEach(async () => {
    await passes();
    writeFileSync(inMirror(stray), "");
  });

  test("when it is asked for", async () => {
    await warmMirror(job, true);
    expect(existsSync(inMirror(stray))).toBe(false);
  });

  test("after a pass that was killed: what it had brought may be gone before the next one looks", async () => {
    const killed = { ...job, signal: AbortSignal.abort() };
    writeFileSync(inSource("dir/new"), "");
    await coldMirror(job, true);
    // No one has settled it.
    rmSync(inSource("dir/new"));
    await expect(warmMirror(killed)).rejects.toThrow("aborted");
    expect(await afterPass()).toEqual(all);
  });

  test("after a restart of the node in between", async () => {
    const { note } = stateFiles(job.stateDirectory, "uploads");
    writeFileSync(note, "00000000-0000-4000-8000-000000000000\n");
    expect(await afterPass()).toEqual(all);
  });

  test("when the selection is another one", async () => {
    job = { ...job, volume: { ...job.volume, exclude: ["b"] } };
    await warmMirror(job);
    expect(existsSync(inMirror(stray))).toBe(false);
    expect(readdirSync(job.mirror)).toEqual(["a", "dir"]);
  });

  test("when a pass with another selection was killed, and the selection is as before again", async () => {
    const stop = new AbortController();
    // Large enough for a second pass, which waits a moment before it begins.
    writeFileSync(inSource("large"), "");
    truncateSync(inSource("large"), 70 * 1024 * 1024);
    const { source } = stateFiles(job.stateDirectory, "uploads");
    rmSync(source);
    const state = await readState(job);
    if (state === undefined) throw new Error("no state");
    // As if nothing had changed for a night.
    await writeState(job, { ...state, mark: String(Math.floor(Date.now() / 1000) + 60) });
    const other = { ...job, volume: { ...job.volume, exclude: ["b"] }, signal: stop.signal };
    const killed = warmMirror(other).catch((error: unknown) => String(error));
    while (!existsSync(source)) await sleep(5);
    stop.abort();
    expect(await killed).toContain("abort");
    expect(await afterPass()).toEqual(all);
  });

  test("when a directory that is gone holds what is not known", async () => {
    rmSync(inSource("dir"), { recursive: true });
    expect(await afterPass()).toEqual(all);
  });

  test("when the inventory is damaged", async () => {
    writeFileSync(stateFiles(job.stateDirectory, "uploads").source, "no inventory");
    expect(await afterPass()).toEqual(all);
  });
});

test("what is excluded is neither brought nor counted", async () => {
  job = { ...job, volume: { ...job.volume, exclude: ["dir/deep", "*.tmp"] } };
  await passes();
  writeFileSync(inSource("x.tmp"), "");
  mkdirSync(inSource("lost+found"));
  writeFileSync(inSource("lost+found/#123"), "");
  writeFileSync(inSource("dir/deep/new"), "");
  writeFileSync(inSource("y"), "");
  await passes();
  expect(readdirSync(job.mirror)).toEqual(["a", "b", "dir", "y"]);
  expect(readdirSync(inMirror("dir"))).toEqual(["c"]);
  rmSync(inSource("dir"), { recursive: true });
  await passes();
  expect(readdirSync(job.mirror)).toEqual(["a", "b", "y"]);
});

test.each([1, 4])("whatever happens to a volume, the mirror is equal to it after each pass (seed %i)", async (seed) => {
  const random = randomOf(seed);
  await warmMirror(job);
  const done: string[] = [];
  const change = (): void => {
    for (let left = 1 + Math.floor(random() * 12); left > 0; left -= 1) done.push(mutate(job.source, random));
  };
  for (let round = 0; round < 8; round += 1) {
    change();
    await warmMirror(job);
    change();
    const { settle } = await coldMirror(job, true);
    expect({ differs: differences(job.source, job.mirror), done }).toEqual({ differs: "", done });
    if (random() < 0.7) await settle(job.signal);
    done.push("-");
  }
});
