/** Runs a transport in a process of its own, to be killed. */
import { parseTask } from "../../operator/contract/task.ts";
import { transport } from "../../operator/mover/steps/transport.ts";

const [taskText = "", root = ""] = process.argv.slice(2);
const task = parseTask(taskText);
if (task.step === "transport")
  await transport(task, {
    roots: {
      store: `${root}/store`,
      sink: (name) => `${root}/sinks/${name}`,
      volume: (name) => `${root}/volumes/${name}`,
      secret: (name) => `${root}/secrets/${name}`,
      config: (kind, name) => `${root}/config/${kind.toLowerCase()}/${name}`,
      signal: `${root}/signal`,
      scratch: `${root}/scratch`,
    },
    podUID: "child",
    log: { info: () => undefined, warn: () => undefined },
    abort: new AbortController().signal,
  });
