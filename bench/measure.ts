/** Runs a program and says what it cost: wall clock, processor time of its children too, memory of all of them together. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Cost {
  readonly seconds: number;
  /** User and system, of the program and all that it started. Not of a database server. */
  readonly cpuSeconds: number;
  /** The most memory that the program and its children had together, a little late, but never less than the largest of them. */
  readonly peakMiB: number;
}

export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly input?: string | undefined;
  /** Exit codes that count as success; 0 alone by default. */
  readonly okCodes?: readonly number[] | undefined;
}

export interface Measured extends Cost {
  readonly stdout: string;
}

const sampleMillis = 100;

/** @throws Error with the end of what the program said, when it fails. */
export async function measure(command: Command): Promise<Measured> {
  const scratch = mkdtempSync(join(tmpdir(), "handover-bench-time-"));
  const report = join(scratch, "time");
  try {
    const started = performance.now();
    const child = spawn("time", ["-o", report, "-f", "%U %S %M", "--", ...command.argv], {
      cwd: command.cwd,
      env: { PATH: process.env["PATH"] ?? "", HOME: scratch, LC_ALL: "C", ...command.env },
      stdio: [command.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout = (stdout + text).slice(-1_000_000)));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-4000)));
    child.stdin?.on("error", () => undefined).end(command.input);
    let sampled = 0;
    const timer = setInterval(() => {
      sampled = Math.max(sampled, residentKiB(child.pid ?? 0));
    }, sampleMillis);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    }).finally(() => clearInterval(timer));
    const seconds = (performance.now() - started) / 1000;
    if (code === null || !(command.okCodes ?? [0]).includes(code))
      throw new Error(
        `${command.argv.slice(0, 4).join(" ")} ended with ${code}: ${stderr.slice(-2000)}${stdout.slice(-1000)}`,
      );
    // A line about the exit code comes before, when it is not 0.
    const [user = 0, system = 0, largest = 0] = readFileSync(report, "utf8")
      .trim()
      .split("\n")
      .at(-1)!
      .split(" ")
      .map(Number);
    return { seconds, cpuSeconds: user + system, peakMiB: Math.max(sampled, largest) / 1024, stdout };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Of a process and all that it started. What several of them share is counted several times: never too little. */
function residentKiB(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/statm`, "latin1");
    const own = Number(status.split(" ")[1]) * 4;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ");
    return children.reduce((sum, child) => (child === "" ? sum : sum + residentKiB(Number(child))), own);
  } catch {
    // It has just ended.
    return 0;
  }
}

/** One after the other. */
export const sumOf = (costs: readonly Cost[]): Cost => ({
  seconds: costs.reduce((sum, { seconds }) => sum + seconds, 0),
  cpuSeconds: costs.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  peakMiB: Math.max(0, ...costs.map(({ peakMiB }) => peakMiB)),
});

/** Whatever was written before is on the disk and, if the kernel lets us, nothing of it is in memory. @returns whether it did */
export async function forgetCaches(): Promise<boolean> {
  await measure({ argv: ["sync"] });
  try {
    writeFileSync("/proc/sys/vm/drop_caches", "3");
    return true;
  } catch {
    return false;
  }
}
