/**
 * A process of a mover's steps behind the gate of gate.c: every system call of it and its tools that changes what lies below
 * one directory is counted, and one of them can be made to fail. Built here, because a binary in the tree could be of anything.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { MoverTask } from "../../../operator/contract/task.ts";

/** What becomes of call N: see gate.c. */
export const faultModes = ["eio", "enospc", "gone", "full", "short", "torn", "kill"] as const;
export type FaultMode = (typeof faultModes)[number];

export interface GateReport {
  /** Calls since the gate was armed. */
  readonly count: number;
  /** How many of them did not go as asked. */
  readonly hits: number;
  /** Calls that could write unseen. */
  readonly blind: number;
  /** Name and path, relative to the directory, in their order. */
  readonly calls: readonly string[];
}

export type Outcome =
  | { readonly end: "ok"; readonly result: Readonly<Record<string, unknown>> }
  | { readonly end: "error"; readonly code: string; readonly retry: boolean; readonly message: string }
  | { readonly end: "dead" };

let built: { readonly directory: string; readonly program: string } | undefined;

/** Not beside the worlds: programs in a memory of containers may not be started. */
function buildGate(): string {
  if (built === undefined) {
    const directory = mkdtempSync(join(tmpdir(), "handover-gate-"));
    const program = join(directory, "gate");
    execFileSync("gcc", ["-O1", "-Wall", "-Werror", "-o", program, join(import.meta.dirname, "gate.c")]);
    built = { directory, program };
  }
  return built.program;
}

/** When a suite is over. */
export function removeGate(): void {
  if (built !== undefined) rmSync(built.directory, { recursive: true, force: true });
  built = undefined;
}

const child = join(import.meta.dirname, "child.ts");

export class GatedMover {
  readonly #process: ChildProcess;
  readonly #orders: Interface;
  readonly #answers: Interface;
  readonly #ended: Promise<void>;

  /**
   * @param base of the world; counted is what lies below its directory `disk`
   * @param through a program that runs the mover, with its arguments
   */
  constructor(base: string, through: readonly string[] = []) {
    const mover = [...through, process.execPath, "--disable-warning=ExperimentalWarning", child, base];
    this.#process = spawn(buildGate(), [join(base, "disk"), ...mover], {
      stdio: ["pipe", "pipe", "inherit", "pipe", "pipe"],
    });
    this.#ended = new Promise((resolve) => this.#process.once("close", () => resolve()));
    this.#orders = createInterface({ input: this.#process.stdout as Readable });
    this.#answers = createInterface({ input: this.#process.stdio[4] as Readable });
    for (const end of [this.#process.stdin, this.#process.stdio[3]]) end?.on("error", () => undefined);
  }

  /** The next step of the conversation on one of the two lines. @returns undefined when the processes are gone. */
  async #ask(lines: Interface, into: Writable, text: string): Promise<string | undefined> {
    const answer = new Promise<string>((resolve) => lines.once("line", resolve));
    into.write(`${text}\n`);
    return await Promise.race([answer, this.#ended.then(() => undefined)]);
  }

  async arm(call: number, mode: FaultMode | "none"): Promise<void> {
    await this.#ask(this.#orders, this.#process.stdin as Writable, `arm ${call} ${mode}`);
  }

  /** Until the next `arm`. @throws when the processes are gone */
  async report(): Promise<GateReport> {
    const text = await this.#ask(this.#orders, this.#process.stdin as Writable, "report");
    if (text === undefined) throw new Error("the gate is gone");
    return JSON.parse(text) as GateReport;
  }

  /** When it ends as dead, nothing that it has started runs any more. */
  async run(task: MoverTask, podUID: string): Promise<Outcome> {
    const text = await this.#ask(this.#answers, this.#process.stdio[3] as Writable, JSON.stringify({ task, podUID }));
    return text === undefined ? { end: "dead" } : (JSON.parse(text) as Outcome);
  }

  /** Lets everything end by itself. */
  async finish(): Promise<void> {
    (this.#process.stdio[3] as Writable).end();
    await this.#ended;
  }

  async close(): Promise<void> {
    this.#process.stdin?.end();
    await this.#ended;
  }
}
