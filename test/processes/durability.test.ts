/**
 * What comes into view is on the disk, and stays in view after a power cut: by the system calls of a real transport, because a
 * kernel that goes on running shows no difference.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { addGeneration, common, createBench, idOf, type Bench } from "../support/generations.ts";

jest.setTimeout(240_000);

interface SystemCall {
  readonly name: "rename" | "fsync" | "syncfs";
  /** What is synced, or what gets a new name. */
  readonly path: string;
  readonly to: string;
}

let bench: Bench;
let calls: readonly SystemCall[] = [];
beforeEach(() => {
  bench = createBench();
  addGeneration(bench.source.handover, { seq: 1 });
  const trace = join(bench.root, "trace");
  const child = fileURLToPath(new URL("../support/transport-child.ts", import.meta.url));
  const task = { ...common, step: "transport", seq: 9, sink: { name: "vault", uuid: "vault-uuid" } };
  const strace = ["-f", "-y", "-qq", "-s", "4096", "-e", "trace=fsync,syncfs,rename,renameat,renameat2", "-o", trace];
  const { status, stderr } = spawnSync(
    "strace",
    [...strace, process.execPath, child, JSON.stringify(task), bench.root],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  calls = readFileSync(trace, "utf8").split("\n").flatMap(parse);
});
afterEach(() => bench.remove());

/** A line of strace. Of a call that is told in two lines the first one has the arguments. */
function parse(line: string): readonly SystemCall[] {
  const sync = /\b(fsync|syncfs)\(\d+<([^>]+)>/.exec(line);
  if (sync !== null) return [{ name: sync[1] === "fsync" ? "fsync" : "syncfs", path: sync[2] ?? "", to: "" }];
  const rename = /\brename\w*\((?:AT_FDCWD[^,]*, )?"([^"]+)", (?:AT_FDCWD[^,]*, )?"([^"]+)"/.exec(line);
  return rename === null ? [] : [{ name: "rename", path: rename[1] ?? "", to: rename[2] ?? "" }];
}

const generation = (): string => join(bench.sink().store, idOf(1));
const seal = (): number => calls.findIndex(({ name, to }) => name === "rename" && to === generation());

describe("a copy at a sink", () => {
  test("comes into view when all of its bytes are on the disk", () => {
    const synced = calls.findIndex(({ name, path }) => name === "syncfs" && path.startsWith(bench.sink().staging));
    expect(synced).toBeGreaterThanOrEqual(0);
    expect(seal()).toBeGreaterThan(synced);
  });

  test("and stays in view: the directories are written, too, where it came to and where it went from", () => {
    const after = calls.slice(seal() + 1).flatMap(({ name, path }) => (name === "fsync" ? [path] : []));
    expect(after).toEqual(expect.arrayContaining([bench.sink().store, dirname(calls[seal()]?.path ?? "")]));
  });
});

test("a small file gets its name when it is on the disk, and the name is written after it", () => {
  const small = calls.flatMap((call, index) =>
    /\/\.[^/]+\.tmp$/.test(call.path) && call.name === "rename" ? [index] : [],
  );
  expect(small.map((index) => calls[index]?.to.split("/").at(-1))).toEqual(
    expect.arrayContaining(["manifest.json", "manifest.sha256"]),
  );
  for (const index of small) {
    const { path, to } = calls[index]!;
    expect(calls.slice(0, index)).toContainEqual({ name: "fsync", path, to: "" });
    expect(calls.slice(index + 1)).toContainEqual({ name: "fsync", path: dirname(to), to: "" });
  }
});
