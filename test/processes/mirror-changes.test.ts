/** Files that change, shrink or go while they are copied: no trouble beside a running app, and never taken for whole when it is stopped. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { VolumeRef } from "../../operator/contract/task.ts";
import type { MoverError } from "../../operator/mover/errors.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { stateFiles } from "../../operator/mover/mirror/state-list.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { differences, run } from "../support/odd-files.ts";

jest.setTimeout(240_000);

const path = process.env["PATH"] ?? "";
let bed: MirrorBed;
let root = "";
let job: MirrorJob;
beforeEach(() => {
  bed = createMirrorBed();
  ({ job, root } = bed);
  for (const name of ["a", "gone", "log", "z"]) writeFileSync(join(job.source, name), name.repeat(300_000));
});
afterEach(() => {
  process.env["PATH"] = path;
  bed.remove();
});

/**
 * Lets the kernel answer rsync in another way when it reads the file `log`, in so many of its next runs.
 * @param injection as strace understands it
 */
function inject(injection: string, runs: number): void {
  const bin = join(root, "bin");
  mkdirSync(bin, { recursive: true });
  // Where rsync may read, whatever it is confined to.
  const left = join(bin, "left");
  writeFileSync(left, String(runs));
  writeFileSync(
    join(bin, "rsync"),
    `#!/bin/sh
PATH=\${PATH#*:}
left=$(cat '${left}')
[ "$left" -gt 0 ] || exec rsync "$@"
echo $((left - 1)) > '${left}'
exec strace -f -qq -o /dev/null -e trace=read,openat,getxattr -P log -P '${join(job.source, "log")}' -e inject=${injection} rsync "$@"
`,
  );
  chmodSync(join(bin, "rsync"), 0o755);
  process.env["PATH"] = `${bin}${delimiter}${path}`;
}

/** After the warm passes: one file changes, one goes. @param times how long it becomes */
async function warmAndChange(times = 300_000): Promise<void> {
  await warmMirror(job);
  writeFileSync(join(job.source, "log"), "log!".repeat(times));
  rmSync(join(job.source, "gone"));
}

const shrinks = "read:retval=0:when=3+";
const vanishes = "openat:error=ENOENT";
const vanishesListed = "getxattr:error=ENOENT";
/** So short that nothing of it is brought before rsync, whose other side cannot open it either then, and takes two such files for equal. */
const short = 5_000;
const breaks = "read:error=EIO:when=2+";

describe("beside a running app", () => {
  test("a file that shrinks once while it is copied is copied again, and what is gone goes from the mirror", async () => {
    await warmAndChange();
    inject(shrinks, 1);
    expect((await coldMirror(job, false)).warnings).toEqual([]);
    expect(differences(job.source, job.mirror)).toBe("");
  });

  test("a file that shrinks each time is told of, and spoils nothing else", async () => {
    await warmAndChange();
    inject(shrinks, 100);
    const { warnings } = await coldMirror(job, false);
    expect(warnings).toEqual([expect.stringMatching(/^volume uploads: 1 file changed while being copied, "log"/)]);
    for (const name of ["a", "z"])
      expect(readFileSync(join(job.mirror, name)).equals(readFileSync(join(job.source, name)))).toBe(true);
    // The next run brings it.
    inject(shrinks, 0);
    await warmMirror(job);
    expect((await coldMirror(job, false)).warnings).toEqual([]);
    expect(differences(job.source, job.mirror)).toBe("");
  });

  test("the warm passes bear it too", async () => {
    inject(shrinks, 1);
    await warmMirror(job);
    expect(differences(job.source, job.mirror)).toBe("");
  });

  test("a file that goes before it is opened is no trouble", async () => {
    await warmAndChange(short);
    inject(vanishes, 100);
    expect((await coldMirror(job, false)).warnings).toEqual([]);
    expect(readdirSync(job.mirror)).not.toContain("gone");
  });

  test("a file that goes while it is listed is no trouble, and what is gone goes from the mirror", async () => {
    await warmAndChange();
    inject(vanishesListed, 2);
    expect((await coldMirror(job, false)).warnings).toEqual([]);
    expect(differences(job.source, job.mirror)).toBe("");
  });

  test("a file that cannot be read is", async () => {
    await warmAndChange();
    inject(breaks, 100);
    await expect(coldMirror(job, false)).rejects.toMatchObject({
      code: "HO-A401",
      message: expect.stringContaining("log"),
    });
  });
});

describe("while the app is stopped, nothing may change", () => {
  test.each([
    ["shrinks", shrinks, "HO-A402"],
    ["goes", vanishes, "HO-A402"],
    ["goes while it is listed", vanishesListed, "HO-A402"],
    ["cannot be read", breaks, "HO-A401"],
  ])("a file that %s ends the capture", async (_what, injection, code) => {
    await warmAndChange(injection === vanishes ? short : undefined);
    inject(injection, 100);
    await expect(coldMirror(job, true)).rejects.toMatchObject({ code });
  });
});

describe("a file that goes between the look at the volume and the copy", () => {
  /** When rsync is given names. */
  function vanish(name: string): void {
    const bin = join(root, "bin");
    mkdirSync(bin, { recursive: true });
    const script = [
      "PATH=${PATH#*:}",
      `case "$*" in *--files-from=*) rm -rf '${join(job.source, name)}' ;; esac`,
      'exec rsync "$@"',
    ];
    writeFileSync(join(bin, "rsync"), `#!/bin/sh\n${script.join("\n")}\n`);
    chmodSync(join(bin, "rsync"), 0o755);
    process.env["PATH"] = `${bin}${delimiter}${path}`;
  }
  /** Everything is compared, and not only what differs. */
  const forgetInventory = (): void => rmSync(stateFiles(job.stateDirectory, "uploads").source);

  test.each([
    ["that was written to", "log", () => undefined],
    ["that is new", "new", () => writeFileSync(join(job.source, "new"), "")],
    ["with the directory that it is in", "dir", () => mkdirSync(join(job.source, "dir/deep"), { recursive: true })],
    ["in a pass that compares everything", "log", forgetInventory],
  ])("ends the capture: one %s", async (_what, name, change) => {
    await warmAndChange();
    change();
    vanish(name);
    const { code, message } = await coldMirror(job, true).then(
      () => ({ code: "", message: "" }),
      (error: unknown) => error as MoverError,
    );
    expect([code, message]).toEqual(["HO-A402", expect.stringContaining(`"${name}`)]);
  });

  test("is no trouble beside a running app", async () => {
    await warmAndChange();
    vanish("log");
    expect((await coldMirror(job, false)).warnings).toEqual([]);
  });

  test.each<[string, Partial<VolumeRef>]>([
    ["excluded", { exclude: ["log", "**/*.tmp"] }],
    ["excluded with what it is in", { exclude: ["lo*/**"] }],
    ["not among the paths", { paths: ["a", "new"] }],
  ])("is none when it is %s", async (_what, selection) => {
    job = { ...job, volume: { ...job.volume, ...selection } };
    await warmMirror(job);
    rmSync(join(job.source, "log"));
    mkdirSync(join(job.source, "log"));
    writeFileSync(join(job.source, "log/x.tmp"), "");
    writeFileSync(join(job.source, "new"), "");
    vanish("log/x.tmp");
    await coldMirror(job, true);
    expect(readFileSync(join(job.mirror, "new"), "utf8")).toBe("");
  });
});

test("the injection is one", async () => {
  await warmAndChange();
  inject(shrinks, 1);
  expect(run("rsync", ["-a", `${job.source}/`, `${job.mirror}/`], { okCodes: [23] })).toBe("");
});
