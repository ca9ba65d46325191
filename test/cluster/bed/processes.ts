/** Runs programs (never through a shell) and finds the processes of a cluster again. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A file that becomes the standard input. */
  readonly stdinFile?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
  /** A file that gets the output instead of the memory of this process. */
  readonly logFile?: string;
  readonly cleaning?: boolean;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const children = new Set<ChildProcess>();
let stopping = false;

/** After a signal: ends what runs, and lets nothing new begin but the work of cleaning up. */
export function stopWork(): void {
  stopping = true;
  for (const child of children) child.kill("SIGKILL");
}

/** Runs a program to its end. A program that cannot be started has the exit code 127, one that ran out of time 124. */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  if (stopping && options.cleaning !== true) throw new Error("stopped");
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, "a");
  const input = options.stdinFile === undefined ? undefined : openSync(options.stdinFile, "r");
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: [input ?? (options.input === undefined ? "ignore" : "pipe"), log ?? "pipe", log ?? "pipe"],
  });
  children.add(child);
  child.on("close", () => children.delete(child));
  for (const fd of [log, input]) if (fd !== undefined) closeSync(fd);
  let stdout = "";
  let stderr = "";
  let late = false;
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin?.on("error", () => undefined).end(options.input);
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          late = true;
          child.kill("SIGKILL");
        }, options.timeoutMs);
  return new Promise((done) => {
    child.on("error", (error) => {
      clearTimeout(timer);
      done({ code: 127, stdout, stderr: error.message });
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      done({ code: late ? 124 : (code ?? 128), stdout, stderr });
    });
  });
}

/** Like `run`, but an exit code other than 0 is an error that carries the end of the output. */
export async function must(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(file, args, options);
  if (result.code === 0) return result.stdout;
  const output = options.logFile === undefined ? result.stderr || result.stdout : readFileSync(options.logFile, "utf8");
  throw new Error(`${file} ${args[0] ?? ""} failed with ${result.code}: ${tail(output)}`);
}

export function tail(text: string, lines = 12): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

/** Starts a program that outlives this process. Its output goes to a file. */
export function start(file: string, args: readonly string[], env: NodeJS.ProcessEnv, logFile: string): void {
  if (stopping) throw new Error("stopped");
  const log = openSync(logFile, "a");
  const child = spawn(file, args, { detached: true, env, cwd: "/", stdio: ["ignore", log, log] });
  closeSync(log);
  child.on("error", () => undefined); // a missing program shows as a component that never gets ready
  child.unref();
}

/**
 * Every process of a cluster carries its name in the environment. This finds them after a crash too, and cannot mistake
 * another process for ours, as a number in a file could.
 */
export const marker = "HANDOVER_BED";

export interface Found {
  readonly pid: number;
  /** First process of its process namespace, so the one whose end ends all others in it. */
  readonly init: boolean;
}

export function findProcesses(name: string): Found[] {
  const wanted = `${marker}=${name}`;
  const found: Found[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      if (!readFileSync(`/proc/${entry}/environ`, "latin1").split("\0").includes(wanted)) continue;
      const ids = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${entry}/status`, "latin1"))?.[1]?.split(/\s+/) ?? [];
      found.push({ pid: Number(entry), init: ids.length > 1 && ids.at(-1) === "1" });
    } catch {
      // ended while we looked, or a kernel thread
    }
  }
  return found;
}

/** Ends all processes of a cluster: politely first only where politeness matters, which for a test cluster it does not. */
export async function endProcesses(name: string): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const found = findProcesses(name);
    if (found.length === 0) return;
    for (const { pid } of found) signal(pid, "SIGKILL");
    await sleep(50);
  }
  throw new Error(
    `processes of cluster ${name} do not end: ${findProcesses(name)
      .map((p) => p.pid)
      .join(" ")}`,
  );
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone already
  }
}

/** Asks until the answer is not undefined. The last error becomes part of the message when time runs out. */
export async function until<T>(what: string, seconds: number, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  const why = last instanceof Error ? `: ${last.message}` : "";
  throw new Error(`no ${what} after ${seconds} s${why}`);
}
