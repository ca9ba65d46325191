import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cached, cacheKey, hashTree } from "../../cluster/bed/cache.ts";
import { withLock } from "../../cluster/bed/lock.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "bed-"));
  process.env["HANDOVER_CACHE"] = join(dir, "cache");
});
afterEach(() => {
  delete process.env["HANDOVER_CACHE"];
  rmSync(dir, { recursive: true });
});

test("a key knows the borders of its parts", () => {
  expect(cacheKey(["ab", "c"])).not.toBe(cacheKey(["a", "bc"]));
  expect(cacheKey(["ab", "c"])).toMatch(/^[0-9a-f]{16}$/);
});

test("the hash of a tree changes with a name, a content and the executable bit, and with nothing else", () => {
  const tree = join(dir, "tree");
  mkdirSync(join(tree, "sub"), { recursive: true });
  const file = join(tree, "sub", "file");
  writeFileSync(file, "text", { mode: 0o644 });
  const first = hashTree(tree);
  writeFileSync(file, "text");
  expect(hashTree(tree)).toBe(first);
  chmodSync(file, 0o755);
  const executable = hashTree(tree);
  writeFileSync(file, "other");
  const changed = hashTree(tree);
  writeFileSync(join(tree, "sub", "more"), "");
  expect(new Set([first, executable, changed, hashTree(tree)]).size).toBe(4);
});

describe("a cached item", () => {
  test("is made once, also when two want it at the same time", async () => {
    let made = 0;
    const make = async (work: string): Promise<void> => {
      made += 1;
      await sleep(20);
      writeFileSync(join(work, "item"), "complete");
    };
    const key = cacheKey(["x"]);
    const [first, second] = await Promise.all([cached("kind", key, 2, make), cached("kind", key, 2, make)]);
    expect([made, first, readFileSync(join(first, "item"), "utf8")]).toEqual([1, second, "complete"]);
  });

  test("that failed halfway is not there, and the next try starts afresh", async () => {
    const key = cacheKey(["x"]);
    const fail = cached("kind", key, 2, async (work) => {
      writeFileSync(join(work, "half"), "");
      throw new Error("no space left");
    });
    await expect(fail).rejects.toThrow("no space left");
    const made = await cached("kind", key, 2, async (work) => writeFileSync(join(work, "whole"), ""));
    expect([existsSync(join(made, "half")), existsSync(join(made, "whole"))]).toEqual([false, true]);
  });

  test("stays while it is among the last used of its kind", async () => {
    const make = async (): Promise<void> => undefined;
    const paths: string[] = [];
    for (const name of ["a", "b", "c"]) {
      paths.push(await cached("kind", cacheKey([name]), 2, make));
      await sleep(5);
    }
    expect(paths.map((path) => existsSync(path))).toEqual([false, true, true]);
  });
});

describe("a lock", () => {
  test("of a process that has ended does not hold anybody up", async () => {
    const file = join(dir, "lock");
    writeFileSync(file, `${process.pid} 1`); // our number, but another start: the number was reused
    await expect(withLock(file, async () => "in")).resolves.toBe("in");
    expect(existsSync(file)).toBe(false);
  });

  test("lets in one at a time, and the next one also after a failure", async () => {
    const file = join(dir, "lock");
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(5);
      inside -= 1;
      throw new Error("failed");
    };
    const outcomes = await Promise.allSettled([withLock(file, work), withLock(file, work), withLock(file, work)]);
    expect([most, outcomes.map(({ status }) => status)]).toEqual([1, ["rejected", "rejected", "rejected"]]);
  });
});
