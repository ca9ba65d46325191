/**
 * Strikes at movers as a node does: SIGKILL to the first process of the container, or SIGSTOP, as soon as the process is there. A
 * program in a pod that sees the processes of the node waits for them, because a small step is over before kubectl has started.
 */
import type { Manifest } from "./api.ts";
import { podSpec, workload } from "./app.ts";
import { type Bed, waitUntil } from "./bed.ts";

export interface Strike {
  readonly run: string;
  /** Of the mover's task, such as `dump` or `transport`. */
  readonly step: string;
  readonly signal: "SIGKILL" | "SIGSTOP";
  /** For a step that has one Job per place. */
  readonly location?: string;
  /** A directory as the mover sees it: the strike waits until there is something in it. */
  readonly filled?: string;
}

// Each strike is used once. A process is looked at for a while, because between fork and exec it has the words of its parent.
const program = `
const { readdirSync, readFileSync } = require("node:fs");
const left = JSON.parse(process.env.STRIKES);
let known = new Map();
setInterval(() => {
  const now = performance.now();
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  known = new Map(pids.map((pid) => [pid, known.get(pid) ?? now + 2_000]));
  for (const [pid, until] of known) {
    if (until < now) continue;
    try {
      if (!readFileSync("/proc/" + pid + "/cmdline", "latin1").includes("main.mjs\\0mover")) continue;
      const variables = readFileSync("/proc/" + pid + "/environ", "utf8").split("\\0");
      const text = variables.find((line) => line.startsWith("HANDOVER_TASK="));
      if (text === undefined) continue;
      const task = JSON.parse(text.slice("HANDOVER_TASK=".length));
      const location = task.step === "prune" ? task.location.name : task.sink?.name;
      const at = left.findIndex((one) => one.run === task.run && one.step === task.step && (one.location ?? location) === location);
      known.set(pid, 0);
      if (at < 0 || task.namespace !== process.env.NAMESPACE) continue;
      const { signal, filled } = left[at];
      if (filled !== undefined) known.set(pid, Infinity);
      if (filled !== undefined && readdirSync("/proc/" + pid + "/root" + filled).length === 0) continue;
      left.splice(at, 1);
      known.set(pid, 0);
      process.kill(Number(pid), signal);
      process.stdout.write(JSON.stringify({ run: task.run, step: task.step, location, pid }) + "\\n");
    } catch {
      // It has ended.
    }
  }
}, 20);
process.on("SIGTERM", () => process.exit(0));
`;

export const moverKiller = (bed: Bed, strikes: readonly Strike[]): Manifest =>
  workload(
    "Deployment",
    "mover-killer",
    podSpec({
      script: "",
      container: {
        image: "handover/handover:dev",
        command: ["node", "-e", program],
        // Its share of the processors goes before that of the movers, of which some live for a fifth of a second.
        resources: { requests: { cpu: "500m" } },
        env: [
          { name: "STRIKES", value: JSON.stringify(strikes) },
          { name: "NAMESPACE", value: bed.namespace },
        ],
        securityContext: { privileged: true, runAsUser: 0, runAsGroup: 0 },
      },
      spec: { hostPID: true },
    }),
  );

/** `run step` or `run step/location` */
export const nameOf = ({ run, step, location }: Pick<Strike, "run" | "step" | "location">): string =>
  `${run} ${step}${location === undefined ? "" : `/${location}`}`;

/** What was struck so far: process numbers of the node by name. */
export async function struck(bed: Bed): Promise<ReadonlyMap<string, string>> {
  const lines = (await bed.k("logs", "deploy/mover-killer")).split("\n").filter((line) => line.startsWith("{"));
  return new Map(
    lines.map((line) => {
      const told = JSON.parse(line);
      return [nameOf(told), told.pid];
    }),
  );
}

/** Waits for a strike. @param name as `nameOf` gives it @returns the process that was struck, by its number on the node */
export async function processOf(bed: Bed, name: string, patience: number): Promise<string> {
  const isStruck = (met: ReadonlyMap<string, string>): boolean => met.has(name);
  const met = await waitUntil(`${name} is under way`, () => struck(bed), isStruck, patience);
  return met.get(name) ?? "";
}

export const goOn = (bed: Bed, pid: string): Promise<string> => bed.sh("deploy/mover-killer", `kill -CONT ${pid}`);
