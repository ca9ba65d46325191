/** Runs a program and watches it and all that it starts: how long, how much processor, how much memory at one moment. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface ToolUse {
  readonly name: string;
  /** How long at least one process of this name was there. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Most memory of all processes of this name together. */
  readonly peakMiB: number;
}

export interface Watched {
  readonly code: number | null;
  readonly seconds: number;
  /** Most memory of the program and its children together, pages that they share counted once. */
  readonly peakMiB: number;
  readonly tools: readonly ToolUse[];
}

const intervalMillis = 50;
const ticksPerSecond = 100;

export async function runWatched(argv: readonly [string, ...string[]], env: NodeJS.ProcessEnv): Promise<Watched> {
  const [program, ...args] = argv;
  const started = performance.now();
  const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  const uses = new Map<string, { samples: number; peak: number; readonly cpu: Map<string, number> }>();
  let peak = 0;
  let last = started;
  const timer = setInterval(() => {
    last = performance.now();
    let total = 0;
    const now = new Map<string, number>();
    for (const { pid, name, cpu, bytes } of child.pid === undefined ? [] : processTree(child.pid)) {
      total += bytes;
      now.set(name, (now.get(name) ?? 0) + bytes);
      const use = uses.get(name) ?? { samples: 0, peak: 0, cpu: new Map<string, number>() };
      uses.set(name, use);
      use.cpu.set(pid, cpu);
    }
    for (const [name, bytes] of now) {
      const use = uses.get(name);
      if (use === undefined) continue;
      use.samples += 1;
      use.peak = Math.max(use.peak, bytes);
    }
    peak = Math.max(peak, total);
  }, intervalMillis);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  clearInterval(timer);
  const seconds = (performance.now() - started) / 1000;
  const samples = Math.max(1, ...[...uses.values()].map((use) => use.samples));
  const mebibyte = 1024 * 1024;
  return {
    code,
    seconds,
    peakMiB: peak / mebibyte,
    tools: [...uses].map(([name, use]) => ({
      name,
      seconds: ((last - started) / 1000) * (use.samples / samples),
      cpuSeconds: [...use.cpu.values()].reduce((a, b) => a + b, 0) / ticksPerSecond,
      peakMiB: use.peak / mebibyte,
    })),
  };
}

interface Process {
  readonly pid: string;
  readonly name: string;
  /** Ticks of this process alone. */
  readonly cpu: number;
  readonly bytes: number;
}

function processTree(root: number): readonly Process[] {
  const found: Process[] = [];
  const waiting = [String(root)];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    try {
      for (const thread of readdirSync(`/proc/${pid}/task`))
        waiting.push(
          ...readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
            .split(" ")
            .filter((word) => word !== ""),
        );
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const proportional = /^Pss:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? "0";
      found.push({
        pid,
        name: stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")),
        cpu: Number(fields[11]) + Number(fields[12]),
        bytes: Number(proportional) * 1024,
      });
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}
