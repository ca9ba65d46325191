/** The mover as the image has it: one file and what V8 has made of it, which is believed of exactly that file. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from "@jest/globals";
import { podUidVariable, taskVariable, terminationLog } from "../../operator/contract/mounts.ts";
import { parseResult } from "../../operator/contract/result.ts";
import { rootVariable } from "../../operator/mover/main.ts";

jest.setTimeout(240_000);

const repository = join(import.meta.dirname, "..", "..");
let built = "";
let root = "";
beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), "handover-bundle-"));
  const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const [main = ""] = (scripts["bundle"] ?? "").split(" && npm run");
  for (const script of [main, scripts["bundle:mover"] ?? ""])
    execFileSync("sh", ["-ec", script.replaceAll(/\bdist\b/g, built)], {
      cwd: repository,
      env: { ...process.env, PATH: `${join(repository, "node_modules/.bin")}:${process.env["PATH"]}` },
    });
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-start-"));
  mkdirSync(join(root, "dev"));
  cpSync(built, join(root, "opt"), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const at = (name: string): string => join(root, "opt", name);

/** Of a step that finds no store. */
function messageOfStep(): string {
  const of = { version: 1, namespace: "shop", policy: "nightly", policyUID: "1", run: "run", runUID: "2" };
  const task = { ...of, step: "warm", seq: 1, volumes: [] };
  const env = { [rootVariable]: root, [podUidVariable]: "pod", [taskVariable]: JSON.stringify(task) };
  const { status, stderr } = spawnSync(process.execPath, [at("main.mjs"), "mover"], { env, encoding: "utf8" });
  expect([status, stderr]).toEqual([1, ""]);
  const result = parseResult(readFileSync(join(root, terminationLog), "utf8"));
  return result?.ok === false ? result.message : "";
}
const expected = "store: there is nothing of shop/nightly in it; is the right volume mounted?";

test("it starts with what was compiled", () => {
  expect(statSync(at("mover.compiled")).size).toBeGreaterThan(100_000);
  expect(messageOfStep()).toBe(expected);
});

test.each([
  ["is missing", () => rmSync(at("mover.compiled"))],
  ["is empty", () => writeFileSync(at("mover.compiled"), "")],
  ["was cut off", () => writeFileSync(at("mover.compiled"), readFileSync(at("mover.compiled")).subarray(0, 9_000))],
])("it starts when that %s", (_what, damage) => {
  damage();
  expect(messageOfStep()).toBe(expected);
});

test("it starts from the modules when it is not one file", () => {
  rmSync(at("mover.cjs"));
  expect(messageOfStep()).toBe(expected);
});

test("what was compiled of another program of the same length is not believed", () => {
  const text = readFileSync(at("mover.cjs"), "utf8");
  // Another step is carried out, by a function that has been compiled.
  writeFileSync(
    at("mover.cjs"),
    text
      .replace('case"release":', 'case"none":')
      .replace('case"warm":', 'case"release":')
      .replace('case"none":', 'case"warm":'),
  );
  expect(messageOfStep()).not.toBe(expected);
});
