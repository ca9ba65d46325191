/** A volume and its mirror, both empty, in a directory of their own. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { VolumeRef } from "../../operator/contract/task.ts";
import type { MirrorJob } from "../../operator/mover/mirror/pass.ts";

export interface MirrorBed {
  readonly root: string;
  readonly job: MirrorJob;
  readonly remove: () => void;
}

export function createMirrorBed(selection: Partial<VolumeRef> = {}): MirrorBed {
  const root = mkdtempSync(join(tmpdir(), "handover-mirror-"));
  const make = (name: string): string => {
    mkdirSync(join(root, name));
    return join(root, name);
  };
  const job = {
    volume: { name: "uploads", claimName: "uploads", paths: ["."], exclude: [], ...selection },
    source: make("source"),
    mirror: make("mirror"),
    stateDirectory: make("state"),
    scratch: make("scratch"),
    signal: new AbortController().signal,
  };
  return { root, job, remove: () => rmSync(root, { recursive: true, force: true }) };
}
