/**
 * Runs other programs: the only file of Handover that spawns processes, and never through a shell. Every process of a
 * pipeline has its exit code checked: in `pg_dump | gzip` of a shell the code of gzip wins, and years of backups were lost to that.
 * Processes get a minimal environment and the C locale, so that messages can be parsed. What they print is kept
 * in bounded memory only.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { pipeline as pump } from "node:stream/promises";
import { CommandError } from "./errors.ts";

export type Argv = readonly [string, ...string[]];

export interface Stage {
  readonly argv: Argv;
  readonly cwd?: string | undefined;
  /** Added to the minimal environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Exit codes that count as success; 0 alone by default. */
  readonly okCodes?: readonly number[] | undefined;
  /** Called for each line of standard error as it comes. */
  readonly onStderrLine?: ((line: string) => void) | undefined;
}

/** The program itself reads or writes the file, which costs half of what going through us does. One that is written must not exist. */
export interface FileEnd {
  readonly file: string;
}

export interface Ends {
  readonly stdin?: "ignore" | Readable | FileEnd | undefined;
  /** `capture` returns the text and is for small output only; several streams are piped into each other in their order. */
  readonly stdout?: "capture" | "ignore" | Writable | FileEnd | readonly [NodeJS.ReadWriteStream, Writable] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RunResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Empty unless captured. */
  readonly stdout: string;
  readonly stderrTail: string;
}

const maxCapture = 16 * 1024 * 1024;
const maxTail = 16 * 1024;
const killGraceMillis = 5_000;

/** Runs one program. @throws CommandError on any other exit code than `okCodes`; the abort reason when aborted. */
export async function run(argv: Argv, options: Omit<Stage, "argv"> & Ends = {}): Promise<RunResult> {
  const { stdin, stdout, signal, ...stage } = options;
  const [result] = await pipeline([{ ...stage, argv }], { stdin, stdout, signal });
  if (result === undefined) throw new Error("no result of a pipeline of one");
  return result;
}

/**
 * Runs programs whose standard outputs feed the next one's standard input, connected by the kernel.
 * @throws the CommandError of the program that is to blame; the error of a stream at an end; the abort reason.
 */
export async function pipeline(stages: readonly [Stage, ...Stage[]], ends: Ends = {}): Promise<readonly RunResult[]> {
  const children: ChildProcess[] = [];
  const files = openEnds(ends);
  const stop = (): void => {
    for (const child of children) stopChild(child);
  };
  ends.signal?.addEventListener("abort", stop, { once: true });
  try {
    const results: Promise<RunResult>[] = [];
    const flows: Promise<void>[] = [];
    let capture = "";
    for (const [index, stage] of stages.entries()) {
      const previous = children.at(-1)?.stdout ?? undefined;
      const last = index === stages.length - 1;
      const [program, ...args] = stage.argv;
      const child = spawn(program, args, {
        cwd: stage.cwd,
        env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", ...stage.env },
        stdio: [
          previous ?? files.stdin ?? (typeof ends.stdin === "object" ? "pipe" : "ignore"),
          last ? (files.stdout ?? (ignored(ends) ? "ignore" : "pipe")) : "pipe",
          "pipe",
        ],
      });
      children.push(child);
      // The child has its own end now; with ours open, the writer would never learn that the reader is gone.
      if (previous !== undefined) previous.destroy();
      results.push(ending(child, stage));
      const { stdin, stdout } = ends;
      if (index === 0 && typeof stdin === "object" && !("file" in stdin) && child.stdin !== null)
        flows.push(pump(stdin, child.stdin));
      if (last && child.stdout !== null) {
        if (stdout === "capture") flows.push(collect(child.stdout, (text) => (capture += text)));
        else if (typeof stdout === "object" && !("file" in stdout)) flows.push(drain(child.stdout, stdout));
      }
    }
    // The children have their own.
    files.close();
    const flowing = Promise.all(flows).then(
      () => undefined,
      (error: unknown) => {
        stop();
        return error;
      },
    );
    const failing = results.map(async (result, index) => {
      const { code } = await result;
      if (!isOk(code, stages[index])) stop();
    });
    await Promise.all(failing);
    const flowError = await flowing;
    ends.signal?.throwIfAborted();
    const ended = await Promise.all(results);
    check(stages, ended, flowError);
    return ended.map((result, index) => (index === ended.length - 1 ? { ...result, stdout: capture } : result));
  } finally {
    ends.signal?.removeEventListener("abort", stop);
    stop();
    files.close();
  }
}

