/** The mover as Kubernetes runs it: a process with a task in its environment, a result in a file, an exit code, and SIGTERM. */
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { parseResult, type MoverResult } from "../../operator/contract/result.ts";
import { encodeTask, type MoverTask } from "../../operator/contract/task.ts";
import { common, preflightTask, sealTask, uploads } from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-process-"));
  for (const directory of ["dev", "store", "v/uploads", "signal", "tmp"])
    mkdirSync(join(root, directory), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const argv = ["operator/main.ts", "mover"];
const environment = (task: MoverTask | string, podUID: string): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HANDOVER_ROOT: root,
  HANDOVER_POD_UID: podUID,
  HANDOVER_TASK: typeof task === "string" ? task : encodeTask(task),
});
const resultFile = (): string => join(root, "dev/termination-log");
const readResult = (): MoverResult | undefined =>
  existsSync(resultFile()) ? parseResult(readFileSync(resultFile(), "utf8")) : undefined;

interface Ended {
  readonly code: number | null;
  readonly result: MoverResult | undefined;
  readonly lines: readonly Record<string, unknown>[];
}

function runMover(task: MoverTask | string, podUID = "pod-1", wrapper: readonly string[] = []): Ended {
  rmSync(resultFile(), { force: true });
  const [program = "", ...args] = [...wrapper, process.execPath, ...argv];
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    env: environment(task, podUID),
    timeout: 30_000,
  });
  expect(stderr).toBe("");
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code: status, result: readResult(), lines };
}

const warmTask: MoverTask = { ...common, step: "warm", seq: 1, volumes: [uploads] };
const archiveTask: MoverTask = { ...common, step: "archive", seq: 1, volumes: [uploads], frozen: true };

describe("the mover process", () => {
  test("goes through a backup, step by step", () => {
    for (let index = 0; index < 200; index += 1) writeFileSync(join(root, "v/uploads", `f${index}`), `${index}`);
    expect(runMover({ ...preflightTask(), sinks: [] }, "pod-0")).toMatchObject({
      code: 0,
      result: { ok: true, lastSeq: 0, files: 200 },
    });
    expect(runMover(warmTask, "pod-w")).toMatchObject({ code: 0, result: { ok: true, files: 200 } });
    const { code, result } = runMover(archiveTask);
    expect({ code, result }).toMatchObject({
      code: 0,
      result: { ok: true, files: 200, freezeSeconds: expect.any(Number) },
    });
    expect(readFileSync(join(root, "signal/archive.released"), "utf8")).toMatch(/"at":/);
    expect(runMover({ ...common, step: "release", parts: ["archive"] })).toMatchObject({
      code: 0,
      result: { ok: true, step: "release" },
    });
    expect(runMover(sealTask(), "pod-s")).toMatchObject({ code: 0, result: { ok: true, files: 200 } });
    // What tools make by their own ideas is private too.
    expect(
      run("find", [
        join(root, "store"),
        "-path",
        "*/mirror/uploads",
        "-prune",
        "-o",
        "-perm",
        "/077",
        "-print",
      ]).replace(`${join(root, "store")}\n`, ""),
    ).toBe("");
    // Nothing that the steps are made of may grow with the data.
    expect(result?.ok === true && "peakMiB" in result ? result.peakMiB : Infinity).toBeLessThan(256);
  });

  test.each([["not JSON"], ['{"version":2,"step":"release"}'], [""]])("refuses the task %j with a result", (task) => {
    expect(runMover(task)).toMatchObject({ code: 1, result: { ok: false, code: "HO-X001" } });
  });

  test("fails at once when another container of the pod has failed", () => {
    const failed = { code: "HO-D302", message: "password", retry: false };
    writeFileSync(join(root, "signal/dump.failed"), JSON.stringify(failed));
    expect(runMover({ ...common, step: "release", parts: ["dump", "archive"] })).toMatchObject({
      code: 1,
      result: { ok: false, ...failed },
    });
  });

  test("names the file that it cannot read", () => {
    writeFileSync(join(root, "v/uploads/open"), "x");
    writeFileSync(join(root, "v/uploads/closed"), "x");
    chmodSync(join(root, "v/uploads/closed"), 0);
    run("chown", ["nobody", join(root, "v/uploads/closed")]);
    runMover(preflightTask(), "pod-0");
    // Root as in a pod without the capabilities to pass by modes.
    const restricted = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];
    const { code, result } = runMover(warmTask, "pod-w", restricted);
    expect({ code, result }).toMatchObject({
      code: 1,
      result: { ok: false, code: "HO-A401", message: expect.stringMatching(/closed.*Permission denied/) },
    });
  });

  test("ends its tools and says so when the pod is asked to end", async () => {
    run("sh", ["-c", 'head -c 150000000 /dev/urandom > "$0"', join(root, "v/uploads/large")]);
    runMover(preflightTask(), "pod-0");
    const child = spawn(process.execPath, argv, { env: environment(warmTask, "pod-w"), stdio: "ignore" });
    const ended = new Promise<number | null>((resolve) => {
      child.once("exit", resolve);
    });
    const mirror = join(root, "store/shop/nightly/mirror/uploads");
    while (!existsSync(join(mirror, "large"))) await sleep(5);
    child.kill("SIGTERM");
    expect(await ended).toBe(1);
    expect(readResult()).toMatchObject({ ok: false, code: "HO-X003", retry: true });
    await sleep(200);
    expect(run("pgrep", ["-f", `rsync.*${root}`], { okCodes: [0, 1] })).toBe("");
  });

  test("does not follow a link that the app has put in the place of a directory", () => {
    mkdirSync(join(root, "outside"));
    writeFileSync(join(root, "outside/secret"), "not the app's");
    symlinkSync(join(root, "outside"), join(root, "v/uploads/link"));
    runMover(preflightTask(), "pod-0");
    runMover(warmTask, "pod-w");
    runMover(archiveTask);
    const { code } = runMover(sealTask(), "pod-s");
    expect(code).toBe(0);
    expect(run("grep", ["-rl", "not the app", join(root, "store")], { okCodes: [0, 1] })).toBe("");
  });
});
