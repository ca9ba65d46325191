/**
 * Starts the mover in as little time as can be: it starts while an app is down, and three times for each generation. In the image it is one file,
 * and beside it lies what V8 has made of that file, so nothing is compiled. Without these two the modules are loaded one by one, as in development.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Script } from "node:vm";
import type * as main from "./mover/main.ts";

const program = join(import.meta.dirname, "mover.cjs");
const compiled = join(import.meta.dirname, "mover.compiled");

type Mover = Pick<typeof main, "runMover" | "runStep">;

export async function startMover(): Promise<never> {
  const { runMover } = existsSync(program) ? load().mover : await import("./mover/main.ts");
  return await runMover();
}

/** Leaves beside the program what V8 makes of it; for this version of Node alone, any other ignores it. */
export async function compileMover(): Promise<void> {
  const { script, mover, digest } = load();
  // A step begins with loading its modules, which are to be compiled as well. None gets further than that without a task.
  for (const step of ["preflight", "warm", "dump", "archive", "collect", "release", "seal"] as const)
    await mover.runStep(JSON.parse(`{"step":"${step}"}`), JSON.parse("{}")).catch(() => undefined);
  writeFileSync(compiled, Buffer.concat([digest, script.createCachedData()]));
}

function load(): { readonly script: Script; readonly mover: Mover; readonly digest: Buffer } {
  const source = readFileSync(program);
  // V8 compares no more than the length.
  const digest = createHash("sha256").update(source).digest();
  const cache = existsSync(compiled) ? readFileSync(compiled) : Buffer.alloc(0);
  const isOfSource = cache.subarray(0, digest.length).equals(digest);
  const script = new Script(`(function(require,module,exports){${source.toString("utf8")}\n})`, {
    filename: program,
    ...(isOfSource ? { cachedData: cache.subarray(digest.length) } : {}),
  });
  const module: { exports: Partial<Mover> } = { exports: {} };
  script.runInThisContext()(createRequire(program), module, module.exports);
  const { runMover, runStep } = module.exports;
  if (runMover === undefined || runStep === undefined) throw new Error(`${program} is no mover`);
  return { script, mover: { runMover, runStep }, digest };
}