interface OpenEnds {
  readonly stdin: number | undefined;
  readonly stdout: number | undefined;
  /** May be called again. */
  readonly close: () => void;
}

function openEnds(ends: Ends): OpenEnds {
  try {
    ends.signal?.throwIfAborted();
    return openFiles(ends);
  } catch (error) {
    // Nobody else knows that what was opened for us will not be used.
    for (const end of [ends.stdin, ends.stdout].flat())
      if (typeof end === "object" && "destroy" in end && typeof end.destroy === "function") end.destroy();
    throw error;
  }
}

function openFiles({ stdin, stdout }: Ends): OpenEnds {
  const read = typeof stdin === "object" && "file" in stdin ? openSync(stdin.file, "r") : undefined;
  const open = read === undefined ? [] : [read];
  const close = (): void => {
    for (const fd of open.splice(0)) closeSync(fd);
  };
  try {
    const isFile = typeof stdout === "object" && "file" in stdout;
    const written = isFile ? openSync(stdout.file, "wx", 0o600) : undefined;
    if (written !== undefined) open.push(written);
    return { stdin: read, stdout: written, close };
  } catch (error) {
    close();
    throw error;
  }
}

const ignored = (ends: Ends): boolean => ends.stdout === undefined || ends.stdout === "ignore";

const isOk = (code: number | null, stage: Stage | undefined): boolean =>
  code !== null && (stage?.okCodes ?? [0]).includes(code);

/**
 * Blames the cause and not its victims: when a reader ends early, its writer fails with a broken pipe; when an end of ours
 * fails (a full disk), the programs before it do.
 */
function check(stages: readonly Stage[], ended: readonly RunResult[], flowError: unknown): void {
  const failed = ended.flatMap((result, index) => (isOk(result.code, stages[index]) ? [] : [{ result, index }]));
  const unstarted = failed.find(({ result }) => result.code === null && result.signal === null);
  const own = unstarted ?? failed.find(({ result }) => !isVictim(result));
  if (own === undefined && flowError !== undefined) throw flowError;
  // Of victims alone, one that ended by itself knows more than one that we have stopped.
  const culprit = own ?? failed.find(({ result }) => result.code !== null) ?? failed[0];
  if (culprit === undefined) return;
  const { result, index } = culprit;
  throw new CommandError(stages[index]?.argv[0] ?? "", result.code, result.signal, result.stderrTail);
}

const isVictim = ({ signal, stderrTail }: RunResult): boolean =>
  signal === "SIGPIPE" ||
  signal === "SIGTERM" ||
  /Broken pipe|Connection reset by peer|Wrote only \d+ of \d+ bytes/.test(stderrTail);

function stopChild(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), killGraceMillis);
  timer.unref();
  child.once("close", () => clearTimeout(timer));
}

async function ending(child: ChildProcess, stage: Stage): Promise<RunResult> {
  let tail = "";
  let partial = "";
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (text: string) => {
    tail = (tail + text).slice(-maxTail);
    if (stage.onStderrLine === undefined) return;
    const lines = (partial + text).split("\n");
    partial = (lines.pop() ?? "").slice(-maxTail);
    for (const line of lines) stage.onStderrLine(line);
  });
  return await new Promise((resolve) => {
    child.once("error", (error) => {
      // Not started at all: there will be no `close`.
      if (child.pid === undefined) resolve({ code: null, signal: null, stdout: "", stderrTail: error.message });
    });
    child.once("close", (code, signal) => {
      if (partial !== "") stage.onStderrLine?.(partial);
      resolve({ code, signal, stdout: "", stderrTail: tail });
    });
  });
}

async function collect(stream: Readable, take: (text: string) => void): Promise<void> {
  let size = 0;
  stream.setEncoding("utf8");
  for await (const text of stream as AsyncIterable<string>) {
    size += text.length;
    if (size > maxCapture) throw new Error(`a program printed more than ${maxCapture} characters`);
    take(text);
  }
}

async function drain(stream: Readable, into: Writable | readonly [NodeJS.ReadWriteStream, Writable]): Promise<void> {
  if ("length" in into) await pump(stream, into[0], into[1]);
  else await pump(stream, into);
}
