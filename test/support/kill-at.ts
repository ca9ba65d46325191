/** A mover that is killed as soon as it has written a certain file. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeTask, type MoverTask } from "../../operator/contract/task.ts";
import type { MoverBed } from "./mover-bed.ts";

/** Runs a step as a process of its own and kills it as soon as the file is there. @returns whether it was killed */
export async function killAt(bed: MoverBed, task: MoverTask, podUID: string, file: string): Promise<boolean> {
  bed.newPod();
  const child = spawn(process.execPath, ["operator/main.ts", "mover"], {
    env: {
      PATH: process.env["PATH"],
      HANDOVER_ROOT: bed.root,
      HANDOVER_POD_UID: podUID,
      HANDOVER_TASK: encodeTask(task),
    },
    stdio: "ignore",
    // A group of its own: with the container its tools are killed too.
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("the mover did not start");
  const ended = new Promise<string | null>((resolve) => {
    child.once("exit", (_code, signal) => resolve(signal));
  });
  for (;;) {
    if (existsSync(file)) process.kill(-pid, "SIGKILL");
    const signal = await Promise.race([ended, sleep(1, undefined)]);
    if (signal !== undefined) return signal === "SIGKILL";
  }
}
