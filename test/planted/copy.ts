/** A copy of the tree to plant bugs in, so that the tree itself is never touched. */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { findProcesses, marker } from "../cluster/bed/processes.ts";

const elsewhere = new Set([".git", ".cluster", "dist", "node_modules", "out"]);

export class Copy {
  readonly root: string;
  /** What is started in the copy gets this, so that it can be found, whatever became of its parents. */
  readonly env: NodeJS.ProcessEnv;

  /** @param from root of the tree */
  constructor(from: string) {
    this.root = mkdtempSync(join(tmpdir(), "handover-planted-"));
    // The PostgreSQL of a test runs as another user, below this directory.
    chmodSync(this.root, 0o755);
    const temporary = join(this.root, "tmp");
    mkdirSync(temporary);
    chmodSync(temporary, 0o1777);
    for (const name of readdirSync(from))
      if (!elsewhere.has(name)) cpSync(join(from, name), join(this.root, name), { recursive: true });
    symlinkSync(realpathSync(join(from, "node_modules")), join(this.root, "node_modules"));
    this.env = { ...process.env, TMPDIR: temporary, [marker]: basename(this.root), FORCE_COLOR: "0" };
  }

  /** Changes one file while the work goes on. */
  async with<T>(path: string, change: (content: string) => string, work: () => Promise<T>): Promise<T> {
    const file = join(this.root, path);
    const content = readFileSync(file, "utf8");
    writeFileSync(file, change(content));
    try {
      return await work();
    } finally {
      writeFileSync(file, content);
    }
  }

  /** Ends what still runs in it, and removes it. */
  dispose(): void {
    for (const { pid } of findProcesses(basename(this.root))) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // ended while we looked
      }
    }
    rmSync(this.root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
