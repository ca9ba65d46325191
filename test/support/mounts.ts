/** Throw-away file systems. */
import { rmSync } from "node:fs";
import { run } from "./odd-files.ts";

let mountPoint: string | undefined;
/** Mounts a file system of its own, of a size or kind that a test needs. Needs root. */
export function mounted(type: string, options: string): string {
  mountPoint = run("mktemp", ["-d"]).trim();
  run("mount", ["-t", type, "-o", options, "handover-test", mountPoint]);
  return mountPoint;
}
export function unmount(): void {
  if (mountPoint === undefined) return;
  run("umount", [mountPoint]);
  rmSync(mountPoint, { recursive: true });
  mountPoint = undefined;
}
