/** A lock among processes of this machine: a file made with O_EXCL that says who holds it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { say } from "./progress.ts";

const held = new Set<string>();
process.on("exit", () => {
  for (const file of held) rmSync(file, { force: true });
});

/** Runs the work while nobody else holds the lock. A holder that has ended is not waited for. */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  let told = false;
  while (!tryLock(file)) {
    const holder = readHolder(file);
    if (holder !== undefined && !isAlive(holder)) {
      // Two waiters may both see the dead holder: only one of them may remove the lock, and only that very lock.
      removeStale(file, holder);
      continue;
    }
    if (!told) say(`waiting for process ${holder?.split(" ")[0] ?? "?"}, which holds ${file}`);
    told = true;
    await sleep(250);
  }
  held.add(file);
  try {
    return await work();
  } finally {
    held.delete(file);
    rmSync(file, { force: true });
  }
}

/** A process number alone could be reused: the start time makes it one of a kind. */
export function identity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const afterName = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${pid} ${afterName[19] ?? ""}`;
  } catch {
    return undefined;
  }
}

function isAlive(holder: string): boolean {
  return identity(Number(holder.split(" ")[0])) === holder;
}

function tryLock(file: string): boolean {
  try {
    writeFileSync(file, identity(process.pid) ?? `${process.pid} `, { flag: "wx" });
    return true;
  } catch (error) {
    if (typeof error === "object" && error !== null && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined also for a lock that is just being written. */
function readHolder(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8") || undefined;
  } catch {
    return undefined;
  }
}

function removeStale(file: string, holder: string): void {
  const breaker = `${file}.break`;
  if (!tryLock(breaker)) {
    const other = readHolder(breaker);
    if (other !== undefined && !isAlive(other)) rmSync(breaker, { force: true });
    return;
  }
  try {
    if (readHolder(file) === holder) rmSync(file, { force: true });
  } finally {
    rmSync(breaker, { force: true });
  }
}
