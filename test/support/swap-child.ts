/** Runs the swap of a task in a process of its own, and kills it without warning at its n-th checkpoint. Prints the checkpoints. */
import { parseTask } from "../../operator/contract/task.ts";
import { swap } from "../../operator/mover/steps/swap.ts";

const [taskText = "", root = "", limit = "0"] = process.argv.slice(2);
const task = parseTask(taskText);
let seen = 0;
if (task.step === "swap")
  await swap(task, {
    roots: {
      store: `${root}/store`,
      sink: (name) => `${root}/sinks/${name}`,
      volume: (name) => `${root}/v/${name}`,
      secret: (name) => `${root}/secrets/${name}`,
      config: (kind, name) => `${root}/config/${kind.toLowerCase()}/${name}`,
      signal: `${root}/signal`,
      scratch: `${root}/scratch`,
    },
    podUID: "child",
    log: { info: () => undefined, warn: () => undefined },
    abort: new AbortController().signal,
    checkpoint: (point) => {
      seen += 1;
      process.stdout.write(`${point}\n`);
      if (seen === Number(limit)) process.kill(process.pid, "SIGKILL");
    },
  });
