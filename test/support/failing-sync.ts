/** A power cut that comes before a sync has done anything: the `sync` that is found first on the path fails. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function withFailingSync(work: () => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "handover-sync-"));
  writeFileSync(join(directory, "sync"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const path = process.env["PATH"];
  process.env["PATH"] = `${directory}:${path}`;
  try {
    await work();
  } finally {
    process.env["PATH"] = path;
    rmSync(directory, { recursive: true });
  }
}
