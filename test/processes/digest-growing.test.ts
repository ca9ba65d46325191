/** The digest of a file, also of one that a program still writes. */
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { digestFile, digestGrowing } from "../../operator/mover/store/digest.ts";

let root = "";
let file = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-growing-"));
  file = join(root, "file");
  writeFileSync(file, "x");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("who waits for the end is remembered once, however often the file is waited for", async () => {
  let waiters = 0;
  class Counted<T> extends Promise<T> {
    // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
    override then<A = T, B = never>(...on: Parameters<Promise<T>["then"]>): Promise<A | B> {
      waiters += 1;
      return super.then(...on) as Promise<A | B>;
    }
  }
  let end = (): void => undefined;
  const written = new Counted<void>((resolve) => (end = resolve));
  const rounds = 20;
  const digest = await digestGrowing(file, written, (size) => {
    if (size === rounds) end();
    // When it has been found not to grow.
    else setTimeout(() => appendFileSync(file, "x"), 1);
  });
  expect(digest).toEqual({ size: rounds, sha256: createHash("sha256").update("x".repeat(rounds)).digest("hex") });
  expect(waiters).toBeLessThan(8);
});

test("a program that failed is told of, at whatever it was", async () => {
  await expect(digestGrowing(file, Promise.reject(new Error("full")))).rejects.toThrow("full");
});

test("a file that the program could not make is missing for the program's reason", async () => {
  rmSync(file);
  await expect(digestGrowing(file, Promise.reject(new Error("full")))).rejects.toThrow("full");
});

test.each([0, 1, 1024 * 1024, 3 * 1024 * 1024 + 7])("a whole file of %d bytes", async (size) => {
  const content = randomBytes(size);
  writeFileSync(file, content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  expect(await digestFile(file)).toEqual({ sha256, size });
});

test("a file is not read on when nobody wants to know any more", async () => {
  writeFileSync(file, randomBytes(3 * 1024 * 1024));
  await expect(digestFile(file, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
});
