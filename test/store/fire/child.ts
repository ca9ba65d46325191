/** Behind the gate: runs one step after the other, as they are asked for on descriptor 3, and tells on descriptor 4 how they ended. */
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { parseTask } from "../../../operator/contract/task.ts";
import { MoverError } from "../../../operator/mover/errors.ts";
import { runStep } from "../../../operator/mover/main.ts";
import type { Outcome } from "./gate.ts";
import { worldAt } from "./world.ts";

process.umask(0o077);
const world = worldAt(process.argv[2] ?? "");

async function outcomeOf(text: string): Promise<Outcome> {
  try {
    const { task, podUID } = JSON.parse(text) as { readonly task: unknown; readonly podUID: string };
    return { end: "ok", result: { ...(await runStep(parseTask(JSON.stringify(task)), world.context(podUID))) } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const { code, retry } = error instanceof MoverError ? error : { code: "HO-X001", retry: false };
    return { end: "error", code, retry, message };
  }
}

for await (const line of createInterface({ input: new Socket({ fd: 3 }) }))
  writeSync(4, `${JSON.stringify(await outcomeOf(line))}\n`);
